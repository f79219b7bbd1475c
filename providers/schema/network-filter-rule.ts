import * as v from "valibot";
import {
  addresses,
  anyMac,
  arpOpcode,
  comment,
  etherType,
  ipProtocol,
  macMask,
  numberText,
  orVariable,
  portsOrVariable,
  state,
  tcpFlags,
} from "./network-filter-values";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

const stations = ["srcMac", "srcMacMask", "dstMac", "dstMacMask"] as const;
const packets = ["srcMac", "srcIp", "dstIp", "dscp", "state", "connLimitAbove"] as const;
const portPair = ["srcPort", "dstPort"] as const;
const icmp = ["icmpType", "icmpCode"] as const;
const arp = [...stations, "arpOpcode", "arpSrcMac", "arpDstMac", "arpSrcIp", "arpDstIp", "gratuitous"] as const;

/** What each protocol's rule may look at; the ones below "ipv6" are iptables' and know connections. */
const matchable: { [protocol: string]: readonly string[] } = {
  mac: [...stations, "etherType"],
  vlan: [...stations, "vlanId", "etherType"],
  stp: ["srcMac", "srcMacMask"],
  arp,
  rarp: arp,
  ip: [...stations, "srcIp", "dstIp", "ipProtocol", ...portPair, "dscp"],
  ipv6: [...stations, "srcIp", "dstIp", "ipProtocol", ...portPair, ...icmp],
};
for (const family of ["", "-ipv6"]) {
  for (const protocol of ["tcp", "udp", "sctp"]) matchable[protocol + family] = [...packets, ...portPair];
  for (const protocol of ["udplite", "esp", "ah", "all"]) matchable[protocol + family] = packets;
  matchable[`tcp${family}`] = [...packets, ...portPair, "tcpFlags"];
}
Object.assign(matchable, { icmp: [...packets, ...icmp], icmpv6: [...packets, ...icmp], igmp: packets });

const protocols = Object.keys(matchable);

const fields = strict({
  action: v.picklist(["accept", "drop", "reject", "return", "continue"]),
  direction: v.optional(v.picklist(["in", "out", "inout"]), "inout"),
  priority: v.optional(wholeNumber(-1000, 1000), 500),
  protocol: v.optional(v.picklist(protocols)),
  match: v.optional(v.boolean()),
  stateMatch: v.optional(v.boolean()),
  srcMac: v.optional(orVariable(anyMac)),
  srcMacMask: v.optional(macMask),
  dstMac: v.optional(orVariable(anyMac)),
  dstMacMask: v.optional(macMask),
  etherType: v.optional(etherType),
  vlanId: v.optional(numberText(0, 4095)),
  arpOpcode: v.optional(arpOpcode),
  arpSrcMac: v.optional(orVariable(anyMac)),
  arpDstMac: v.optional(orVariable(anyMac)),
  arpSrcIp: v.optional(orVariable(addresses)),
  arpDstIp: v.optional(orVariable(addresses)),
  gratuitous: v.optional(v.boolean()),
  srcIp: v.optional(orVariable(addresses)),
  dstIp: v.optional(orVariable(addresses)),
  ipProtocol: v.optional(ipProtocol),
  srcPort: v.optional(portsOrVariable),
  dstPort: v.optional(portsOrVariable),
  icmpType: v.optional(numberText(0, 255)),
  icmpCode: v.optional(numberText(0, 255)),
  dscp: v.optional(numberText(0, 63)),
  state: v.optional(state),
  tcpFlags: v.optional(tcpFlags),
  connLimitAbove: v.optional(numberText(0, 65535)),
  comment: v.optional(comment),
});

type Rule = v.InferOutput<typeof fields>;

function familyOf(rule: Rule): "ipv4" | "ipv6" {
  return rule.protocol === "ipv6" || rule.protocol === "icmpv6" || rule.protocol?.endsWith("-ipv6") ? "ipv6" : "ipv4";
}

function complaint(rule: Rule): [keyof Rule, string] | undefined {
  const { protocol } = rule;
  const always = ["action", "direction", "priority", "protocol", "stateMatch"];
  const allowed = protocol === undefined ? [] : ["match", "comment", ...matchable[protocol]!];
  for (const field of Object.keys(rule) as (keyof Rule)[])
    if (rule[field] !== undefined && !always.includes(field) && !allowed.includes(field))
      return [
        field,
        protocol === undefined
          ? "goes with a protocol. Fix: name the protocol, or leave it out"
          : `is nothing that a rule for ${protocol} looks at. Allowed: ${allowed.join(", ")}`,
      ];
  for (const field of ["srcIp", "dstIp", "arpSrcIp", "arpDstIp"] as const) {
    const value = rule[field];
    if (value === undefined || value.startsWith("$")) continue;
    const kind = value.includes(":") ? "ipv6" : "ipv4";
    if (kind !== familyOf(rule))
      return [field, `${value} is an ${kind === "ipv4" ? "IPv4" : "IPv6"} address, and the rule is for ${protocol}`];
    if (value.includes("-") && !allowed.includes("state"))
      return [
        field,
        `${value} is a range, which a rule for ${protocol} cannot look at. Allowed: an address or a subnet`,
      ];
  }
  const withPorts = ["tcp", "udp", "sctp"];
  if ((rule.srcPort ?? rule.dstPort) !== undefined && (protocol === "ip" || protocol === "ipv6"))
    if (rule.ipProtocol === undefined || !withPorts.includes(rule.ipProtocol))
      return [rule.srcPort ? "srcPort" : "dstPort", `needs ipProtocol. Allowed: ${withPorts.join(", ")}`];
  if (protocol === "ipv6" && (rule.icmpType ?? rule.icmpCode) !== undefined && rule.ipProtocol !== "icmpv6")
    return ["icmpType", 'needs ipProtocol: "icmpv6"'];
  if (rule.icmpCode !== undefined && rule.icmpType === undefined) return ["icmpCode", "needs icmpType"];
  return undefined;
}

/** One rule of a network filter, in libvirt's own spelling of names and numbers. */
export const filterRule = v.pipe(
  fields,
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
    const found = complaint(value);
    if (!found) return value;
    const [key, message] = found;
    addIssue({ message, path: [{ type: "object", origin: "value", input: value, key, value: value[key] }] });
    return NEVER;
  }),
);

export type FilterRuleInputs = v.InferOutput<typeof filterRule>;
