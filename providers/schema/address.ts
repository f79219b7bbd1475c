import ipaddr from "ipaddr.js";
import * as v from "valibot";

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A network prefix: its first address and its length. */
export interface Prefix {
  address: Address;
  length: number;
}

/** Four dotted decimal parts or any RFC 4291 form; undefined for everything else ("10.1", "0x7f.1"). */
export function parseAddress(text: string): Address | undefined {
  // Each is asked only about its own: the library finds out by an exception, which takes its time.
  if (text.includes(":")) return !text.includes("%") && ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : undefined;
  return ipaddr.IPv4.isValidFourPartDecimal(text) ? ipaddr.IPv4.parse(text) : undefined;
}

/** The address in the form that libvirt and the kernel print (RFC 5952 for IPv6). */
export function canonicalAddress(text: string): string {
  const address = parseAddress(text);
  if (!address) throw new Error(`${JSON.stringify(text)} is not an IP address`);
  return address.kind() === "ipv6" ? (address as ipaddr.IPv6).toRFC5952String() : address.toString();
}

/** "192.168.122.0/24" as a prefix; undefined when it is not CIDR notation (RFC 4632, RFC 4291). */
export function parsePrefix(text: string): Prefix | undefined {
  const [, host, digits] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = host === undefined ? undefined : parseAddress(host);
  const length = Number(digits);
  return address && length <= (address.kind() === "ipv4" ? 32 : 128) ? { address, length } : undefined;
}

/** The prefix of valid CIDR notation; throws on anything else. */
export function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (!parsed) throw new Error(`${JSON.stringify(text)} is not CIDR notation`);
  return parsed;
}

/** Whether two prefixes share an address. */
export function overlap(one: Prefix, other: Prefix): boolean {
  if (one.address.kind() !== other.address.kind()) return false;
  const length = Math.min(one.length, other.length);
  return (one.address as ipaddr.IPv4).match(other.address as ipaddr.IPv4, length);
}

/** Whether the address lies inside the prefix. */
export function contains(network: Prefix, address: string): boolean {
  const parsed = parseAddress(address);
  return parsed !== undefined && overlap(network, { address: parsed, length: parsed.kind() === "ipv4" ? 32 : 128 });
}

/** The address `offset` places after the first of the prefix: `nth(prefix("10.0.0.0/24"), 1)` is "10.0.0.1". */
export function nth(network: Prefix, offset: number | bigint): string {
  const first = firstAddress(network).toByteArray();
  let carry = BigInt(offset);
  for (let at = first.length - 1; at >= 0 && carry > 0n; at--) {
    carry += BigInt(first[at]!);
    first[at] = Number(carry & 0xffn);
    carry >>= 8n;
  }
  return canonicalAddress(ipaddr.fromByteArray(first).toString());
}

/** How many addresses the prefix holds, the first and (IPv4) broadcast addresses included. */
export function capacity(network: Prefix): bigint {
  return 1n << BigInt((network.address.kind() === "ipv4" ? 32 : 128) - network.length);
}

/** The prefix with every host bit zero. */
export function firstAddress(network: Prefix): Address {
  const bytes = network.address.toByteArray();
  return ipaddr.fromByteArray(
    bytes.map((byte, at) => byte & (0xff << Math.max(0, Math.min(8, (at + 1) * 8 - network.length)))),
  );
}

/** A single IPv4 or IPv6 address. */
export const address = v.pipe(
  v.string(),
  v.check(
    (text) => parseAddress(text) !== undefined,
    (issue) => `${JSON.stringify(issue.input)} is not an IP address. Allowed: e.g. "192.168.122.10" or "fd00:122::10"`,
  ),
  v.transform(canonicalAddress),
);

/** An IPv4 address. */
export const ipv4 = v.pipe(
  v.string(),
  v.check(
    (text) => parseAddress(text)?.kind() === "ipv4",
    (issue) => `${JSON.stringify(issue.input)} is not an IPv4 address. Allowed: e.g. "192.0.2.10"`,
  ),
);

/** An IPv6 address in canonical form. */
export const ipv6 = v.pipe(
  v.string(),
  v.check(
    (text) => parseAddress(text)?.kind() === "ipv6",
    (issue) => `${JSON.stringify(issue.input)} is not an IPv6 address. Allowed: e.g. "fd00:122::10"`,
  ),
  v.transform(canonicalAddress),
);

function subnet(family: "ipv4" | "ipv6", example: string) {
  return v.pipe(
    v.string(),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const parsed = parsePrefix(dataset.value);
      if (!parsed || parsed.address.kind() !== family)
        addIssue({
          message: `${JSON.stringify(dataset.value)} is not an ${family === "ipv4" ? "IPv4" : "IPv6"} subnet. Allowed: CIDR notation, e.g. "${example}"`,
        });
      else if (firstAddress(parsed).toString() !== parsed.address.toString())
        addIssue({
          message: `${JSON.stringify(dataset.value)} has host bits set: the subnet is "${canonicalAddress(firstAddress(parsed).toString())}/${parsed.length}"`,
        });
    }),
  );
}

/** An IPv4 subnet in CIDR notation, host bits zero: "192.168.122.0/24". */
export const subnet4 = subnet("ipv4", "192.168.122.0/24");

/** An IPv6 subnet in CIDR notation, host bits zero: "fd00:122::/64". */
export const subnet6 = subnet("ipv6", "fd00:122::/64");

/** A unicast MAC address, lower case with colons in canonical form: "52:54:00:6b:3c:58" (IEEE 802; multicast is refused). */
export const mac = v.pipe(
  v.string(),
  v.regex(
    /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i,
    (issue) =>
      `${JSON.stringify(issue.input)} is not a MAC address. Allowed: six pairs of hex digits, e.g. "52:54:00:6b:3c:58"`,
  ),
  v.check(
    (text) => (parseInt(text.slice(0, 2), 16) & 1) === 0,
    (issue) =>
      `${JSON.stringify(issue.input)} is a multicast MAC address. Allowed: an even first byte, e.g. "52:54:00:6b:3c:58"`,
  ),
  v.transform((text) => text.toLowerCase()),
);

/** An address with the length of its subnet: "192.168.155.32/24". */
export const interfaceAddress = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const text = dataset.value;
    const refuse = (message: string) => {
      addIssue({ message });
      return NEVER;
    };
    const parsed = parsePrefix(text);
    if (!parsed)
      return refuse(
        `${JSON.stringify(text)} is not an address with its subnet. Allowed: CIDR notation, e.g. "192.168.155.32/24"`,
      );
    const own = canonicalAddress(text.split("/")[0]!);
    const whole = parsed.address.kind() === "ipv4" ? 31 : 127;
    if (parsed.length < whole && canonicalAddress(firstAddress(parsed).toString()) === own)
      return refuse(`${JSON.stringify(text)} is the subnet itself. Allowed: an address in it, e.g. of a host`);
    return `${own}/${parsed.length}`;
  }),
);
