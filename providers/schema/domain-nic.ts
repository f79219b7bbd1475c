import { createHash } from "node:crypto";
import * as v from "valibot";
import { mac } from "./address";
import { interfaceName, objectName } from "./name";
import { filterReference } from "./network-filter";
import { portVlans } from "./port-vlans";
import { bandwidth } from "./bandwidth";
import { nicAddressing } from "./nic-addressing";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

/** One network interface of a guest, as the program declares it. */
export const nicSchema = strict({
  network: v.optional(objectName),
  bridge: v.optional(interfaceName),
  mac: v.optional(mac),
  model: v.optional(v.picklist(["virtio", "e1000", "e1000e", "rtl8139"])),
  mtu: v.optional(wholeNumber(68, 65535)),
  linkState: v.optional(v.picklist(["up", "down"])),
  bandwidth: v.optional(bandwidth),
  portGroup: v.optional(objectName),
  isolated: v.optional(v.boolean()),
  vlans: v.optional(portVlans),
  filter: v.optional(filterReference),
  ...nicAddressing,
});

export type NicInputs = v.InferOutput<typeof nicSchema>;

/**
 * The MAC address that a guest's NIC has unless the program chooses one: the same in every run and on every host, so
 * that it is known before the guest exists (for fixed leases, say), in QEMU's range 52:54:00.
 *
 * @example
 * defaultMac("web-1", 0); // "52:54:00:f2:90:5c"
 * defaultMac("web-1", 0, "52:54:00:1a"); // "52:54:00:1a:f2:90"
 */
export function defaultMac(domain: string, index: number, pool = "52:54:00"): string {
  const digest = createHash("sha256").update(`${domain} ${index}`).digest();
  const rest = [...digest].map((byte) => byte.toString(16).padStart(2, "0"));
  return [...pool.split(":"), ...rest].slice(0, 6).join(":");
}

/** The MAC address of each NIC, chosen or default. */
export function macsOf(domain: string, nics: readonly NicInputs[]): string[] {
  return nics.map((nic, index) => nic.mac ?? defaultMac(domain, index));
}

/** How errors and previews name a NIC: "network default" or "bridge br0". */
export function describeNic(nic: { network?: string; bridge?: string }): string {
  return nic.network !== undefined ? `network ${nic.network}` : `bridge ${nic.bridge}`;
}

/** What is wrong with the list as a whole: [index, field, message]. */
export function nicComplaints(domain: string, nics: readonly NicInputs[]): [number, keyof NicInputs, string][] {
  const found: [number, keyof NicInputs, string][] = [];
  const macs = macsOf(domain, nics);
  nics.forEach((nic, index) => {
    if (nic.network === undefined && nic.bridge === undefined)
      found.push([index, "network", "is required. Allowed: network: a libvirt network, or bridge: a host bridge"]);
    if (nic.network !== undefined && nic.bridge !== undefined)
      found.push([index, "bridge", "network and bridge are both given. Allowed: one of them"]);
    if (nic.portGroup !== undefined && nic.network === undefined)
      found.push([index, "portGroup", "is one of a network's. Fix: name the network, or leave it out"]);
    if (macs.indexOf(macs[index]!) < index)
      found.push([index, "mac", `${macs[index]} is the address of another NIC of this guest too`]);
  });
  return found;
}
