import { networkInterfaces } from "node:os";
import type { Connection } from "../libvirt/connection";
import { parseNetwork } from "../libvirt/xml/network";
import { firstAddress, overlap, parsePrefix, prefix, type Prefix } from "../schema/address";
import { found } from "./adopt";

/** A subnet that is taken on a host, and by whom. */
interface Taken {
  owner: string;
  subnet: Prefix;
}

/** Whether the daemon runs where this process does: then the interfaces that we see are its own. */
function isHere(uri: string): boolean {
  return /^[a-z]+(\+unix)?:\/\/\//.test(uri) && !uri.includes("socket=");
}

/** The subnets of libvirt's other networks and, on this machine, of its interfaces. `except` is a network's name. */
async function takenSubnets(connection: Connection, except: string): Promise<Taken[]> {
  const networks = await connection.connectListAllNetworks();
  const taken: Taken[] = [];
  const bridges = new Set<string>();
  for (const network of networks) {
    const xml = await found(connection.networkGetXMLDesc(network));
    if (xml === undefined) continue;
    const { bridge, ipv4, ipv6 } = parseNetwork(xml);
    // The addresses on a network's bridge are the network's: one owner is named, not two.
    if (bridge !== undefined) bridges.add(bridge);
    if (network.name === except) continue;
    for (const subnet of [ipv4, ipv6])
      if (subnet !== undefined) taken.push({ owner: `network ${network.name} (${subnet})`, subnet: prefix(subnet) });
  }
  if (!isHere(connection.uri)) return taken;
  for (const [name, addresses] of Object.entries(networkInterfaces()))
    for (const { cidr, internal } of addresses ?? []) {
      const subnet = cidr === null ? undefined : parsePrefix(cidr);
      // Every interface has a link-local address: none of them is a clash.
      if (!subnet || internal || bridges.has(name) || subnet.address.range() === "linkLocal") continue;
      taken.push({ owner: `the host's interface ${name} (${cidr})`, subnet });
    }
  return taken;
}

/** Who on the host already has part of the subnet: "network default (192.168.122.0/24)"; undefined when nobody has. */
export async function subnetOwner(
  connection: Connection,
  network: string,
  subnet: string,
): Promise<string | undefined> {
  const wanted = prefix(subnet);
  const taken = await takenSubnets(connection, network);
  return taken.find((one) => overlap({ ...one.subnet, address: firstAddress(one.subnet) }, wanted))?.owner;
}
