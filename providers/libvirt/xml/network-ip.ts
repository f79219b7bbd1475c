import { canonicalAddress, firstAddress, prefix } from "../../schema/address";
import { sorted } from "../../schema/record";
import { attribute, child, children, element, type Element } from "./document";
import { adopt, setAttribute, setRecords } from "./edit";
import { maskLength } from "./mask-length";
import { dhcpHost, dhcpRange, type DhcpHost, type DhcpRange } from "./network-records";

export type Family = "ipv4" | "ipv6";

/** One <ip> element: the bridge's own address, its subnet, and what DHCP does there. */
export interface NetworkIp {
  /** The subnet in CIDR notation. */
  subnet: string;
  /** The bridge's own address. */
  address: string;
  ranges: DhcpRange[];
  hosts: DhcpHost[];
}

/** The first <ip> of a family: further ones are the operator's own. */
export function ipElement(root: Element, family: Family): Element | undefined {
  return children(root, "ip").find((ip) => familyOf(ip) === family);
}

/** The place of a family's first <ip> among all of them, as networkUpdate counts; -1 when it has none. */
export function ipIndex(root: Element, family: Family): number {
  return children(root, "ip").findIndex((ip) => familyOf(ip) === family);
}

function familyOf(ip: Element): string {
  return attribute(ip, "family") ?? "ipv4";
}

export function parseIp(root: Element, family: Family): NetworkIp | undefined {
  const ip = ipElement(root, family);
  const address = attribute(ip, "address");
  if (address === undefined) return undefined;
  const length = attribute(ip, "prefix") ?? maskLength(address, attribute(ip, "netmask"));
  const first = firstAddress(prefix(`${address}/${length}`));
  const dhcp = child(ip, "dhcp");
  return {
    subnet: `${canonicalAddress(first.toString())}/${length}`,
    address: canonicalAddress(address),
    ranges: children(dhcp, "range").map(dhcpRange.parse),
    hosts: sorted(children(dhcp, "host").map(dhcpHost.parse)),
  };
}

/** Makes the family's first <ip> what `wanted` says; undefined ranges or hosts are left as they are. */
export function setIp(
  root: Element,
  family: Family,
  wanted: { subnet: string; address: string; ranges?: DhcpRange[]; hosts?: DhcpHost[] } | undefined,
): void {
  const old = ipElement(root, family);
  if (!wanted) {
    if (old) root.removeChild(old);
    return;
  }
  const ip = old ?? adopt(root, element("ip", family === "ipv6" ? { family } : {}));
  const there = parseIp(root, family);
  // A netmask may say the same as a prefix.
  if (there?.address !== wanted.address || there.subnet !== wanted.subnet) {
    setAttribute(ip, "address", wanted.address);
    setAttribute(ip, "netmask", undefined);
    setAttribute(ip, "prefix", prefix(wanted.subnet).length);
  }
  if (wanted.ranges) setRecords(ip, "dhcp", dhcpRange, wanted.ranges);
  if (wanted.hosts) setRecords(ip, "dhcp", dhcpHost, wanted.hosts);
}
