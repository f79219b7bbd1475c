import type { Context } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import type { Connection } from "../libvirt/connection";
import { VIR_CONNECT_LIST_DOMAINS_ACTIVE, VIR_DOMAIN_AFFECT_LIVE } from "../libvirt/constants";
import { isMissing } from "../libvirt/errors";
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

/** One interface of a running guest on a network. */
export interface Attachment {
  domain: Domain;
  /** The host's end of it: "vnet3". */
  device: string;
  xml: Element;
}

/** Every interface of a running guest that is plugged into the network. */
export async function attachments(connection: Connection, network: string): Promise<Attachment[]> {
  const running = await connection.connectListAllDomains(VIR_CONNECT_LIST_DOMAINS_ACTIVE);
  const found = await Promise.all(running.map((domain) => attachmentsOf(connection, domain, network)));
  return found.flat();
}

async function attachmentsOf(connection: Connection, domain: Domain, network: string): Promise<Attachment[]> {
  const xml = await connection.domainGetXMLDesc(domain, 0).catch((error) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (xml === undefined) return [];
  return children(child(parse(xml), "devices"), "interface")
    .filter((nic) => attribute(nic, "type") === "network" && attribute(child(nic, "source"), "network") === network)
    .map((nic) => ({ domain, device: attribute(child(nic, "target"), "dev") ?? "", xml: nic }));
}

/** "web-1 (vnet0), app-1 (vnet1)" */
export function nameAttachments(attached: readonly Attachment[]): string {
  return attached.map(({ domain, device }) => (device ? `${domain.name} (${device})` : domain.name)).join(", ");
}

/**
 * Plugs running guests into a network that has just been started: when a network ends under them, they stay without a
 * link until somebody does.
 */
export async function plugInAgain(connection: Connection, network: Network, context: Context): Promise<void> {
  const attached = await attachments(connection, network.name);
  if (attached.length === 0) return;
  const bridge = await connection.networkGetBridgeName(network);
  const failed: [Attachment, unknown][] = [];
  for (const attachment of attached)
    await plugAgain(connection, attachment, bridge).catch((error) => failed.push([attachment, error]));
  if (failed.length > 0)
    throw new OperatorError(
      `it runs, but guests could not be plugged in again: ${nameAttachments(failed.map(([one]) => one))}`,
      { fix: "restart these guests", cause: failed[0]![1] },
    );
  context.progress(`plugged in again: ${nameAttachments(attached)}`);
}

/**
 * Plugs an interface into its network's bridge again after the network was restarted: libvirt leaves the guest's tap
 * device without a bridge, and takes the same interface given once more as no change. So it is moved to the bridge by
 * name and then back to the network.
 */
async function plugAgain(connection: Connection, attachment: Attachment, bridge: string): Promise<void> {
  const { domain, xml } = attachment;
  const network = attribute(child(xml, "source"), "network");
  for (const [type, source] of [
    ["bridge", { bridge }],
    ["network", { network }],
  ] as const) {
    const moved = xml.cloneNode(true) as Element;
    moved.setAttribute("type", type);
    replaceChild(moved, "source", element("source", source));
    await connection.domainUpdateDeviceFlags(domain, serialize(moved), VIR_DOMAIN_AFFECT_LIVE);
  }
}
