import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { onMachine, type MachineArg } from "./on-machine";
import { adoptedName } from "./adopted-name";
import { ownerOf } from "./owner";

/** Several NICs as one (https://docs.kernel.org/networking/bonding.html), made and removed with the bridge. */
export interface BondArgs {
  /** Default "bond0". */
  name?: pulumi.Input<string>;
  /** The NICs in it. They go down for a moment when they join. */
  ports: pulumi.Input<pulumi.Input<string>[]>;
  /** "active-backup" (default) works with every switch; "802.3ad" needs a switch that speaks LACP. */
  mode?: pulumi.Input<"802.3ad" | "active-backup">;
  /** Milliseconds between looks at the carrier. Default 100. */
  miimon?: pulumi.Input<number>;
  /** active-backup: the NIC that is used while it works. Default: the one that is. */
  primary?: pulumi.Input<string>;
  /** 802.3ad: how often the switch is asked to speak. Default: the kernel's, "slow". */
  lacpRate?: pulumi.Input<"slow" | "fast">;
  /** 802.3ad: what spreads the flows. Default: the kernel's, "layer2". */
  hashPolicy?: pulumi.Input<"layer2" | "layer2+3" | "layer3+4">;
}

/** A VLAN interface, made and removed with the bridge. What it lies on keeps its own addresses. */
export interface VlanArgs {
  /** The NIC or bond that it lies on. */
  link: pulumi.Input<string>;
  /** 1 to 4094. */
  id: pulumi.Input<number>;
  /** Default "LINK.ID". */
  name?: pulumi.Input<string>;
}

/** An uplink in detail: one of `nic`, `bond` and `vlan`, and with `vlanFiltering` the VLANs that it carries. */
export interface UplinkArgs {
  /** A network interface that is there: hardware, or a bond or VLAN interface that the program does not make. */
  nic?: pulumi.Input<string>;
  bond?: pulumi.Input<BondArgs>;
  vlan?: pulumi.Input<VlanArgs>;
  /** The one VLAN of a port that carries only that, without a tag. Default: that of `vlanFiltering.guests`. */
  access?: pulumi.Input<number>;
  /** The VLANs that the port carries with their tags. */
  trunk?: pulumi.Input<pulumi.Input<number>[]>;
  /** Beside `trunk`: the VLAN of frames without a tag. Default: such frames are dropped. */
  native?: pulumi.Input<number>;
}

/** The VLANs of what says nothing itself. */
export interface VlanFilteringArgs {
  /** That of the host's own addresses. Default: the host has no part in any. */
  host?: pulumi.Input<number>;
  /** That of ports which come without one, such as guests'. Default: none, they are cut off until something gives them one. */
  guests?: pulumi.Input<number>;
}

/** What has to answer too before a change counts as good. */
export interface ConfirmArgs {
  /** Whether the gateways answer the host, to a ping or to ARP or NDP. Default true. */
  gateway?: pulumi.Input<boolean>;
  /** Addresses that answer the host's pings: the way out. */
  ping?: pulumi.Input<pulumi.Input<string>[]>;
  /** "HOST:PORT" that take a connection from where pulumi runs: the way in, to a guest for one. */
  tcp?: pulumi.Input<pulumi.Input<string>[]>;
}

/** A route over the bridge. */
export interface HostRouteArgs {
  /** CIDR notation, or "default". */
  to: pulumi.Input<string>;
  /** The next hop. Default: none, what is there is reached directly. */
  via?: pulumi.Input<string>;
  metric?: pulumi.Input<number>;
  /** Name or number. Default: the main table. */
  table?: pulumi.Input<string>;
  /** The source address of what takes this route. */
  source?: pulumi.Input<string>;
  /** Whether `via` is reached although no address of the bridge is in its subnet. */
  onlink?: pulumi.Input<boolean>;
  /** Bytes. */
  mtu?: pulumi.Input<number>;
}

