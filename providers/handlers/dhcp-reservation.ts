import { isDeepStrictEqual } from "node:util";
import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import type { Connection } from "../libvirt/connection";
import {
  VIR_NETWORK_UPDATE_AFFECT_CONFIG,
  VIR_NETWORK_UPDATE_AFFECT_LIVE,
  VIR_NETWORK_XML_INACTIVE,
} from "../libvirt/constants";
import type { Network } from "../libvirt/handles";
import { open } from "../libvirt/open";
import { parseNetwork } from "../libvirt/xml/network";
import { replaceHosts } from "../libvirt/xml/network-hosts";
import type { DhcpHost } from "../libvirt/xml/network-records";
import { liveChange } from "../libvirt/xml/network-update";
import { dhcpReservationSchema, type DhcpReservationInputs } from "../schema/dhcp-reservation";
import { found } from "./adopt";
import { leasesOf, reservationProblems } from "./dhcp-reservation-problems";
import { reachable } from "./reachable";

/** Fixed leases of one guest, beside those that the network's own resource declares. */
export class DhcpReservationHandler implements Handler<DhcpReservationInputs> {
  readonly kind = "DhcpReservation";
  readonly schema = dhcpReservationSchema;

  readonly fields: DiffTable<DhcpReservationInputs> = {
    connection: "replace",
    network: "replace",
    mac: "live",
    ipv4: () => ({ disruption: "live", why: "the guest takes it when it asks for an address the next time" }),
    ipv6: () => ({ disruption: "live", why: "the guest takes it when it asks for an address the next time" }),
    name: "live",
    duid: "live",
  };

  constructor(private readonly connect: (uri: string) => Promise<Connection> = open) {}

  describe({ mac, network, connection }: DhcpReservationInputs): string {
    return `DHCP reservation of ${mac} in network ${network} on ${connection}`;
  }

  /** The network's own: its leases are edited one at a time. */
  lock({ network, connection }: DhcpReservationInputs): string {
    return `network ${connection} ${network}`;
  }

  async problems(
    news: DhcpReservationInputs,
    olds: Partial<DhcpReservationInputs> | undefined,
    _changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    const connection = await reachable(this.connected(news, context));
    return connection ? reservationProblems(connection, news, olds) : [];
  }

  async create(inputs: DhcpReservationInputs, context: Context): Promise<Created<DhcpReservationInputs>> {
    const connection = await this.connected(inputs, context);
    const network = await connection.networkLookupByName(inputs.network);
    await converge(connection, network, [], leasesOf(inputs));
    return { id: `${network.uuid}/${inputs.mac}`, state: inputs };
  }

  async read(_id: string, state: DhcpReservationInputs, context: Context): Promise<DhcpReservationInputs | undefined> {
    const connection = await this.connected(state, context);
    const network = await found(connection.networkLookupByName(state.network));
    if (!network) return undefined;
    const documents = (await targets(connection, network)).map(({ xml }) => parseNetwork(xml).hosts ?? []);
    const missing = leasesOf(state).filter(
      (lease) => !documents.every((hosts) => hosts.some((host) => isDeepStrictEqual(host, lease))),
    );
    if (missing.length === leasesOf(state).length) return undefined;
    const now = { ...state };
    for (const { ip } of missing) delete now[ip.includes(":") ? "ipv6" : "ipv4"];
    return now;
  }

  async update(
    _id: string,
    olds: DhcpReservationInputs,
    news: DhcpReservationInputs,
    _changes: Change[],
    context: Context,
  ): Promise<DhcpReservationInputs> {
    const connection = await this.connected(news, context);
    const network = await connection.networkLookupByName(news.network);
    await converge(connection, network, leasesOf(olds), leasesOf(news));
    return news;
  }

  async delete(_id: string, state: DhcpReservationInputs, context: Context): Promise<void> {
    const connection = await this.connected(state, context);
    const network = await found(connection.networkLookupByName(state.network));
    if (network) await converge(connection, network, leasesOf(state), []);
  }

  private async connected(inputs: DhcpReservationInputs, context: Context): Promise<Connection> {
    return (await this.connect(inputs.connection)).with({ signal: context.signal });
  }
}

/** What runs of the network and what starts next time, as far as it has them. */
async function targets(connection: Connection, network: Network): Promise<{ flag: number; xml: string }[]> {
  const [active, persistent] = await Promise.all([
    connection.networkIsActive(network),
    connection.networkIsPersistent(network),
  ]);
  const flags = [
    ...(persistent ? [VIR_NETWORK_UPDATE_AFFECT_CONFIG] : []),
    ...(active ? [VIR_NETWORK_UPDATE_AFFECT_LIVE] : []),
  ];
  return Promise.all(
    flags.map(async (flag) => {
      const inactive = flag === VIR_NETWORK_UPDATE_AFFECT_CONFIG ? VIR_NETWORK_XML_INACTIVE : 0;
      return { flag, xml: await connection.networkGetXMLDesc(network, inactive) };
    }),
  );
}

async function converge(
  connection: Connection,
  network: Network,
  olds: readonly DhcpHost[],
  news: readonly DhcpHost[],
): Promise<void> {
  for (const { flag, xml } of await targets(connection, network)) {
    const wanted = replaceHosts(xml, olds, news);
    const { hosts = [] } = parseNetwork(wanted);
    const homeless = news.find((lease) => !hosts.some((host) => isDeepStrictEqual(host, lease)));
    if (homeless)
      throw new OperatorError(
        `network ${network.name} has no ${homeless.ip.includes(":") ? "IPv6" : "IPv4"} subnet for ${homeless.ip}`,
      );
    for (const { command, section, parentIndex, xml: record } of liveChange(xml, wanted).updates)
      await connection.networkUpdate(network, command, section, parentIndex, record, flag);
  }
}
