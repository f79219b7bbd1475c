/**
 * One bridge of a host with everything under it, in the words of Linux: what is applied to the running system, and what
 * the host's own network configuration has to say so that the same is there after a reboot.
 */
export interface BridgeConfig {
  /** The bridge's interface name, at most 15 bytes: "br0". */
  name: string;
  /** The bridge's MAC address. The uplink's, so that the LAN sees the host it knows. */
  mac?: string;
  /** Bytes. */
  mtu?: number;
  /** Spanning tree. */
  stp: boolean;
  /** Seconds a port listens and learns before it forwards; 0 without spanning tree. */
  forwardDelay: number;
  /** Present where the bridge filters by VLAN: the VLANs of its own interface. */
  vlans?: PortVlans;
  /** Where the bridge filters: the VLAN of ports that come without one, such as guests'. Undefined: none, they are cut off. */
  guestVlan?: number;
  /** What ties the bridge to the wire, none for a bridge of guests only. */
  uplinks: Uplink[];
  addressing: Addressing;
}

/** The VLANs of one port of a filtering bridge. */
export interface PortVlans {
  /** The VLAN of frames without a tag, both ways; undefined: untagged frames are dropped. */
  untagged?: number;
  /** The VLANs that pass with their tag. */
  tagged: number[];
}

/** A port of the bridge. `vlans` where the bridge filters. */
export type Uplink = Nic | Bond | Vlan;

export interface Nic {
  kind: "nic";
  name: string;
  vlans?: PortVlans;
}

/** Several NICs as one (https://docs.kernel.org/networking/bonding.html); made by us with the bridge. */
export interface Bond {
  kind: "bond";
  name: string;
  /** The NICs in it. */
  ports: string[];
  mode: "802.3ad" | "active-backup";
  /** Milliseconds between looks at the carrier. */
  miimon: number;
  /** active-backup: the NIC that is used while it works. */
  primary?: string;
  /** 802.3ad: how often the partner is asked to speak. */
  lacpRate?: "slow" | "fast";
  /** 802.3ad: what spreads the flows. */
  hashPolicy?: "layer2" | "layer2+3" | "layer3+4";
  vlans?: PortVlans;
}

/** A VLAN interface on a NIC or bond; made by us with the bridge. */
export interface Vlan {
  kind: "vlan";
  /** "eth0.100" */
  name: string;
  link: string;
  /** 1 to 4094. */
  id: number;
  vlans?: PortVlans;
}

/** The host's own addresses on the bridge; all empty for a bridge that the host has no part in. */
export interface Addressing {
  /** Static ones in CIDR notation, both families. */
  addresses: string[];
  gateway4?: string;
  gateway6?: string;
  dhcp4: boolean;
  dhcp6: boolean;
  /** Whether router advertisements give addresses (SLAAC) and a default route. */
  acceptRa: boolean;
  dns: string[];
  search: string[];
  routes: Route[];
}

export interface Route {
  /** CIDR notation. */
  to: string;
  via?: string;
  metric?: number;
  /** The table's name or number, where it is not the main one. */
  table?: string;
  /** The source address of what takes this route. */
  source?: string;
  /** The gateway is reached through the link although no address of the bridge says so. */
  onlink?: boolean;
  /** Bytes. */
  mtu?: number;
}
