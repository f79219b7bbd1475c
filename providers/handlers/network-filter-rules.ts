import * as v from "valibot";
import type { AntiSpoofing, NetworkFilterInputs } from "../schema/network-filter";
import { filterRule, type FilterRuleInputs } from "../schema/network-filter-rule";

type Rule = v.InferInput<typeof filterRule>;
type Sources = NonNullable<AntiSpoofing["ipv4"]>;
type Allowed = NonNullable<NetworkFilterInputs["allow"]>[number];

/** All rules of a filter, in libvirt's own spelling; undefined where the program leaves them to libvirt. */
export function rulesOf({ antiSpoofing, allow, rules }: Partial<NetworkFilterInputs>): FilterRuleInputs[] | undefined {
  if (!antiSpoofing && !allow) return rules;
  const meant = [...(antiSpoofing ? antiSpoofingRules(antiSpoofing) : []), ...(allow ? allowRules(allow) : [])];
  return [...v.parse(v.array(filterRule), meant), ...(rules ?? [])];
}

/** Ports that guests' own connections begin at (Linux: net.ipv4.ip_local_port_range). */
const ephemeral = "32768-65535";

const out = (priority: number, rule: Omit<Rule, "direction" | "priority">): Rule => ({
  direction: "out",
  priority,
  ...rule,
});

/**
 * What keeps a guest from speaking as somebody else: frames from another MAC address, in VLANs of its own choice, ARP for
 * others, packets from addresses that are not its own, and the answers of a DHCP server or router. These rules look at
 * each frame by itself, bridged or routed, in libvirt's Ethernet tables.
 */
function antiSpoofingRules({ ipv4, ipv6, tagged }: AntiSpoofing): Rule[] {
  const drop = { action: "drop" } as const;
  return [
    out(-1000, { ...drop, protocol: "mac", match: false, srcMac: "$MAC" }),
    // Inside a tag the rules below would see no address.
    ...(tagged
      ? []
      : [out(-995, { ...drop, protocol: "vlan" }), out(-995, { ...drop, protocol: "mac", etherType: "0x88a8" })]),
    out(-990, { ...drop, protocol: "arp", match: false, arpSrcMac: "$MAC" }),
    out(-980, { ...drop, protocol: "ip", ipProtocol: "udp", srcPort: 67 }),
    out(-980, { ...drop, protocol: "ipv6", ipProtocol: "udp", srcPort: 547 }),
    out(-980, { ...drop, protocol: "ipv6", ipProtocol: "icmpv6", icmpType: 134 }),
    ...(ipv4 ? ipv4Rules(ipv4) : []),
    ...(ipv6 ? ipv6Rules(ipv6) : []),
  ];
}

function ipv4Rules({ allowed, gateway }: Sources): Rule[] {
  const accept = { action: "accept" } as const;
  const drop = { action: "drop" } as const;
  return [
    ...(gateway === undefined
      ? []
      : [
          out(900, { ...drop, protocol: "arp", arpSrcIp: gateway }),
          out(900, { ...drop, protocol: "ip", srcIp: gateway }),
        ]),
    // 0.0.0.0 asks whether an address is free (RFC 5227), and for one by DHCP.
    ...[...allowed, "0.0.0.0"].map((arpSrcIp) => out(910, { ...accept, protocol: "arp", arpSrcIp })),
    ...allowed.map((srcIp) => out(910, { ...accept, protocol: "ip", srcIp })),
    out(910, { ...accept, protocol: "ip", srcIp: "0.0.0.0", ipProtocol: "udp", srcPort: 68, dstPort: 67 }),
    out(920, { ...drop, protocol: "arp" }),
    out(920, { ...drop, protocol: "ip" }),
  ];
}

function ipv6Rules({ allowed, gateway }: Sources): Rule[] {
  return [
    ...(gateway === undefined ? [] : [out(900, { action: "drop", protocol: "ipv6", srcIp: gateway })]),
    // "::" asks whether an address is free (RFC 4862), fe80::/10 does neighbour discovery and DHCPv6.
    ...["fe80::/10", "::", ...allowed].map((srcIp) => out(910, { action: "accept", protocol: "ipv6", srcIp })),
    out(920, { action: "drop", protocol: "ipv6" }),
  ];
}

/**
 * What lets others reach nothing but `allowed` in a guest, beside ICMP, DHCP and the answers to its own connections. The
 * rules keep no connections in mind: answers are told by their ports, so that ports from 32768 up stay open.
 */
function allowRules(allowed: readonly Allowed[]): Rule[] {
  const accept = (protocol: "ip" | "ipv6", rule: Partial<Rule>): Rule => ({
    ...{ action: "accept", direction: "in", priority: 930, protocol },
    ...rule,
  });
  const drop = (protocol: "ip" | "ipv6"): Rule => ({
    ...{ action: "drop", direction: "in", priority: 940, protocol },
  });
  return [
    accept("ip", { ipProtocol: "icmp" }),
    accept("ip", { ipProtocol: "igmp" }),
    accept("ip", { ipProtocol: "udp", srcPort: 67, dstPort: 68 }),
    accept("ipv6", { ipProtocol: "icmpv6" }),
    // Multicast listener queries stand behind a hop-by-hop header (RFC 3810).
    accept("ipv6", { ipProtocol: 0 }),
    accept("ipv6", { ipProtocol: "udp", srcPort: 547, dstPort: 546 }),
    ...(["ip", "ipv6"] as const).flatMap((family) =>
      ["tcp", "udp"].map((ipProtocol) => accept(family, { ipProtocol, dstPort: ephemeral })),
    ),
    ...allowed.flatMap((one) => familiesOf(one).map((family) => accept(family, matchOf(one)))),
    drop("ip"),
    drop("ipv6"),
  ];
}

function familiesOf({ from }: Allowed): ("ip" | "ipv6")[] {
  if (from === undefined) return ["ip", "ipv6"];
  return [from.includes(":") ? "ipv6" : "ip"];
}

function matchOf({ protocol, port, from }: Allowed): Partial<Rule> {
  return {
    ipProtocol: protocol,
    ...(port !== undefined && { dstPort: port }),
    ...(from !== undefined && { srcIp: from }),
  };
}
