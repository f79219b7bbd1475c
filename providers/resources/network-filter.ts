import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { ReachableArg } from "../schema/reachable-port";
import { adoptedName } from "./adopted-name";
import { ownerOf } from "./owner";

/**
 * One rule (https://libvirt.org/formatnwfilter.html#filtering-rules). Values may be a filter's variables: "$IP", "$MAC".
 * Of "mac" to "ipv6" each frame is looked at by itself, bridged or routed. "tcp" and those after it know connections,
 * and hold only where the host hands bridged packets to iptables (`br_netfilter`, net.bridge.bridge-nf-call-iptables).
 */
export interface FilterRuleArgs {
  action: pulumi.Input<"accept" | "drop" | "reject" | "return" | "continue">;
  /** As the guest sees it: "out" is what it sends. Default "inout". */
  direction?: pulumi.Input<"in" | "out" | "inout">;
  /** -1000 to 1000, the smallest is looked at first. Default 500. */
  priority?: pulumi.Input<number>;
  /**
   * "mac", "vlan", "stp", "arp", "rarp", "ip", "ipv6"; "tcp", "udp", "sctp", "udplite", "esp", "ah", "icmp", "igmp",
   * "all", and with "-ipv6" those of IPv6; "icmpv6". Default: every frame.
   */
  protocol?: pulumi.Input<string>;
  /** False turns the match round: the rule holds for everything else. */
  match?: pulumi.Input<boolean>;
  /** False: an accepted connection's other direction is not accepted by itself. */
  stateMatch?: pulumi.Input<boolean>;
  srcMac?: pulumi.Input<string>;
  srcMacMask?: pulumi.Input<string>;
  dstMac?: pulumi.Input<string>;
  dstMacMask?: pulumi.Input<string>;
  /** Of "mac" and "vlan": "ipv4", "arp", "rarp", "vlan", "ipv6" or a number. */
  etherType?: pulumi.Input<string | number>;
  vlanId?: pulumi.Input<string | number>;
  /** "Request", "Reply" or a number. */
  arpOpcode?: pulumi.Input<string | number>;
  /** The sender that an ARP packet names. */
  arpSrcMac?: pulumi.Input<string>;
  arpDstMac?: pulumi.Input<string>;
  arpSrcIp?: pulumi.Input<string>;
  arpDstIp?: pulumi.Input<string>;
  /** Of "arp": whether it announces the sender's own address. */
  gratuitous?: pulumi.Input<boolean>;
  /** Address or subnet; of "tcp" and those after it also "first-last". */
  srcIp?: pulumi.Input<string>;
  dstIp?: pulumi.Input<string>;
  /** Of "ip" and "ipv6": "tcp", "udp", "icmp", "icmpv6", "esp" or a number. */
  ipProtocol?: pulumi.Input<string | number>;
  /** 80 or "8000-8080". */
  srcPort?: pulumi.Input<string | number>;
  dstPort?: pulumi.Input<string | number>;
  icmpType?: pulumi.Input<string | number>;
  icmpCode?: pulumi.Input<string | number>;
  dscp?: pulumi.Input<string | number>;
  /** Of "tcp" and those after it: "NEW,ESTABLISHED". */
  state?: pulumi.Input<string>;
  /** Of "tcp": those looked at and those set, "SYN,ACK/SYN". */
  tcpFlags?: pulumi.Input<string>;
  /** More connections than this at a time. */
  connLimitAbove?: pulumi.Input<string | number>;
  /** At most 256 characters; iptables shows it. */
  comment?: pulumi.Input<string>;
}

/** A filter by its name, with values for its variables; several values make several rules. */
export interface FilterReferenceArgs {
  name: pulumi.Input<string>;
  parameters?: pulumi.Input<{ [name: string]: pulumi.Input<string | pulumi.Input<string>[]> }>;
}

/** What one family's packets may come from. */
export interface SourcesArgs {
  /** Addresses and subnets. */
  allowed: pulumi.Input<pulumi.Input<string>[]>;
  /** The network's gateway, which lies in an allowed subnet and is not the guest's. */
  gateway?: pulumi.Input<string>;
}

/** Which addresses who uses a filter may send from; its MAC address is the interface's own. */
export interface AntiSpoofingArgs {
  /** Default: every IPv4 address. */
  ipv4?: pulumi.Input<SourcesArgs>;
  /** Default: every IPv6 address. */
  ipv6?: pulumi.Input<SourcesArgs>;
  /** Whether frames with a VLAN tag pass; the rules see no address in them. Default false. */
  tagged?: pulumi.Input<boolean>;
}

export interface NetworkFilterArgs {
  /** libvirt URI. Default "qemu:///system". */
  connection?: pulumi.Input<string>;
  /** The name in `virsh nwfilter-list`. Default: the resource's name, or what `adopt` names. */
  name?: pulumi.Input<string>;
  /** Name or UUID of an existing filter to take over. It is brought to these arguments, and stays on delete. */
  adopt?: pulumi.Input<string>;
  /** Where its rules are: "root", or a chain of one protocol: "arp", "ipv4", "ipv6-mine". Default "root" of a new filter. */
  chain?: pulumi.Input<string>;
  /** The chain's place among all, -1000 to 1000. Default: libvirt's for the protocol. */
  priority?: pulumi.Input<number>;
  /**
   * Keeps who uses it from speaking as somebody else: frames from another MAC address than the interface's, ARP for
   * others, packets from other addresses than these, and the answers of a DHCP server or router are dropped.
   */
  antiSpoofing?: pulumi.Input<AntiSpoofingArgs>;
  /**
   * What others may reach, and nothing beside it: 443, "8000-8080", "53/udp", "vrrp", or `{ protocol, port, from }`. ICMP,
   * DHCP and answers always; answers are told by their ports, so that ports from 32768 up stay open. Default: everything.
   */
  allow?: pulumi.Input<pulumi.Input<ReachableArg>[]>;
  /** In the order of their priorities, beside those of `antiSpoofing` and `allow`. Changed on running guests too. */
  rules?: pulumi.Input<pulumi.Input<FilterRuleArgs>[]>;
  /** Other filters whose rules hold too, by name or with values for their variables. */
  filters?: pulumi.Input<pulumi.Input<string | FilterReferenceArgs>[]>;
}

/**
 * What an interface may send and receive: libvirt's network filter. Guests name it in a NIC's `filter`. A change holds at
 * once on every running guest that uses it; it is not deleted while a guest, also one that is off, or a filter names it.
 *
 * @example
 * const noMail = new NetworkFilter("no-mail", {
 *   rules: [{ action: "drop", direction: "out", protocol: "ip", ipProtocol: "tcp", dstPort: 25 }],
 * });
 */
export class NetworkFilter extends Resource {
  /** The name in `virsh nwfilter-list`; what a NIC names. */
  declare readonly name: pulumi.Output<string>;
  declare readonly connection: pulumi.Output<string>;
  declare readonly uuid: pulumi.Output<string>;

  constructor(name: string, args: NetworkFilterArgs, opts?: pulumi.CustomResourceOptions) {
    const connection = args.connection ?? "qemu:///system";
    super(
      "NetworkFilter",
      name,
      { ...args, owner: ownerOf(name), connection, name: args.name ?? adoptedName(args.adopt, name) },
      ["uuid"],
      opts,
    );
  }
}
