/** What a stack looks like: the wires outside, and the hosts on them with their virtual switches and guests. */
export interface Topology {
  stack: string;
  /** From the top of the picture to its bottom. */
  segments: Segment[];
  hosts: HostModel[];
}

/** A wire outside the hosts, which their uplinks reach. */
export interface Segment {
  id: string;
  /** "LAN", "behind eth1 of kvm1", or what the operator calls it. */
  name: string;
  /** Those in which hosts have an address. */
  subnets: string[];
  gateways: string[];
  /** False where the stack declares no uplink: the host's own way out. */
  declared: boolean;
}

export interface HostModel {
  id: string;
  /** What the program calls it. */
  name: string;
  /** The libvirt URIs by which the program reaches it. */
  connections: string[];
  /** "libvirt 9.0.0", "2 CPUs", ... */
  facts: string[];
  /** From the wire inwards: bridges without the host's addresses, with them, routed networks, those without a way out. */
  switches: VirtualSwitch[];
  /** The segment that routed networks leave by where no bridge with an address is declared. */
  outside?: string;
  guests: GuestModel[];
}

export type NetworkMode = "nat" | "route" | "open" | "isolated" | "bridge" | "macvtap";

/** What guests are plugged into: a bridge of the host or a network of libvirt. */
export interface VirtualSwitch {
  id: string;
  kind: "bridge" | "network";
  /** "br0", "default" */
  name: string;
  /** Of a network. */
  mode?: NetworkMode;
  /** The interface name of a network's bridge: "virbr0". */
  bridge?: string;
  /** Of a bridge: the libvirt networks that are this bridge under another name. */
  networks: string[];
  /** The host's own, in CIDR notation. */
  addresses: string[];
  /** How else the host gets addresses there: "DHCP", "SLAAC". */
  automatic: string[];
  /** Whether the host routes between it and the other ones that are routed. */
  routed: boolean;
  uplink?: Uplink;
  /** False where guests are plugged into it, but the stack does not declare it. */
  declared: boolean;
  /** What else its bar says: "domain lab.test". */
  details: string[];
  /** What only its tooltip says: "MAC 52:54:00:aa:00:01". */
  notes: string[];
  change?: Mark;
}

/** What ties a switch to a segment. */
export interface Uplink {
  /** "eth0", "bond0 = eth0 + eth1" */
  label: string;
  segment: string;
}

export type PowerState = "running" | "paused" | "shutoff" | "unknown";

export interface GuestModel {
  id: string;
  name: string;
  kind: "vm" | "container";
  state: PowerState;
  /** "2 vCPUs", "512MiB" */
  size: string[];
  /** The component that it is one of several guests of. */
  group?: Group;
  nics: GuestNic[];
  /** What of it is published on the host: "8080 → 80/tcp". */
  published: string[];
  details: string[];
  change?: Mark;
}

export interface Group {
  id: string;
  name: string;
  /** The component's type: "GuestGroup", "WebTier". */
  kind: string;
}

export interface GuestNic {
  /** The switch's id. */
  switch: string;
  mac: string;
  /** IPv4 before IPv6. */
  addresses: string[];
  /** How it is plugged in: "web" (a port group), "VLAN 10", "cable out". */
  port: string[];
}

/** What a preview would do with it. */
export type Mark = "new" | "changed" | "removed";
