import { isDeepStrictEqual } from "node:util";
import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import { isDeclared } from "../dynamic/declared";
import { OperatorError } from "../dynamic/errors";
import type { Connection } from "../libvirt/connection";
import { ErrorCode, isLibvirtError } from "../libvirt/errors";
import type { NWFilter } from "../libvirt/handles";
import { open } from "../libvirt/open";
import {
  editNetworkFilter,
  networkFilterXML,
  parseNetworkFilter,
  type NetworkFilterModel,
} from "../libvirt/xml/nwfilter";
import { networkFilterSchema, type NetworkFilterInputs } from "../schema/network-filter";
import { adoptable, adoptProblem, existsProblem, findBy, found } from "./adopt";
import { filterUsers } from "./filter-users";
import { hostUris } from "./guest-drivers";
import { missingProblem } from "./missing";
import { rulesOf } from "./network-filter-rules";
import { ownedUuid } from "./owned-uuid";
import { reachable } from "./reachable";

export interface NetworkFilterState extends NetworkFilterInputs {
  uuid: string;
  /** Whether the filter was there before us, and stays when we go. */
  adopted: boolean;
}

const parts = ["chain", "priority", "rules", "filters"] as const;

type Asked = Pick<NetworkFilterInputs, (typeof parts)[number]>;

function find(connection: Connection, key: string): Promise<NWFilter | undefined> {
  return findBy(
    key,
    (uuid) => connection.nwfilterLookupByUUID(uuid),
    (name) => connection.nwfilterLookupByName(name),
  );
}

const inForce = () => ({ disruption: "live", why: "in force at once on every guest that uses it" }) as const;

/** libvirt's network filters: what guests' interfaces may send and receive. */
export class NetworkFilterHandler implements Handler<NetworkFilterInputs, NetworkFilterState> {
  readonly kind = "NetworkFilter";
  readonly schema = networkFilterSchema;

  readonly fields: DiffTable<NetworkFilterInputs> = {
    connection: "replace",
    name: "replace",
    adopt: "ignored",
    owner: "ignored",
    chain: "live",
    priority: "live",
    antiSpoofing: inForce,
    allow: inForce,
    rules: inForce,
    filters: inForce,
  };

  constructor(private readonly connect: (uri: string) => Promise<Connection> = open) {}

  describe({ name, connection }: NetworkFilterInputs): string {
    return `network filter ${name} on ${connection}`;
  }

  lock({ name, connection }: NetworkFilterInputs): string {
    return `network filter ${connection} ${name}`;
  }

  async problems(
    news: NetworkFilterInputs,
    olds: Partial<NetworkFilterInputs> | undefined,
    _changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    const connection = await reachable(this.connected(news, context));
    if (!connection) return [];
    try {
      return [
        ...(olds ? [] : await nameProblems(connection, news)),
        ...(await referenceProblems(connection, news, olds)),
      ];
    } catch (error) {
      if (!isLibvirtError(error, ErrorCode.NO_SUPPORT)) throw error;
      return [{ field: "connection", reason: unsupported(news.connection) }];
    }
  }

  async create(inputs: NetworkFilterInputs, context: Context): Promise<Created<NetworkFilterState>> {
    const connection = await this.connected(inputs, context);
    const existing = await find(connection, inputs.adopt ?? inputs.name);
    const adopted = inputs.adopt !== undefined;
    if (adopted) {
      const filter = adoptable("network filter", existing, inputs);
      await converge(connection, filter, inputs, {});
      return { id: filter.uuid, state: { ...inputs, uuid: filter.uuid, adopted } };
    }
    const uuid = ownedUuid(inputs);
    if (existing && existing.uuid !== uuid) throw new OperatorError(existsProblem("network filter", inputs.name));
    if (existing) context.progress("going on where an interrupted run ended");
    await connection.nwfilterDefineXML(networkFilterXML(modelOf(inputs, uuid)));
    return { id: uuid, state: { ...inputs, uuid, adopted } };
  }

  async read(id: string, state: NetworkFilterState, context: Context): Promise<NetworkFilterState | undefined> {
    const connection = await this.connected(state, context);
    const filter = await find(connection, id);
    const xml = filter && (await found(connection.nwfilterGetXMLDesc(filter)));
    if (xml === undefined) return undefined;
    const there = parseNetworkFilter(xml);
    const now: NetworkFilterState = { ...state, uuid: id, name: there.name };
    const asked = { ...state, rules: rulesOf(state) };
    for (const part of parts) {
      if (asked[part] === undefined || same(there[part], asked[part])) continue;
      Object.assign(now, { [part]: there[part] });
      // Rules that were changed by hand mean nothing else any more than what they say.
      if (part === "rules") Object.assign(now, { antiSpoofing: undefined, allow: undefined });
    }
    return now;
  }

