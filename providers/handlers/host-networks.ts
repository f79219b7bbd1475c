import type { Connection } from "../libvirt/connection";
import { parseNetwork, type NetworkModel } from "../libvirt/xml/network";
import { found } from "./adopt";

/** The networks of a host as they run, or as they are defined where they do not. */
export async function hostNetworks(connection: Connection): Promise<NetworkModel[]> {
  const networks = await connection.connectListAllNetworks();
  const documents = await Promise.all(networks.map((network) => found(connection.networkGetXMLDesc(network))));
  return documents.flatMap((xml) => (xml === undefined ? [] : [parseNetwork(xml)]));
}