export interface LinuxBridgeArgs {
  /** The host: a `KvmHost`, its `machine`, or a spec such as `{ kind: "ssh", host: "kvm1" }`. */
  machine: MachineArg;
  /** The interface name, at most 15 characters. Default: the resource's name, or what `adopt` names. */
  name?: pulumi.Input<string>;
  /** Name of an existing bridge to take over. It is brought to these arguments, and stays on delete. */
  adopt?: pulumi.Input<string>;
  /**
   * What ties the bridge to the wire, one or several: "eth0", or what it says in detail. Without `stp` two uplinks into one
   * LAN are a loop. Default: nothing, a bridge of guests only.
   */
  uplink?: pulumi.Input<string | UplinkArgs | pulumi.Input<string | UplinkArgs>[]>;
  /**
   * The host's own addresses on the bridge, with their subnet's length: ["192.168.155.32/24", "fd00:155::32/64"]. An empty
   * list: the host has no part in it. Default: "keep", the uplink's own, static ones and such by DHCP, which move onto the
   * bridge with their routes; with `dhcp`: none but those.
   */
  addresses?: pulumi.Input<"keep" | pulumi.Input<string>[]>;
  /**
   * Whether the host asks for addresses: true, "ipv4" or "ipv6". The host's network manager does the asking. Default: as
   * the uplink did, with `addresses: "keep"`; else no.
   */
  dhcp?: pulumi.Input<boolean | "ipv4" | "ipv6">;
  /** One gateway, or one of IPv4 and one of IPv6. Default: the uplink's, where the bridge's addresses reach them. */
  gateway?: pulumi.Input<string | pulumi.Input<string>[]>;
  /** DNS servers, for the host's own configuration. Default: those of the host. */
  dns?: pulumi.Input<pulumi.Input<string>[]>;
  /** Search domains, as `dns`. */
  search?: pulumi.Input<pulumi.Input<string>[]>;
  /** Routes over the bridge beside `gateway`. Default: the uplink's, where the bridge's addresses reach them. */
  routes?: pulumi.Input<pulumi.Input<HostRouteArgs>[]>;
  /** Whether router advertisements give addresses (SLAAC) and routes. Default: as on the uplink. */
  acceptRa?: pulumi.Input<boolean>;
  /** Bytes, of the bridge and its uplinks. Default: the uplinks'. */
  mtu?: pulumi.Input<number>;
  /** Default: the first uplink's, so that the LAN sees the host it knows. It stays whatever ports come and go. */
  mac?: pulumi.Input<string>;
  /** Spanning tree (IEEE 802.1D). Default false. */
  stp?: pulumi.Input<boolean>;
  /** How long a port listens and learns before it forwards: "4s" or seconds. Default 0, with `stp` 15 s. */
  forwardDelay?: pulumi.Input<string | number>;
  /** Whether ports see only the VLANs that they are in. `true`: all is in VLAN 1 that says nothing else. Default false. */
  vlanFiltering?: pulumi.Input<boolean | VlanFilteringArgs>;
  /**
   * Which of the host's ways to keep its network is told of the bridge, after it was confirmed: "auto" (default, what is
   * found), "none" (nothing: it is gone after a reboot), or one by name.
   */
  persist?: pulumi.Input<"auto" | "none" | "networkd" | "networkmanager" | "ifupdown" | "netplan" | "ifcfg">;
  /**
   * How long a change waits for its proof before the host takes it back, "3s" to "1h". Default "60s". The proof is a new
   * connection from here and the answers of `confirm`.
   */
  confirmTimeout?: pulumi.Input<string>;
  /** What has to answer too before a change counts as good. Default: the gateways. */
  confirm?: pulumi.Input<ConfirmArgs>;
  /**
   * The most that a change may disturb the host and its guests. Default "live". "reboot" allows what interrupts links or
   * connections; nothing is rebooted.
   */
  disruption?: pulumi.Input<"live" | "reboot" | "replace">;
}

/**
 * A bridge of a Linux host, such as br0 over the NIC that carries the very connection by which it is made. A change that
 * is not confirmed over a new connection is taken back by the host itself: docs/dead-man.md tells how.
 *
 * The uplinks' addresses and routes move onto the bridge in one go, and return to them when the bridge is deleted. Guests'
 * ports are left alone. Deleting it is refused while anything is plugged in.
 *
 * @example
 * const lan = new LinuxBridge("br0", { machine: host, uplink: "eth0", addresses: ["192.168.155.32/24"], gateway: "192.168.155.1" });
 * const wan = new LinuxBridge("br1", { machine: host, uplink: "eth1", addresses: [] });
 */
export class LinuxBridge extends Resource {
  /** The interface name; what a guest's NIC names in `bridge`. */
  declare readonly name: pulumi.Output<string>;
  declare readonly machine: pulumi.Output<MachineSpec>;
  declare readonly mac: pulumi.Output<string>;
  declare readonly mtu: pulumi.Output<number>;
  /** The addresses that it has, in CIDR notation, without link-local ones. */
  declare readonly assigned: pulumi.Output<string[]>;
  /** The first IPv4 address, without the length of its subnet. */
  declare readonly ipv4: pulumi.Output<string | undefined>;
  /** The first IPv6 address that is not link-local. */
  declare readonly ipv6: pulumi.Output<string | undefined>;
  /** The uplinks that are plugged in, by name. */
  declare readonly ports: pulumi.Output<string[]>;
  /** What keeps it over a reboot; "none": nothing does. */
  declare readonly renderer: pulumi.Output<string>;

  constructor(name: string, args: LinuxBridgeArgs, opts?: pulumi.CustomResourceOptions) {
    const place = onMachine(args.machine, opts);
    super(
      "LinuxBridge",
      name,
      {
        ...args,
        machine: place.machine,
        name: args.name ?? adoptedName(args.adopt, name),
        owner: ownerOf(name),
        addresses: args.addresses ?? (args.dhcp === undefined || args.dhcp === false ? undefined : []),
      },
      ["mac", "mtu", "assigned", "ipv4", "ipv6", "ports", "renderer"],
      place.opts,
    );
  }
}
