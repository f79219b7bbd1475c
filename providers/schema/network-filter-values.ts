import * as v from "valibot";
import { canonicalAddress, firstAddress, mac, parseAddress, parsePrefix } from "./address";
import { wholeNumber } from "./whole-number";

/** A filter's variable, a list's element, or a list that is gone through together with another: "$IP", "$A[0]", "$A[@1]". */
const variable = /^\$[A-Za-z0-9_]+(\[@?\d+\])?$/;

/** A value of its own grammar, or a variable in its place. */
export function orVariable(value: v.GenericSchema<string, string>): v.GenericSchema<string, string> {
  return v.lazy((input) => (typeof input === "string" && variable.test(input) ? v.string() : value));
}

/** A number or its text, in libvirt's own spelling where it has a name for it. */
export function named(what: string, names: { [name: string]: number }, most: number) {
  const all = Object.keys(names);
  const allowed = `Allowed: ${all.map((name) => JSON.stringify(name)).join(", ")}, or a number up to ${most}`;
  return v.pipe(
    v.union([v.string(), v.number()], (issue) => `got ${JSON.stringify(issue.input)}. ${allowed}`),
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
      const text = String(value);
      const name = all.find((one) => one.toLowerCase() === text.toLowerCase());
      if (name !== undefined) return name;
      const number = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : NaN;
      if (!(number <= most)) {
        addIssue({ message: `${JSON.stringify(value)} is not ${what}. ${allowed}` });
        return NEVER;
      }
      return all.find((one) => names[one] === number) ?? (what === etherTypeIs ? hex(number) : String(number));
    }),
  );
}

function hex(number: number): string {
  return `0x${number.toString(16)}`;
}

const etherTypeIs = "an EtherType";
const etherTypes = { ipv4: 0x800, arp: 0x806, rarp: 0x8035, vlan: 0x8100, ipv6: 0x86dd };
const ipProtocols = {
  ...{ icmp: 1, igmp: 2, tcp: 6, udp: 17, esp: 50, ah: 51, icmpv6: 58, sctp: 132, udplite: 136 },
};
const opcodes = {
  ...{ Request: 1, Reply: 2, Request_Reverse: 3, Reply_Reverse: 4, DRARP_Request: 5, DRARP_Reply: 6 },
  ...{ DRARP_Error: 7, InARP_Request: 8, ARP_NAK: 9 },
};

/** A name or number of an IP protocol, as libvirt writes it. */
export const ipProtocol = named("an IP protocol", ipProtocols, 255);

export const etherType = named(etherTypeIs, etherTypes, 0xffff);

export const arpOpcode = named("an ARP opcode", opcodes, 65535);

export const macMask = v.pipe(
  v.string(),
  v.regex(
    /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i,
    (issue) => `${JSON.stringify(issue.input)} is not a mask of a MAC address. Allowed: e.g. "ff:ff:ff:00:00:00"`,
  ),
  v.transform((text) => text.toLowerCase()),
);

/** Groups of stations have odd first bytes, and may be matched. */
export const anyMac = v.lazy((input) =>
  typeof input === "string" && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(input) ? macMask : mac,
);

const anAddress = 'Allowed: an address, a subnet in CIDR notation, a range "first-last", or a variable "$NAME"';

/** An address, a subnet, or a range of addresses, in canonical form. */
export const addresses = v.pipe(
  v.string(),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
    const refuse = (problem: string) => {
      addIssue({ message: `${JSON.stringify(value)} ${problem}` });
      return NEVER;
    };
    const [first, last] = value.split("-");
    if (last !== undefined) {
      const ends = [first!, last].map(parseAddress);
      if (!ends[0] || ends[0].kind() !== ends[1]?.kind()) return refuse(`is not a range of addresses. ${anAddress}`);
      return `${canonicalAddress(first!)}-${canonicalAddress(last)}`;
    }
    if (parseAddress(value)) return canonicalAddress(value);
    const subnet = parsePrefix(value);
    if (!subnet) return refuse(`is not an address. ${anAddress}`);
    const base = canonicalAddress(firstAddress(subnet).toString());
    if (firstAddress(subnet).toString() !== subnet.address.toString())
      return refuse(`has host bits set: the subnet is "${base}/${subnet.length}"`);
    return subnet.length === (subnet.address.kind() === "ipv4" ? 32 : 128) ? base : `${base}/${subnet.length}`;
  }),
);

/** As `addresses`, but no range. */
export const addressOrSubnet = v.pipe(
  addresses,
  v.check(
    (text) => !text.includes("-"),
    (issue) => `${issue.input} is a range. Allowed: an address, or a subnet in CIDR notation`,
  ),
);

const aPort = 'Allowed: 1 to 65535, or a range "8000-8080"';

/** A port or a range of ports, as text. */
export const ports = v.pipe(
  v.union([v.number(), v.string()], (issue) => `got ${JSON.stringify(issue.input)}. ${aPort}`),
  v.transform(String),
  v.regex(/^\d+(-\d+)?$/, (issue) => `${JSON.stringify(issue.input)} is not a port. ${aPort}`),
  v.check(
    (text) => text.split("-").every((port) => Number(port) >= 1 && Number(port) <= 65535),
    (issue) => `${JSON.stringify(issue.input)} is not a port. ${aPort}`,
  ),
  v.check(
    (text) => Number(text.split("-")[0]) <= Number(text.split("-").at(-1)),
    (issue) => `${JSON.stringify(issue.input)} ends before it begins`,
  ),
  v.transform((text) => (new Set(text.split("-")).size === 1 ? text.split("-")[0]! : text)),
);

/** As `ports`, or a variable. */
export const portsOrVariable = v.lazy((input) => (variable.test(String(input)) ? v.string() : ports));

/** A whole number, kept as text. */
export function numberText(least: number, most: number) {
  return v.pipe(
    v.lazy((input) =>
      typeof input === "string" && /^(0x[0-9a-f]+|\d+)$/i.test(input)
        ? v.pipe(v.string(), v.transform(Number), wholeNumber(least, most))
        : wholeNumber(least, most),
    ),
    v.transform((value) => String(value)),
  );
}

const states = ["NEW", "ESTABLISHED", "RELATED", "INVALID", "NONE"];

export const state = v.pipe(
  v.string(),
  v.transform((text) => text.toUpperCase().split(",")),
  v.check(
    (given) => given.every((one) => states.includes(one)),
    (issue) => `${JSON.stringify(issue.input.join(","))} is not a state. Allowed: ${states.join(", ")}, with commas`,
  ),
  // As libvirt writes them.
  v.transform((given) => states.filter((one) => given.includes(one)).join(",")),
);

const flagList = "(NONE|ALL|(SYN|ACK|URG|PSH|FIN|RST)(,(SYN|ACK|URG|PSH|FIN|RST))*)";
export const tcpFlags = v.pipe(
  v.string(),
  v.regex(
    new RegExp(`^${flagList}/${flagList}$`),
    (issue) =>
      `${JSON.stringify(issue.input)} are not TCP flags. Allowed: those looked at and those set, e.g. "SYN,ACK/SYN"`,
  ),
);

export const comment = v.pipe(
  v.string(),
  v.regex(
    /^[^\p{Cc}]{1,256}$/u,
    (issue) => `${JSON.stringify(issue.input)} is not a comment. Allowed: 1 to 256 characters on one line`,
  ),
);
