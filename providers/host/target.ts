import type { MachineSpec } from "../machine/machine";

/** How traffic leaves a network; libvirt's forward modes, and "isolated" where there is none. */
export type ForwardMode = "nat" | "route" | "open" | "isolated";

/** A subnet that a network of the program will use. */
export interface DeclaredSubnet {
  /** The network's name in libvirt. Its own bridge is no clash. */
  name: string;
  /** CIDR notation: "192.168.122.0/24", "fd00:122::/64". */
  subnet: string;
  /** Default nat. */
  mode?: ForwardMode;
}

/** What a host is looked at for. */
export interface Target {
  /** The libvirt URI. */
  connection: string;
  /** Where commands on the host run; without one only libvirt is asked. */
  machine?: MachineSpec;
  subnets: readonly DeclaredSubnet[];
  needs: { images?: boolean; lxc?: boolean; networkFilters?: boolean };
  /** Where disks will live; absolute. */
  directories: readonly string[];
  /** "8.0.0" */
  minimumLibvirt?: string;
}

/** The hypervisor driver that a URI names: "qemu", "lxc". */
export function driverOf(uri: string): string {
  return /^[a-z]+/.exec(uri)?.[0] ?? "";
}
