import type ipaddr from "ipaddr.js";
import { capacity, firstAddress, nth, parseAddress, type Prefix } from "./address";
import { milliseconds } from "./duration";

/** How many places the address is after the first of its subnet. */
export function offsetIn(network: Prefix, address: string): bigint {
  const number = (of: ipaddr.IPv4 | ipaddr.IPv6) =>
    of.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return number(parseAddress(address)!) - number(firstAddress(network));
}

/** The last address a host may have: the one before the broadcast address of IPv4, the very last of IPv6. */
export function lastHost(network: Prefix): bigint {
  return capacity(network) - (network.address.kind() === "ipv4" ? 2n : 1n);
}

/**
 * What DHCP hands out when nothing is said: every host address on the wider side of the bridge's own, as far as libvirt
 * allows one range to reach (all but the last 16 bits must be the same). "192.168.122.0/24" with the bridge at .1 gives .2 to .254.
 */
export function defaultRange(network: Prefix, bridge: string): { start: string; end: string } {
  const own = offsetIn(network, bridge);
  const last = lastHost(network);
  const [start, end] = own - 1n > last - own ? [1n, own - 1n] : [own + 1n, last];
  const reach = start | 0xffffn;
  return { start: nth(network, start), end: nth(network, end < reach ? end : reach) };
}

/** One spelling for one lease time: "60m" is "1h". */
export function canonicalLease(duration: string): string {
  const seconds = milliseconds(duration) / 1000;
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}
