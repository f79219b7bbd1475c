import { canonicalAddress, parseAddress } from "../../schema/address";
import { attribute, children, element, type Attributes, type Element } from "./document";

/** One rule of a network filter; members are libvirt's attributes under readable names. */
export interface FilterRule {
  action: "accept" | "drop" | "reject" | "return" | "continue";
  /** As the guest sees it. */
  direction: "in" | "out" | "inout";
  /** -1000 to 1000, smallest first. */
  priority: number;
  /** False: packets of the other direction of an accepted connection are not accepted by themselves. */
  stateMatch?: boolean;
  /** The element's name, "tcp" or "arp"; none matches everything. */
  protocol?: string;
  /** False: the rule holds for what does not match. */
  match?: boolean;
  srcMac?: string;
  srcMacMask?: string;
  dstMac?: string;
  dstMacMask?: string;
  etherType?: string;
  vlanId?: string;
  arpOpcode?: string;
  arpSrcMac?: string;
  arpDstMac?: string;
  /** Address or subnet. */
  arpSrcIp?: string;
  arpDstIp?: string;
  gratuitous?: boolean;
  /** Address, subnet or "first-last". */
  srcIp?: string;
  dstIp?: string;
  ipProtocol?: string;
  /** "80" or "8000-8080". */
  srcPort?: string;
  dstPort?: string;
  icmpType?: string;
  icmpCode?: string;
  dscp?: string;
  state?: string;
  tcpFlags?: string;
  connLimitAbove?: string;
  comment?: string;
}

/** Fields that are one attribute with the same text. */
const plain = {
  srcMac: "srcmacaddr",
  srcMacMask: "srcmacmask",
  dstMac: "dstmacaddr",
  dstMacMask: "dstmacmask",
  etherType: "protocolid",
  vlanId: "vlanid",
  arpOpcode: "opcode",
  arpSrcMac: "arpsrcmacaddr",
  arpDstMac: "arpdstmacaddr",
  ipProtocol: "protocol",
  icmpType: "type",
  icmpCode: "code",
  dscp: "dscp",
  state: "state",
  tcpFlags: "flags",
  connLimitAbove: "connlimit-above",
  comment: "comment",
} as const;

/** Fields that are an address with a mask; a range has attributes of its own. */
const addresses = { srcIp: "srcip", dstIp: "dstip", arpSrcIp: "arpsrcip", arpDstIp: "arpdstip" } as const;

const ports = { srcPort: "srcport", dstPort: "dstport" } as const;

type Plain = keyof typeof plain;
type Addressed = keyof typeof addresses;
type Ported = keyof typeof ports;

/** The rule as libvirt takes it (https://libvirt.org/formatnwfilter.html#filtering-rules). */
export function ruleElement(rule: FilterRule): Element {
  const { action, direction, priority, protocol, match, stateMatch } = rule;
  const matching: Attributes = { match: match === false ? "no" : undefined };
  for (const field of Object.keys(plain) as Plain[]) matching[plain[field]] = rule[field];
  for (const field of Object.keys(addresses) as Addressed[])
    Object.assign(matching, addressAttributes(addresses[field], rule[field]));
  for (const field of Object.keys(ports) as Ported[]) {
    const [start, end] = rule[field]?.split("-") ?? [];
    Object.assign(matching, { [`${ports[field]}start`]: start, [`${ports[field]}end`]: end });
  }
  if (rule.gratuitous !== undefined) matching["gratuitous"] = String(rule.gratuitous);
  return element(
    "rule",
    { action, direction, priority, statematch: stateMatch === false ? "false" : undefined },
    protocol !== undefined && element(protocol, matching),
  );
}

function addressAttributes(prefix: string, value: string | undefined): Attributes {
  if (value === undefined) return {};
  const [from, to] = value.split("-");
  if (to !== undefined) return { [`${prefix}from`]: from, [`${prefix}to`]: to };
  const [address, mask] = value.split("/");
  return { [`${prefix}addr`]: address, [`${prefix}mask`]: mask };
}

/** The rule that the element describes. */
export function parseRule(from: Element): FilterRule {
  const at = children(from)[0];
  const rule: FilterRule = {
    action: attribute(from, "action") as FilterRule["action"],
    direction: attribute(from, "direction") as FilterRule["direction"],
    priority: Number(attribute(from, "priority") ?? 500),
    stateMatch: attribute(from, "statematch") === "false" ? false : undefined,
    protocol: at?.nodeName,
    match: attribute(at, "match") === "no" ? false : undefined,
  };
  for (const field of Object.keys(plain) as Plain[]) rule[field] = attribute(at, plain[field]);
  for (const field of Object.keys(addresses) as Addressed[]) rule[field] = parseAddressed(at, addresses[field]);
  for (const field of Object.keys(ports) as Ported[]) rule[field] = parsePorts(at, ports[field]);
  const gratuitous = attribute(at, "gratuitous");
  if (gratuitous !== undefined) rule.gratuitous = gratuitous === "true";
  return Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined)) as unknown as FilterRule;
}

function parseAddressed(at: Element | undefined, prefix: string): string | undefined {
  const canonical = (text: string) => (parseAddress(text) ? canonicalAddress(text) : text);
  const from = attribute(at, `${prefix}from`);
  const to = attribute(at, `${prefix}to`);
  if (from !== undefined && to !== undefined) return `${canonical(from)}-${canonical(to)}`;
  const address = attribute(at, `${prefix}addr`);
  if (address === undefined) return undefined;
  const mask = attribute(at, `${prefix}mask`);
  const whole = address.includes(":") ? "128" : "32";
  return mask === undefined || mask === whole ? canonical(address) : `${canonical(address)}/${mask}`;
}

function parsePorts(at: Element | undefined, prefix: string): string | undefined {
  const start = attribute(at, `${prefix}start`);
  const end = attribute(at, `${prefix}end`);
  return end === undefined || end === start ? start : `${start}-${end}`;
}
