import { isDeepStrictEqual } from "node:util";
import { contains, parseAddress, prefix } from "../../schema/address";
import { sorted } from "../../schema/record";
import { parse, serialize } from "./document";
import { setRecords } from "./edit";
import { ipElement, parseIp, type Family } from "./network-ip";
import { dhcpHost, type DhcpHost } from "./network-records";

/** The fixed leases of one address family. */
export function hostsOf(model: { hosts?: readonly DhcpHost[] }, family: Family): DhcpHost[] {
  return (model.hosts ?? []).filter((host) => parseAddress(host.ip)?.kind() === family);
}

/** Whether two leases cannot be there together: one address, guest or name. */
export function akin(one: DhcpHost, other: DhcpHost): boolean {
  if (one.ip === other.ip) return true;
  // A name may have one lease of each family.
  if (one.ip.includes(":") !== other.ip.includes(":")) return false;
  return (["mac", "id", "name"] as const).some((key) => one[key] !== undefined && one[key] === other[key]);
}

/** Of the leases that are there those that were declared, as they are; the others are somebody else's. */
export function ownHosts(
  there: readonly DhcpHost[] | undefined,
  declared: readonly DhcpHost[] | undefined,
): DhcpHost[] | undefined {
  const own = (there ?? []).filter((host) => declared?.some((one) => akin(one, host)));
  return own.length > 0 ? sorted(own) : undefined;
}

/**
 * The leases that a subnet shall have: the declared ones, and those of others. One that was declared and is no more goes,
 * and so does one that is in a declared one's way or outside the subnet.
 */
export function mergedHosts(
  there: readonly DhcpHost[],
  olds: readonly DhcpHost[],
  news: readonly DhcpHost[],
  subnet: string,
): DhcpHost[] {
  const others = there.filter(
    (host) =>
      !olds.some((old) => isDeepStrictEqual(old, host)) &&
      !news.some((one) => akin(one, host)) &&
      contains(prefix(subnet), host.ip),
  );
  return [...news, ...others];
}

/** The document with `news` in the place of `olds`, whatever other leases it has. Each must have a subnet to be in. */
export function replaceHosts(xml: string, olds: readonly DhcpHost[], news: readonly DhcpHost[]): string {
  const root = parse(xml);
  for (const family of ["ipv4", "ipv6"] as const) {
    const ip = ipElement(root, family);
    if (!ip) continue;
    const { hosts } = parseIp(root, family)!;
    const others = hosts.filter((host) => ![...olds, ...news].some((one) => isDeepStrictEqual(one, host)));
    setRecords(ip, "dhcp", dhcpHost, [...others, ...hostsOf({ hosts: news }, family)]);
  }
  return serialize(root);
}
