import { isDeepStrictEqual } from "node:util";
import type { Change, Context, Created, DiffTable, Disruption, FieldRule, Handler, Problem } from "../dynamic/contract";
import { OperatorError, PartialError } from "../dynamic/errors";
import { exclusive } from "../dynamic/mutex";
import type { Connection } from "../libvirt/connection";
import { VIR_NETWORK_UPDATE_AFFECT_LIVE, VIR_NETWORK_XML_INACTIVE } from "../libvirt/constants";
import type { Network } from "../libvirt/handles";
import { open } from "../libvirt/open";
import { editNetwork, networkXML, parseNetwork, type NetworkModel } from "../libvirt/xml/network";
import { parse, serialize } from "../libvirt/xml/document";
import { liveChange } from "../libvirt/xml/network-update";
import { networkSchema, type NetworkInputs } from "../schema/network";
import { adoptable, existsProblem, findBy, found } from "./adopt";
import { attachments, nameAttachments, plugInAgain, type Attachment } from "./attached-guests";
import { hostMachine, lookAtHost, type LookAtHost } from "./host-survey";
import { ownHosts } from "../libvirt/xml/network-hosts";
import { open as openMachine } from "../machine/open-machine";
import { isLeftOver, networkProblems } from "./network-problems";
import { reachable } from "./reachable";

export interface NetworkState extends NetworkInputs {
  uuid: string;
  /** Whether the network was there before us, and stays when we go. */
  adopted: boolean;
}

const restart =
  "the network restarts; running guests are plugged in again and lose their link for some seconds, or for one without stp";

const pluggedFromThenOn = "for guests that are plugged in from then on; the others keep what they have";

/** A change that libvirt takes up only when it starts the network. */
function restarts(): FieldRule<NetworkInputs> {
  return () => ({ disruption: "reboot", why: restart });
}

/** Inputs that are not part of the network's document. */
const notInDocument: ReadonlySet<string> = new Set([
  "connection",
  "machine",
  "adopt",
  "owner",
  "autostart",
  "active",
  "disruption",
]);

/** A document leaves out what is off or empty. */
function isSame(found: unknown, declared: unknown): boolean {
  const plain = (value: unknown) =>
    value === false || (Array.isArray(value) && value.length === 0) ? undefined : value;
  return isDeepStrictEqual(plain(found), plain(declared));
}

/** A network of ours begins without spanning tree, which would keep each new NIC waiting for its lease. */
function asNew(inputs: NetworkInputs): NetworkInputs {
  const ownsBridge = inputs.mode !== "bridge" && inputs.mode !== "macvtap";
  return ownsBridge ? { ...inputs, stp: inputs.stp ?? false } : inputs;
}

function allowsRestart({ disruption }: NetworkInputs): boolean {
  return disruption === "reboot" || disruption === "replace";
}

function find(connection: Connection, key: string): Promise<Network | undefined> {
  return findBy(
    key,
    (uuid) => connection.networkLookupByUUID(uuid),
    (name) => connection.networkLookupByName(name),
  );
}

async function remove(connection: Connection, network: Network): Promise<void> {
  const active = await found(connection.networkIsActive(network));
  if (active) await found(connection.networkDestroy(network));
  // A transient one is gone with its end.
  await found(connection.networkUndefine(network));
}

/** libvirt gives two networks that are made at a time the same bridge, where it has to find its name. */
function namingBridge<T>({ connection, bridge }: NetworkInputs, work: () => Promise<T>): Promise<T> {
  return bridge === undefined ? exclusive(`bridge names of ${connection}`, work) : work();
}

/** libvirt's virtual networks: NAT, routed, isolated, open, and bridges of the host. */
export class NetworkHandler implements Handler<NetworkInputs, NetworkState> {
  readonly kind = "Network";
  readonly schema = networkSchema;
  /** Two networks cannot share a bridge or a subnet. */
  readonly deleteBeforeReplace = true;

  readonly fields: DiffTable<NetworkInputs> = {
    connection: "replace",
    machine: "ignored",
    name: "replace",
    adopt: "ignored",
    owner: "ignored",
    mode: restarts(),
    macvtapMode: () => ({ disruption: "live", why: pluggedFromThenOn }),
    uplink: restarts(),
    uplinks: () => ({ disruption: "live", why: pluggedFromThenOn }),
    natIpv6: restarts(),
    natAddresses: restarts(),
    natPorts: restarts(),
    // A name that the program does not choose is libvirt's choice.
    bridge: ({ new: name }) =>
      name === undefined ? { disruption: "ignored" } : { disruption: "reboot", why: restart },
    stp: restarts(),
    mtu: restarts(),
    domain: restarts(),
    ipv4: restarts(),
    ipv4Address: restarts(),
    dhcp: "live",
    dhcpRange: "live",
    ipv6: restarts(),
    ipv6Address: restarts(),
    dhcp6: "live",
    dhcp6Range: "live",
    hosts: "live",
    dnsHosts: "live",
    dnsTxt: "live",
    dnsSrv: "live",
    dnsForwarders: restarts(),
    routes: restarts(),
    bandwidth: restarts(),
    portGroups: "live",
    vlans: restarts(),
    isolatedPorts: restarts(),
    autostart: "live",
    active: ({ new: active }) =>
      active ? { disruption: "live" } : { disruption: "reboot", why: "running guests lose their link" },
    disruption: "ignored",
  };

