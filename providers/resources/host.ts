import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";

/** A subnet that a network of the program will use. */
export interface HostSubnetArgs {
  /** The network's name in libvirt. Its own bridge is no clash. */
  name: pulumi.Input<string>;
  /** CIDR notation: "192.168.122.0/24", "fd00:122::/64". */
  subnet: pulumi.Input<string>;
  /** The network's mode. Default "nat". */
  mode?: pulumi.Input<"nat" | "route" | "open" | "isolated">;
}

export interface HostArgs {
  /** libvirt URI. Default "qemu:///system". */
  connection?: pulumi.Input<string>;
  /** Where commands on the host run. Default: what the URI points at; without one (TLS, TCP) only libvirt is asked. */
  machine?: pulumi.Input<MachineSpec>;
  /** The subnets of the networks that the program declares: they have to be free. */
  subnets?: pulumi.Input<pulumi.Input<HostSubnetArgs>[]>;
  /** What else the program will do there: build images, run containers, filter what guests send. Default: none of it. */
  needs?: pulumi.Input<{
    images?: pulumi.Input<boolean>;
    lxc?: pulumi.Input<boolean>;
    networkFilters?: pulumi.Input<boolean>;
  }>;
  /** Folders where disks will live; they need not exist. Default: "/var/lib/libvirt/images" of a system connection. */
  directories?: pulumi.Input<pulumi.Input<string>[]>;
  /** The oldest libvirt that the program works with, e.g. "8.0". Default and least: "6.0". */
  minimumLibvirt?: pulumi.Input<string>;
}

/**
 * A host as it is: its facts as outputs, and every problem that would make the environment fail later, told in one list
 * at preview, before the first change. It changes nothing on the host.
 *
 * A problem fails the preview: libvirt that does not answer or is too old, missing programs, clashing subnets, folders
 * that QEMU's user may not enter, a full disk. What only may fail is a warning: no hardware acceleration, a firewall that
 * drops what guests send, little space. `npm run doctor` tells the same.
 *
 * @example
 * const host = new Host("kvm1", {
 *   connection: "qemu+ssh://root@kvm1/system",
 *   subnets: [{ name: "lab", subnet: "192.168.150.0/24" }],
 * });
 * export const accelerator = host.accelerator;
 */
export class Host extends Resource {
  declare readonly connection: pulumi.Output<string>;
  declare readonly machine: pulumi.Output<MachineSpec | undefined>;
  declare readonly hostname: pulumi.Output<string>;
  /** "9.0.0" */
  declare readonly libvirtVersion: pulumi.Output<string>;
  /** "7.2.22"; only of QEMU hosts. */
  declare readonly qemuVersion: pulumi.Output<string | undefined>;
  /** "x86_64" */
  declare readonly architecture: pulumi.Output<string>;
  /** Processors, threads counted. */
  declare readonly cpus: pulumi.Output<number>;
  /** Bytes. */
  declare readonly memory: pulumi.Output<number>;
  /** How guests' processors are run; only of QEMU hosts. */
  declare readonly accelerator: pulumi.Output<"kvm" | "tcg" | undefined>;
  /** Why that accelerator, in words. */
  declare readonly acceleratorReason: pulumi.Output<string | undefined>;
  /** What libvirt writes its firewall rules with; undefined where it cannot be known. */
  declare readonly firewall: pulumi.Output<"iptables" | "nftables" | undefined>;
  /** What may fail later, one line each, with what to do about it. */
  declare readonly warnings: pulumi.Output<string[]>;

  constructor(name: string, args: HostArgs = {}, opts?: pulumi.CustomResourceOptions) {
    const outputs = [
      ...["machine", "hostname", "libvirtVersion", "qemuVersion", "architecture", "cpus", "memory"],
      ...["accelerator", "acceleratorReason", "firewall", "warnings"],
    ];
    super("Host", name, { ...args, connection: args.connection ?? "qemu:///system" }, outputs, opts);
  }
}
