import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { adoptedName } from "./adopted-name";
import type { BandwidthArgs, PortVlansArgs } from "./domain";
import { ownerOf } from "./owner";

/** What DHCP hands out. What is left out follows from the subnet: all host addresses beside the bridge's own. */
export interface DhcpRangeArgs {
  start?: pulumi.Input<string>;
  end?: pulumi.Input<string>;
  /** How long an address is lent, at least "2m". Default: libvirt's, one hour. */
  leaseTime?: pulumi.Input<string>;
}

/** An address that DHCP keeps for one guest. IPv4 knows the guest by `mac` or `name`, IPv6 by `id` or `name`. */
export interface DhcpHostArgs {
  ip: pulumi.Input<string>;
  mac?: pulumi.Input<string>;
  /** The guest's DHCPv6 client id (DUID), hex bytes with colons. */
  id?: pulumi.Input<string>;
  /** The host name that the guest sends, and the name under which the network's DNS server knows it. */
  name?: pulumi.Input<string>;
}

/** Names that the network's DNS server answers with `ip`. */
export interface DnsHostArgs {
  ip: pulumi.Input<string>;
  hostnames: pulumi.Input<pulumi.Input<string>[]>;
}

export interface DnsTxtArgs {
  name: pulumi.Input<string>;
  value: pulumi.Input<string>;
}

/** A service record (RFC 2782): `port`, `priority` and `weight` need a `target`. */
export interface DnsSrvArgs {
  /** Without the underscore: "ldap". */
  service: pulumi.Input<string>;
  /** Without the underscore: "tcp". */
  protocol: pulumi.Input<string>;
  domain?: pulumi.Input<string>;
  target?: pulumi.Input<string>;
  port?: pulumi.Input<number>;
  priority?: pulumi.Input<number>;
  weight?: pulumi.Input<number>;
}

/** Where the network's DNS server asks: for the names of `domain`, or for all. Without `address` it answers alone. */
export interface DnsForwarderArgs {
  address?: pulumi.Input<string>;
  domain?: pulumi.Input<string>;
}

/** A subnet behind one of the network's guests: the host's route to it leads to that guest. */
export interface StaticRouteArgs {
  /** CIDR notation, IPv4 or IPv6. */
  to: pulumi.Input<string>;
  /** The guest's address, in the network's own subnet. */
  via: pulumi.Input<string>;
  metric?: pulumi.Input<number>;
}

/** What the NICs that name it have in common. */
export interface PortGroupArgs {
  name: pulumi.Input<string>;
  /** Whether NICs that name no port group have this one. Default false. */
  default?: pulumi.Input<boolean>;
  /** Limits of each NIC. */
  bandwidth?: pulumi.Input<BandwidthArgs>;
  /** The VLANs of each port; with mode "bridge" only, see `vlans` of the network. */
  vlans?: pulumi.Input<PortVlansArgs>;
}

