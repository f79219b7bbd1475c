import { parseAddress } from "../../schema/address";

/** libvirt's rule where no prefix is written: the netmask, else the address class of IPv4, else 64. */
export function maskLength(address: string, netmask: string | undefined): number {
  const mask = netmask === undefined ? undefined : parseAddress(netmask)?.prefixLengthFromSubnetMask();
  if (typeof mask === "number") return mask;
  if (address.includes(":")) return 64;
  const first = Number(address.split(".")[0]);
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}