  async update(
    id: string,
    olds: NetworkFilterState,
    news: NetworkFilterInputs,
    _changes: Change[],
    context: Context,
  ): Promise<NetworkFilterState> {
    const connection = await this.connected(news, context);
    const filter = await find(connection, id);
    if (!filter)
      throw new OperatorError("it is gone since the last up", { fix: 'run "pulumi refresh", then up makes it anew' });
    await converge(connection, filter, news, olds);
    return { ...news, uuid: id, adopted: olds.adopted };
  }

  async delete(id: string, state: NetworkFilterState, context: Context): Promise<void> {
    if (state.adopted) return;
    const connection = await this.connected(state, context);
    const filter = await find(connection, id);
    if (!filter) return;
    const users = await filterUsers(connection, filter.name, this.connect);
    if (users !== undefined)
      throw new OperatorError(`it is used by ${users}`, { fix: "take it out of their filters first" });
    await found(connection.nwfilterUndefine(filter));
  }

  private async connected(inputs: NetworkFilterInputs, context: Context): Promise<Connection> {
    return (await this.connect(inputs.connection)).with({ signal: context.signal });
  }
}

/** A new filter: what the program leaves out has libvirt's default. */
function modelOf(inputs: NetworkFilterInputs, uuid: string): NetworkFilterModel {
  const { name, chain = "root", priority, filters = [] } = inputs;
  return { name, uuid, chain, priority, rules: rulesOf(inputs) ?? [], filters };
}

/** Brings the definition to `news`; libvirt changes the rules of running guests with it, or refuses as a whole. */
async function converge(
  connection: Connection,
  filter: NWFilter,
  news: NetworkFilterInputs,
  olds: Partial<NetworkFilterInputs>,
): Promise<void> {
  const xml = await connection.nwfilterGetXMLDesc(filter);
  const there = parseNetworkFilter(xml);
  const defaults = modelOf(news, filter.uuid);
  const [now, before] = [news, olds].map((inputs) => ({ ...inputs, rules: rulesOf(inputs) })) as [Asked, Asked];
  const set = (part: (typeof parts)[number]) => now[part] !== undefined || before[part] !== undefined;
  const wanted = Object.fromEntries(parts.map((part) => [part, set(part) ? defaults[part] : there[part]]));
  if (parts.every((part) => same(there[part], wanted[part]))) return;
  await connection.nwfilterDefineXML(editNetworkFilter(xml, wanted));
}

function same(one: unknown, other: unknown): boolean {
  const plain = (value: unknown) => (value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown));
  return isDeepStrictEqual(plain(one), plain(other));
}

async function nameProblems(connection: Connection, news: NetworkFilterInputs): Promise<Problem[]> {
  const existing = await find(connection, news.adopt ?? news.name);
  if (news.adopt !== undefined) {
    const reason = adoptProblem("network filter", existing, news);
    return reason === undefined ? [] : [{ field: "adopt", reason }];
  }
  if (!existing || existing.uuid === ownedUuid(news)) return [];
  return [{ field: "name", reason: existsProblem("network filter", news.name) }];
}

/** libvirt takes a reference to nothing, and then starts no guest that uses the filter. */
async function referenceProblems(
  connection: Connection,
  { connection: uri, filters = [] }: NetworkFilterInputs,
  olds: Partial<NetworkFilterInputs> | undefined,
): Promise<Problem[]> {
  const before = new Set(olds?.filters?.map(({ name }) => name));
  const asked = filters.map(({ name }, at) =>
    before.has(name) ? undefined : missingFilter(connection, uri, name, `filters.${at}`),
  );
  return (await Promise.all(asked)).filter((problem) => problem !== undefined);
}

/** What is wrong with naming a filter that neither the host nor the program knows. */
export async function missingFilter(
  connection: Connection,
  uri: string,
  name: string,
  field: string,
): Promise<Problem | undefined> {
  if (hostUris(uri).some((connection) => isDeclared("NetworkFilter", { connection, name }))) return undefined;
  try {
    if (await found(connection.nwfilterLookupByName(name))) return undefined;
    const there = (await connection.connectListAllNWFilters()).map((filter) => filter.name);
    return { field, reason: missingProblem("network filter", name, there, "NetworkFilter") };
  } catch (error) {
    if (!isLibvirtError(error, ErrorCode.NO_SUPPORT)) throw error;
    return { field, reason: unsupported(uri) };
  }
}

function unsupported(uri: string): string {
  return `${uri} has no network filters. Fix: use a system connection to a host with libvirt's nwfilter driver (Fedora: dnf install libvirt-daemon-driver-nwfilter), or leave filters out`;
}