  constructor(
    private readonly connect: (uri: string) => Promise<Connection> = open,
    private readonly look: LookAtHost = lookAtHost,
  ) {}

  describe({ name, connection }: NetworkInputs): string {
    return `network ${name} on ${connection}`;
  }

  lock({ name, connection }: NetworkInputs): string {
    return `network ${connection} ${name}`;
  }

  /** None by default: `problems` refuses what would disturb guests that really run. */
  limit({ disruption }: NetworkInputs): Disruption | undefined {
    return disruption;
  }

  async problems(
    news: NetworkInputs,
    olds: Partial<NetworkInputs> | undefined,
    changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    const connection = await reachable(this.connected(olds ? { ...news, ...olds } : news, context));
    return connection ? networkProblems(connection, news, olds, changes, () => this.look(news), this.connect) : [];
  }

  async create(inputs: NetworkInputs, context: Context): Promise<Created<NetworkState>> {
    const connection = await this.connected(inputs, context);
    const existing = await find(connection, inputs.adopt ?? inputs.name);
    if (inputs.adopt !== undefined) return this.takeOver(connection, existing, inputs, context);
    if (existing && !(await isLeftOver(connection, existing, inputs)))
      throw new OperatorError(existsProblem("network", inputs.name));
    if (existing) context.progress("going on where an interrupted run ended");

    // Started before it is defined, a network that an interrupted run leaves vanishes with its end.
    const xml = networkXML(asNew(inputs), inputs.owner);
    const network =
      existing ??
      (await namingBridge(inputs, () =>
        inputs.active ? connection.networkCreateXML(xml) : connection.networkDefineXML(xml),
      ));
    let state: NetworkState;
    try {
      await this.converge(connection, network, inputs, {}, context, true);
      state = await this.state(connection, network, inputs, false);
    } catch (cause) {
      throw await this.undone(network, inputs, cause as Error);
    }
    try {
      // Guests may run on a network of this name that is gone.
      if (inputs.active) await this.plugIn(connection, network, inputs, context);
    } catch (cause) {
      throw new PartialError(network.uuid, state, cause as Error);
    }
    return { id: network.uuid, state };
  }

  /** Removes what `create` made; where that fails too, the network is kept in the state as it is. */
  private async undone(network: Network, inputs: NetworkInputs, cause: Error): Promise<Error> {
    try {
      // The operation's own time may be over: this has its own.
      await remove(await this.connect(inputs.connection), network);
      return cause;
    } catch {
      const state: NetworkState = { ...inputs, uuid: network.uuid, adopted: false };
      return new PartialError(network.uuid, state, cause);
    }
  }

  private async takeOver(
    connection: Connection,
    existing: Network | undefined,
    inputs: NetworkInputs,
    context: Context,
  ): Promise<Created<NetworkState>> {
    const network = adoptable("network", existing, inputs);
    const live = await connection.networkGetXMLDesc(network);
    const { restart } = liveChange(live, editNetwork(live, inputs));
    const running = inputs.active && (await connection.networkIsActive(network));
    const attached = running && restart.length > 0 ? await this.attached(connection, network) : [];
    if (attached.length > 0 && !allowsRestart(inputs))
      throw new OperatorError(
        `what runs differs in ${restart.join(", ")}, and running guests are plugged into it: ${nameAttachments(attached)}`,
        { fix: 'declare what it is, stop the guests, or set disruption: "reboot"' },
      );
    await this.converge(connection, network, inputs, {}, context, true);
    return { id: network.uuid, state: await this.state(connection, network, inputs, true) };
  }

  async read(id: string, state: NetworkState, context: Context): Promise<NetworkState | undefined> {
    const connection = await this.connected(state, context);
    const network = await find(connection, id);
    if (!network) return undefined;
    const [live, config, active, persistent] = await Promise.all([
      connection.networkGetXMLDesc(network).then(parseNetwork),
      connection.networkGetXMLDesc(network, VIR_NETWORK_XML_INACTIVE).then(parseNetwork),
      connection.networkIsActive(network),
      connection.networkIsPersistent(network),
    ]);
    const now: NetworkState & { [field: string]: unknown } = { ...state, uuid: network.uuid, bridge: live.bridge };
    // Leases that others gave are theirs.
    for (const document of [live, config]) document.hosts = ownHosts(document.hosts, state.hosts);
    for (const field of Object.keys(this.fields) as (keyof NetworkInputs & keyof NetworkModel)[]) {
      if (state[field] === undefined || notInDocument.has(field)) continue;
      // What runs and what starts next time may differ: the one that is not as declared is the drift.
      const drifted = isSame(live[field], state[field]) ? config[field] : live[field];
      if (!isSame(drifted, state[field])) now[field as string] = drifted;
    }
    now.active = active;
    // Undefined behind our back while it ran, it has no settings of its own any more.
    now.autostart = (persistent ? await connection.networkGetAutostart(network) : undefined) as boolean;
    return now;
  }