export interface NetworkArgs {
  /** libvirt URI. Default "qemu:///system". */
  connection?: pulumi.Input<string>;
  /**
   * Where commands on the host run: to see its routes and interfaces at preview, and to plug containers in again after a
   * restart. Default: what the URI points at.
   */
  machine?: pulumi.Input<MachineSpec>;
  /** The name in `virsh net-list`. Default: the resource's name, or what `adopt` names. */
  name?: pulumi.Input<string>;
  /** Name or UUID of an existing network to take over. It is brought to these arguments, and stays on delete. */
  adopt?: pulumi.Input<string>;
  /**
   * How guests reach the world (https://libvirt.org/formatnetwork.html#connectivity): "nat" (default) behind the host's
   * addresses; "route" with addresses that the LAN must know a route to; "isolated" not at all; "open" as "route", but
   * without libvirt's firewall rules; "bridge" on a bridge of the host, as if plugged into the LAN; "macvtap" on a host
   * interface itself, without a bridge: guests then reach the LAN, but not the host. An "isolated" network without
   * subnets is a cable between guests: no addresses, no DHCP, no host.
   */
  mode?: pulumi.Input<"nat" | "route" | "isolated" | "open" | "bridge" | "macvtap">;
  /**
   * How macvtap guests of one interface see each other: "bridge" (default) directly; "vepa" by a switch that sends frames
   * back; "private" not at all; "passthrough" gives an interface to one guest alone.
   */
  macvtapMode?: pulumi.Input<"bridge" | "private" | "vepa" | "passthrough">;
  /** The only host interface that traffic may leave by (nat and route). Default: wherever the host routes it. With macvtap: the one guests sit on. */
  uplink?: pulumi.Input<string>;
  /** With macvtap: several interfaces, of which each guest gets the one with the fewest. */
  uplinks?: pulumi.Input<pulumi.Input<string>[]>;
  /** Whether IPv6 traffic is translated too. Needs libvirt 6.5. Default: with mode "nat" and a private subnet (fc00::/7). */
  natIpv6?: pulumi.Input<boolean>;
  /** With mode "nat": the host's addresses that guests appear with. Default: the one of the interface that they leave by. */
  natAddresses?: pulumi.Input<{ start: pulumi.Input<string>; end: pulumi.Input<string> }>;
  /** With mode "nat": the source ports that guests appear with. Default 1024 to 65535. */
  natPorts?: pulumi.Input<{ start: pulumi.Input<number>; end: pulumi.Input<number> }>;
  /** The bridge's interface name. Default: libvirt's next "virbrN". With mode "bridge": the host's bridge, required. */
  bridge?: pulumi.Input<string>;
  /**
   * Spanning tree on its bridge. With it guests that join networks make no loops, but a NIC that is plugged in waits 4 s
   * before frames pass, and longer for its lease. Default: false, other than libvirt's: a `Guest` whose NICs may send only as
   * themselves makes no loop. A network that is adopted keeps what it has.
   */
  stp?: pulumi.Input<boolean>;
  /** Bytes. Default 1500. */
  mtu?: pulumi.Input<number>;
  /** DNS domain of the guests. Its names are not asked for elsewhere, unless `localOnly` is false. */
  domain?: pulumi.Input<string | { name: pulumi.Input<string>; localOnly?: pulumi.Input<boolean> }>;
  /** Subnet, e.g. "192.168.122.0/24". Must be free on the host. */
  ipv4?: pulumi.Input<string>;
  /** The bridge's own address, the guests' gateway. Default: the first of the subnet. */
  ipv4Address?: pulumi.Input<string>;
  /** Whether unknown guests get an address from `dhcpRange`; fixed leases work without. Default true. */
  dhcp?: pulumi.Input<boolean>;
  dhcpRange?: pulumi.Input<DhcpRangeArgs>;
  /** Subnet of 64 bits or more, e.g. "fd00:122::/64". */
  ipv6?: pulumi.Input<string>;
  /** The bridge's own address. Default: the first of the subnet. */
  ipv6Address?: pulumi.Input<string>;
  /**
   * Whether DHCPv6 hands out addresses (default). The host announces itself as the router in any case; without DHCPv6
   * guests choose their own addresses from that (SLAAC), which takes a subnet of 64 bits and no fixed IPv6 leases.
   */
  dhcp6?: pulumi.Input<boolean>;
  dhcp6Range?: pulumi.Input<DhcpRangeArgs>;
  /** Fixed leases, IPv4 and IPv6. Changed while guests run. Those of others (`DhcpReservation`, by hand) are left alone. */
  hosts?: pulumi.Input<pulumi.Input<DhcpHostArgs>[]>;
  /** Changed while guests run, as are `dnsTxt` and `dnsSrv`. */
  dnsHosts?: pulumi.Input<pulumi.Input<DnsHostArgs>[]>;
  dnsTxt?: pulumi.Input<pulumi.Input<DnsTxtArgs>[]>;
  dnsSrv?: pulumi.Input<pulumi.Input<DnsSrvArgs>[]>;
  /** Default: the host's own resolvers. */
  dnsForwarders?: pulumi.Input<pulumi.Input<DnsForwarderArgs>[]>;
  /** Routes of the host to subnets behind guests. */
  routes?: pulumi.Input<pulumi.Input<StaticRouteArgs>[]>;
  /** Limits of all its guests together, as seen from them. None by default. */
  bandwidth?: pulumi.Input<BandwidthArgs>;
  /** Changed while guests run, for NICs that are plugged in from then on. */
  portGroups?: pulumi.Input<pulumi.Input<PortGroupArgs>[]>;
  /**
   * With mode "bridge": the VLANs of ports that say none themselves. Takes libvirt 11.0 and a bridge that filters VLANs.
   */
  vlans?: pulumi.Input<PortVlansArgs>;
  /** Whether its guests reach the host and what is behind it, but not each other (a private VLAN). Default false. */
  isolatedPorts?: pulumi.Input<boolean>;
  /** Whether it starts with the host. Default true. */
  autostart?: pulumi.Input<boolean>;
  /** Whether it runs. Default true: one that was stopped behind our back is started again. */
  active?: pulumi.Input<boolean>;
  /**
   * The most a change may disturb running guests. Default: "live" while guests are plugged in, anything while none is.
   * "reboot" allows a restart of the network, after which the guests are plugged in again.
   */
  disruption?: pulumi.Input<"live" | "reboot" | "replace">;
}

/**
 * A virtual network of libvirt.
 *
 * @example
 * const lab = new Network("lab", { mode: "nat", ipv4: "192.168.150.0/24", ipv6: "fd00:150::/64", domain: "lab.test" });
 */
export class Network extends Resource {
  /** The name in `virsh net-list`; what a guest's interface names. */
  declare readonly name: pulumi.Output<string>;
  declare readonly connection: pulumi.Output<string>;
  declare readonly uuid: pulumi.Output<string>;
  /** The bridge's interface name on the host. */
  declare readonly bridge: pulumi.Output<string>;
  declare readonly mode: pulumi.Output<string>;
  declare readonly ipv4: pulumi.Output<string | undefined>;
  declare readonly ipv6: pulumi.Output<string | undefined>;
  /** The bridge's own address: the guests' gateway and DNS server. */
  declare readonly ipv4Address: pulumi.Output<string | undefined>;
  declare readonly ipv6Address: pulumi.Output<string | undefined>;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = ["uuid", "bridge", "mode", "ipv4", "ipv6", "ipv4Address", "ipv6Address"];
    const connection = args.connection ?? "qemu:///system";
    const owner = ownerOf(name);
    super(
      "Network",
      name,
      { ...args, owner, connection, name: args.name ?? adoptedName(args.adopt, name) },
      outputs,
      opts,
    );
  }
}
