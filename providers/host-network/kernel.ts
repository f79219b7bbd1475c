/** What Linux has of a host's network, as `ip` tells it. Names and values are iproute2's. */
export interface Kernel {
  links: Link[];
  routes: Route[];
}

export interface Link {
  name: string;
  /** "bridge", "bond", "vlan", "tun", "veth", ...; undefined for hardware. */
  kind?: string;
  /** Whether it is switched on; says nothing about its carrier. */
  up: boolean;
  /** Whether there is something at the other end. */
  carrier: boolean;
  mtu: number;
  mac?: string;
  /** The bridge or bond that it is a port of. */
  master?: string;
  /** The link that it lies on: of a VLAN interface, a macvtap. */
  parent?: string;
  /** How link-local IPv6 addresses come about: "eui64", "none", ... */
  generation?: string;
  alias?: string;
  /** The sysctl accept_ra: 0 never, 1 unless the host forwards, 2 always. */
  acceptRa?: number;
  bridge?: BridgeOptions;
  bond?: BondOptions;
  vlan?: { link: string; id: number };
  /** IP versions for which a DHCP client of its own asks on it; undefined: not looked at. */
  clients?: (4 | 6)[];
  /** In the kernel's order, which of IPv4 addresses carries meaning: the first of a subnet is the primary one. */
  addresses: Address[];
  /** Of the ports of a bridge that filters, and of the bridge itself. */
  vlans?: PortVlan[];
}

export interface BridgeOptions {
  stp: boolean;
  /** Hundredths of a second, as are the others. */
  forwardDelay: number;
  vlanFiltering: boolean;
  /** The VLAN of ports that come without one, 0 for none; undefined where the kernel cannot filter. */
  defaultVlan?: number;
  /** What else is not as on a fresh bridge, as words of `ip link set type bridge`. */
  others: [name: string, value: string][];
}

export interface BondOptions {
  mode: string;
  miimon: number;
  primary?: string;
  lacpRate?: string;
  hashPolicy?: string;
}

export interface PortVlan {
  id: number;
  /** The VLAN of frames that come without a tag. */
  pvid: boolean;
  /** Frames leave without their tag. */
  untagged: boolean;
}

export interface Address {
  family: 4 | 6;
  local: string;
  length: number;
  /** The other end of a point-to-point link. */
  peer?: string;
  broadcast?: string;
  scope: string;
  label?: string;
  metric?: number;
  /** Seconds; undefined: for ever. */
  valid?: number;
  preferred?: number;
  /** "noprefixroute", "mngtmpaddr", ... */
  flags: string[];
  /** Who made it, where ip tells: "kernel_ll", "kernel_ra". */
  protocol?: string;
}

export interface Route {
  family: 4 | 6;
  type: string;
  /** CIDR notation, or "default". */
  to: string;
  table: string;
  protocol: string;
  scope?: string;
  metric?: number;
  source?: string;
  /** None for blackholes and the like. */
  hops: Hop[];
  preference?: string;
  /** Seconds until it vanishes. */
  expires?: number;
  /** "mtu", "advmss", ... */
  metrics: [name: string, value: string][];
  /** Attributes that we would not know how to put back. */
  unknown: string[];
  /** Linux itself makes it, and takes it away. */
  automatic?: true;
}

export interface Hop {
  via?: string;
  device: string;
  /** 1 where there is only one hop. */
  weight: number;
  onlink: boolean;
}

/** Routes that come and go with an address or a link, without anybody's doing. */
export function isAutomatic({ automatic }: Route): boolean {
  return automatic === true;
}

export function usesDevice(route: Route, device: string): boolean {
  return route.hops.some((hop) => hop.device === device);
}

/** Addresses that a DHCP server or a router lent. */
export function isLent(address: Address): boolean {
  return address.valid !== undefined;
}

export function isLinkLocal({ family, scope }: Address): boolean {
  return family === 6 && scope === "link";
}

/** "192.168.155.32/24" */
export function cidr({ local, length }: Pick<Address, "local" | "length">): string {
  return `${local}/${length}`;
}
