import type { Context } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import type { Connection } from "../libvirt/connection";
import { VIR_DOMAIN_AFFECT_LIVE } from "../libvirt/constants";
import type { Domain, Network } from "../libvirt/handles";
import {
  attribute,
  child,
  children,
  element,
  parse,
  replaceChild,
  serialize,
  type Element,
} from "../libvirt/xml/document";
import { nicsByMac } from "../libvirt/xml/domain-nic";
import { parseNetwork, type NetworkModel } from "../libvirt/xml/network";
import type { Machine } from "../machine/machine";
import { guestDocuments } from "./guest-documents";
import type { Connect } from "./guest-drivers";

/** One interface of a running guest on a network. */
export interface Attachment {
  /** The connection to the guest's own driver. */
  connection: Connection;
  domain: Domain;
  /** Whether the guest is a container. */
  container: boolean;
  /** The host's end of it: "vnet3". */
  device: string;
  xml: Element;
  /** What its guest's configuration says of it: a running one's document has what it got from its network too. */
  own: Element;
}

/** How a network's handler reaches the guests of its host. */
export interface Reach {
  connect?: Connect;
  /** Where commands on the host run; undefined where that is not known. */
  machine?: Machine;
}

/** Every interface of a running guest that is plugged into the network, containers' too. */
export async function attachments(connection: Connection, network: string, connect?: Connect): Promise<Attachment[]> {
  const guests = await guestDocuments(connection, connect);
  return guests.flatMap(({ connection: driver, domain, live, config }) => {
    if (!live?.includes(network)) return [];
    const root = parse(live);
    const configured = nicsByMac(config === undefined ? undefined : child(parse(config), "devices"));
    return children(child(root, "devices"), "interface")
      .filter((nic) => attribute(nic, "type") === "network" && attribute(child(nic, "source"), "network") === network)
      .map((nic) => ({
        connection: driver,
        domain,
        container: attribute(root, "type") === "lxc",
        device: attribute(child(nic, "target"), "dev") ?? "",
        xml: nic,
        own: configured.get(attribute(child(nic, "mac"), "address")?.toLowerCase() ?? "") ?? nic,
      }));
  });
}

/** "web-1 (vnet0), app-1 (vnet1)" */
export function nameAttachments(attached: readonly Attachment[]): string {
  return attached.map(({ domain, device }) => (device ? `${domain.name} (${device})` : domain.name)).join(", ");
}

/**
 * Plugs running guests into a network that has just been started: when a network ends under them, they stay without a
 * link until somebody does.
 */
export async function plugInAgain(
  connection: Connection,
  network: Network,
  { connect, machine }: Reach,
  context: Context,
): Promise<void> {
  const attached = await attachments(connection, network.name, connect);
  if (attached.length === 0) return;
  const to = parseNetwork(await connection.networkGetXMLDesc(network));
  const failed: [Attachment, unknown][] = [];
  for (const attachment of attached)
    await plugAgain(attachment, to, machine).catch((error) => failed.push([attachment, error]));
  if (failed.length > 0)
    throw new OperatorError(
      `it runs, but guests could not be plugged in again: ${nameAttachments(failed.map(([one]) => one))}`,
      { fix: "restart these guests", cause: failed[0]![1] },
    );
  context.progress(`plugged in again: ${nameAttachments(attached)}`);
}

function plugAgain(attachment: Attachment, to: NetworkModel, machine: Machine | undefined): Promise<void> {
  return attachment.container ? plugContainer(attachment, to, machine) : plugMachine(attachment, to.bridge!);
}

/** What an interface has of its network where it does not say it itself. */
const fromNetwork = ["port", "bandwidth", "vlan", "virtualport"];

/**
 * Plugs an interface into its network's bridge again after the network was restarted: libvirt leaves the guest's tap
 * device without a bridge, and takes the same interface given once more as no change. So it is moved to the bridge by
 * name and then back to the network.
 */
async function plugMachine({ connection, domain, xml, own }: Attachment, bridge: string): Promise<void> {
  const source = child(xml, "source");
  const [network, portgroup] = [attribute(source, "network"), attribute(source, "portgroup")];
  for (const [type, attributes] of [
    ["bridge", { bridge }],
    ["network", { network, portgroup }],
  ] as const) {
    const moved = xml.cloneNode(true) as Element;
    moved.setAttribute("type", type);
    replaceChild(moved, "source", element("source", attributes));
    for (const part of fromNetwork) replaceChild(moved, part, child(own, part));
    await connection.domainUpdateDeviceFlags(domain, serialize(moved), VIR_DOMAIN_AFFECT_LIVE);
  }
}

/** libvirt changes no interface of a running container: the host itself puts its end of it back. */
async function plugContainer(
  { device, own }: Attachment,
  { bridge, isolatedPorts }: NetworkModel,
  machine: Machine | undefined,
): Promise<void> {
  if (!machine)
    throw new OperatorError("where commands on the host run is not known", {
      fix: 'give the network a machine, e.g. { kind: "ssh", host: "..." }',
    });
  await machine.run(["ip", "link", "set", "dev", device, "master", bridge!]);
  if (isolatedPorts || attribute(child(own, "port"), "isolated") === "yes")
    await machine.run(["bridge", "link", "set", "dev", device, "isolated", "on"]);
}
