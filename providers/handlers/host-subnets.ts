import type { Interface, Route, Survey } from "../host/survey";
import type { Connection } from "../libvirt/connection";
import { parseNetwork, type NetworkModel } from "../libvirt/xml/network";
import { firstAddress, overlap, prefix, type Prefix } from "../schema/address";
import { found } from "./adopt";
import { shared } from "./surveyor";

/** A subnet that is taken on a host, and by whom. */
interface Taken {
  owner: string;
  subnet: Prefix;
}

/** The last document of each network by its UUID, and what it says: many resources of a run ask for all of them. */
const read = new Map<string, { xml: string; model: NetworkModel }>();

function modelOf(uuid: string, xml: string): NetworkModel {
  const known = read.get(uuid);
  const model = known?.xml === xml ? known.model : parseNetwork(xml);
  read.set(uuid, { xml, model });
  return model;
}

/** What libvirt's networks on a host are. Those who ask at a time share one look. */
export const hostNetworks = shared(
  async (connection: Connection): Promise<NetworkModel[]> => {
    const networks = await connection.connectListAllNetworks();
    const documents = await Promise.all(networks.map((network) => found(connection.networkGetXMLDesc(network))));
    return networks.flatMap(({ uuid }, at) => {
      const xml = documents[at];
      return xml === undefined ? [] : [modelOf(uuid, xml)];
    });
  },
  ({ uri }) => uri,
);

/** All of them but one by its name. */
export async function otherNetworks(connection: Connection, except: string): Promise<NetworkModel[]> {
  return (await hostNetworks(connection)).filter(({ name }) => name !== except);
}

/**
 * Who on the host already has part of the subnet: "network default (192.168.122.0/24)"; undefined when nobody has.
 * Without a survey of the host only libvirt's networks are known. `own` is the network's own bridge.
 */
export function subnetOwner(
  subnet: string,
  networks: readonly NetworkModel[],
  survey: Survey | undefined,
  own: string | undefined,
): string | undefined {
  const wanted = prefix(subnet);
  // The addresses on a network's bridge are the network's: one owner is named, not two.
  const bridges = new Set([own, ...networks.map(({ bridge }) => bridge)]);
  const taken = [
    ...networks.flatMap(ofNetwork),
    ...(survey?.interfaces ?? []).filter(({ name }) => !bridges.has(name)).flatMap(ofInterface),
    ...(survey?.routes ?? []).filter(({ device }) => !bridges.has(device)).flatMap((route) => ofRoute(route, wanted)),
  ];
  return taken.find((one) => overlap({ ...one.subnet, address: firstAddress(one.subnet) }, wanted))?.owner;
}

function ofNetwork({ name, ipv4, ipv6 }: NetworkModel): Taken[] {
  return [ipv4, ipv6].flatMap((subnet) =>
    subnet === undefined ? [] : [{ owner: `network ${name} (${subnet})`, subnet: prefix(subnet) }],
  );
}

function ofInterface({ name, addresses }: Interface): Taken[] {
  return addresses.map(({ text, prefix }) => ({ owner: `the host's interface ${name} (${text})`, subnet: prefix }));
}

/** A route into the subnet or a part of it would take that traffic away. The kernel's own follow from addresses. */
function ofRoute({ destination, text, device, gateway, protocol }: Route, wanted: Prefix): Taken[] {
  if (!destination || protocol === "kernel" || destination.length < wanted.length) return [];
  const way = `${gateway ? ` via ${gateway}` : ""}${device ? ` on ${device}` : ""}`;
  return [{ owner: `the host's route to ${text}${way}`, subnet: destination }];
}