  async update(
    id: string,
    olds: NetworkState,
    news: NetworkInputs,
    changes: Change[],
    context: Context,
  ): Promise<NetworkState> {
    const connection = await this.connected(news, context);
    const network = await find(connection, id);
    if (!network)
      throw new OperatorError("it is gone since the last up", { fix: 'run "pulumi refresh", then up makes it anew' });
    // Guests on macvtap lose nothing when their network is restarted.
    const harmless = olds.mode === "macvtap" && news.mode === "macvtap";
    const classed = changes.some((change) => change.disruption !== "live");
    const mayRestart = harmless || classed || (await this.attached(connection, network)).length === 0;
    await this.converge(connection, network, news, olds, context, mayRestart);
    return this.state(connection, network, news, olds.adopted);
  }

  async delete(id: string, state: NetworkState, context: Context): Promise<void> {
    if (state.adopted) return;
    const connection = await this.connected(state, context);
    const network = await find(connection, id);
    if (!network) return;
    const attached = await this.attached(connection, network);
    if (attached.length > 0 && state.disruption !== "replace")
      throw new OperatorError(`running guests are plugged into it: ${nameAttachments(attached)}`, {
        fix: 'stop them or move them to another network, or set disruption: "replace" and run up first',
      });
    await remove(connection, network);
  }

  /** Brings definition, run state and running network to `news`, from wherever they are. */
  private async converge(
    connection: Connection,
    network: Network,
    news: NetworkInputs,
    olds: Partial<NetworkInputs>,
    context: Context,
    mayRestart: boolean,
  ): Promise<void> {
    const config = await connection.networkGetXMLDesc(network, VIR_NETWORK_XML_INACTIVE);
    const wanted = editNetwork(config, news, olds);
    const persistent = await connection.networkIsPersistent(network);
    if (!persistent || serialize(parse(config)) !== wanted) await connection.networkDefineXML(wanted);
    if ((await connection.networkGetAutostart(network)) !== news.autostart)
      await connection.networkSetAutostart(network, news.autostart);

    const active = await connection.networkIsActive(network);
    if (!active && news.active) await this.start(connection, network, news, context);
    if (active && !news.active) await connection.networkDestroy(network);
    if (active && news.active) await this.convergeLive(connection, network, news, olds, context, mayRestart);
  }

  private async convergeLive(
    connection: Connection,
    network: Network,
    news: NetworkInputs,
    olds: Partial<NetworkInputs>,
    context: Context,
    mayRestart: boolean,
  ): Promise<void> {
    const live = await connection.networkGetXMLDesc(network);
    const change = liveChange(live, editNetwork(live, news, olds));
    if (change.restart.length > 0 && mayRestart) return this.restart(connection, network, news, context);
    if (change.restart.length > 0)
      context.progress(`${change.restart.join(", ")} take effect when the network is started the next time`);
    for (const { command, section, parentIndex, xml } of change.updates)
      await connection.networkUpdate(network, command, section, parentIndex, xml, VIR_NETWORK_UPDATE_AFFECT_LIVE);
  }

  private async restart(
    connection: Connection,
    network: Network,
    news: NetworkInputs,
    context: Context,
  ): Promise<void> {
    const attached = await this.attached(connection, network);
    context.progress(attached.length > 0 ? `restarting under ${nameAttachments(attached)}` : "restarting");
    await connection.networkDestroy(network);
    await this.start(connection, network, news, context);
  }

  private async start(connection: Connection, network: Network, news: NetworkInputs, context: Context): Promise<void> {
    await connection.networkCreate(network);
    await this.plugIn(connection, network, news, context);
  }

  private attached(connection: Connection, network: Network): Promise<Attachment[]> {
    return attachments(connection, network.name, this.connect);
  }

  /** Guests on macvtap have no bridge that they could have lost. */
  private async plugIn(
    connection: Connection,
    network: Network,
    inputs: NetworkInputs,
    context: Context,
  ): Promise<void> {
    if (inputs.mode === "macvtap") return;
    const spec = hostMachine(inputs);
    const reach = { connect: this.connect, machine: spec && openMachine(spec) };
    await plugInAgain(connection, network, reach, context);
  }

  private async state(
    connection: Connection,
    network: Network,
    inputs: NetworkInputs,
    adopted: boolean,
  ): Promise<NetworkState> {
    const { bridge } = parseNetwork(await connection.networkGetXMLDesc(network));
    return { ...inputs, bridge, uuid: network.uuid, adopted };
  }

  private async connected(inputs: NetworkInputs, context: Context): Promise<Connection> {
    return (await this.connect(inputs.connection)).with({ signal: context.signal });
  }
}
