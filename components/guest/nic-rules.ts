import type { FilterRuleArgs } from "../../providers/resources/network-filter";

/** What one family's packets may come from; undefined where nothing is known of it. */
export interface Sources {
  /** Addresses and subnets. */
  allowed: readonly string[];
  /** The network's gateway, which lies in an allowed subnet and is not the guest's. */
  gateway?: string;
}

/** Something that others may reach in a guest. */
export interface Reachable {
  /** "tcp", "udp", "sctp", or an IP protocol without ports by name or number: "vrrp" is 112. */
  protocol: string;
  /** 80 or "8000-8080"; none for all, or a protocol without ports. */
  port?: number | string;
  /** Address or subnet of those who may. Default: everybody. */
  from?: string;
}

/** Ports that guests' own connections begin at (Linux: net.ipv4.ip_local_port_range). */
const ephemeral = "32768-65535";

/** IP protocols that iproute2 and operators know by names which libvirt does not (RFC 790 and IANA's registry). */
const protocolNumbers: { [name: string]: number } = { gre: 47, ospf: 89, pim: 103, vrrp: 112, l2tp: 115 };

const withPorts = ["tcp", "udp", "sctp"];

const out = (priority: number, rule: Omit<FilterRuleArgs, "direction" | "priority">): FilterRuleArgs => ({
  direction: "out",
  priority,
  ...rule,
});

/**
 * What keeps a guest from speaking as somebody else: frames from another MAC address, in VLANs of its own choice, ARP for
 * others, packets from addresses that are not its own, and the answers of a DHCP server or router. These rules look at
 * each frame by itself, bridged or routed, in libvirt's Ethernet tables.
 */
export function antiSpoofingRules(
  mac: string,
  ipv4: Sources | undefined,
  ipv6: Sources | undefined,
  tagged = false,
): FilterRuleArgs[] {
  const drop = { action: "drop" } as const;
  return [
    out(-1000, { ...drop, protocol: "mac", match: false, srcMac: mac }),
    // Inside a tag the rules below would see no address.
    ...(tagged
      ? []
      : [out(-995, { ...drop, protocol: "vlan" }), out(-995, { ...drop, protocol: "mac", etherType: "0x88a8" })]),
    out(-990, { ...drop, protocol: "arp", match: false, arpSrcMac: mac }),
    out(-980, { ...drop, protocol: "ip", ipProtocol: "udp", srcPort: 67 }),
    out(-980, { ...drop, protocol: "ipv6", ipProtocol: "udp", srcPort: 547 }),
    out(-980, { ...drop, protocol: "ipv6", ipProtocol: "icmpv6", icmpType: 134 }),
    ...(ipv4 ? ipv4Rules(ipv4) : []),
    ...(ipv6 ? ipv6Rules(ipv6) : []),
  ];
}

function ipv4Rules({ allowed, gateway }: Sources): FilterRuleArgs[] {
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

function ipv6Rules({ allowed, gateway }: Sources): FilterRuleArgs[] {
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
export function allowRules(allowed: readonly Reachable[]): FilterRuleArgs[] {
  const accept = (protocol: "ip" | "ipv6", rule: Partial<FilterRuleArgs>): FilterRuleArgs => ({
    ...{ action: "accept", direction: "in", priority: 930, protocol },
    ...rule,
  });
  const drop = (protocol: "ip" | "ipv6"): FilterRuleArgs => ({
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

function familiesOf({ from }: Reachable): ("ip" | "ipv6")[] {
  if (from === undefined) return ["ip", "ipv6"];
  return [from.includes(":") ? "ipv6" : "ip"];
}

function matchOf({ protocol, port, from }: Reachable): Partial<FilterRuleArgs> {
  return {
    ipProtocol: protocolNumbers[protocol] ?? protocol,
    ...(port !== undefined && { dstPort: port }),
    ...(from !== undefined && { srcIp: from }),
  };
}

/** 22 and "53/udp" (services(5)), "vrrp" (protocols(5)), or all written out. */
export type ReachableArg = number | string | Reachable;

/** The long form; undefined for what is none. */
export function reachable(given: ReachableArg): Reachable | undefined {
  if (typeof given === "number") return { protocol: "tcp", port: given };
  if (typeof given === "object") return given;
  const [, port, protocol] = /^(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?$/.exec(given) ?? [];
  if (port !== undefined) return { protocol: protocol ?? "tcp", port };
  return /^[a-z][a-z0-9-]*$/.test(given) ? { protocol: given } : undefined;
}

/** What is wrong with one entry of an allow-list; undefined when nothing is. */
export function reachableProblem(given: ReachableArg): string | undefined {
  const one = reachable(given);
  if (!one)
    return `got ${JSON.stringify(given)}. Allowed: 22, "8000-8080", "53/udp", "vrrp", or { protocol, port, from }`;
  if (one.port !== undefined && !withPorts.includes(one.protocol))
    return `${one.protocol} has no ports. Allowed: with ${withPorts.join(", ")}`;
  return undefined;
}
