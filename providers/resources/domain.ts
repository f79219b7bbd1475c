import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import { adoptedName } from "./adopted-name";
import type { FilterReferenceArgs } from "./network-filter";
import { ownerOf } from "./owner";

/** What a disk is: one of `volume` and `path`; a cdrom may have neither, and is empty. */
export interface DiskArgs {
  /** A volume by its pool's name and its own. */
  volume?: pulumi.Input<{ pool: pulumi.Input<string>; name: pulumi.Input<string> }>;
  /** A file or block device on the host, e.g. a volume's `path`. */
  path?: pulumi.Input<string>;
  /** The target by which libvirt tells disks apart, "vda". Default: the first that is free, kept as long as the disk is there. */
  name?: pulumi.Input<string>;
  /** The image's format. Default "qcow2", and "raw" for a cdrom. */
  format?: pulumi.Input<"qcow2" | "raw">;
  /** Default "virtio", and "sata" for a cdrom. Nothing is plugged into or out of "sata" while the guest runs. */
  bus?: pulumi.Input<"virtio" | "scsi" | "sata">;
  /** Default "disk". The medium of a "cdrom" is changed while the guest runs. */
  device?: pulumi.Input<"disk" | "cdrom">;
  readonly?: pulumi.Input<boolean>;
  /** How the host caches it. Default: QEMU's own, writeback. */
  cache?: pulumi.Input<"default" | "none" | "writethrough" | "writeback" | "directsync" | "unsafe">;
  /** "unmap" gives space back to the host that the guest discards. */
  discard?: pulumi.Input<"unmap" | "ignore">;
  /** What the guest sees as the disk's serial number: /dev/disk/by-id/virtio-SERIAL. */
  serial?: pulumi.Input<string>;
}

/** A rate in one direction, of bytes a second; multiples of 1KiB. */
export interface RateArgs {
  /** A second, in the long run: "10MiB". */
  average: pulumi.Input<string | number>;
  /** A second, for as long as `burst` bytes last. */
  peak?: pulumi.Input<string | number>;
  burst?: pulumi.Input<string | number>;
}

/** Limits in both directions, as the guest sees them. */
export interface BandwidthArgs {
  /** What it receives. */
  inbound?: pulumi.Input<RateArgs>;
  /** What it sends. */
  outbound?: pulumi.Input<RateArgs>;
}

/** The VLANs of one port. */
export interface PortVlansArgs {
  /** The VLAN of frames without a tag, both ways. Without one they are dropped. */
  untagged?: pulumi.Input<number>;
  /** The VLANs that pass with their tag. */
  tagged?: pulumi.Input<pulumi.Input<number>[]>;
}

/** A network interface: on a libvirt `network` or on a host's `bridge`. */
export interface NicArgs {
  /** The network's name. */
  network?: pulumi.Input<string>;
  /** The host bridge's interface name. */
  bridge?: pulumi.Input<string>;
  /** Default: one of its own that follows from the guest's name and the NIC's place, see `defaultMac`. */
  mac?: pulumi.Input<string>;
  /** Default "virtio". */
  model?: pulumi.Input<"virtio" | "e1000" | "e1000e" | "rtl8139">;
  /** Default: the network's. */
  mtu?: pulumi.Input<number>;
  /** "down" is a cable that is out. Default "up". */
  linkState?: pulumi.Input<"up" | "down">;
  /** Limits; none by default, or the port group's. */
  bandwidth?: pulumi.Input<BandwidthArgs>;
  /** One of the network's port groups. Default: the network's default one, if it has one. */
  portGroup?: pulumi.Input<string>;
  /** Whether it reaches no other isolated port of its bridge, only the others (a private VLAN). Default: the network's. */
  isolated?: pulumi.Input<boolean>;
  /** The VLANs of its port. On a Linux bridge that filters VLANs, and with libvirt 11.0. Default: the port group's. */
  vlans?: pulumi.Input<PortVlansArgs>;
  /** A network filter, by name or with values for its variables. None by default; a `Guest` has one, see there. */
  filter?: pulumi.Input<string | FilterReferenceArgs>;
}

/** When a guest counts as ready; everything that is given must hold. */
export interface ReadyArgs {
  /** The guest agent answers. */
  agent?: pulumi.Input<boolean>;
  /** Every NIC has an address, told by the agent or by the network's DHCP server. */
  addresses?: pulumi.Input<boolean>;
  /** A TCP port can be connected to from the machine that runs pulumi; `nic` is a NIC's place, default any. */
  port?: pulumi.Input<number | { port: pulumi.Input<number>; nic?: pulumi.Input<number> }>;
  /** A page answers, asked from the machine that runs pulumi: port 80, path "/", any status from 200 to 399 by default. */
  http?: pulumi.Input<{
    port?: pulumi.Input<number>;
    path?: pulumi.Input<string>;
    status?: pulumi.Input<number>;
    nic?: pulumi.Input<number>;
  }>;
  /** Default "5m". Then `up` fails with what each source answered and the console's last lines; the guest stays. */
  timeout?: pulumi.Input<string>;
}

/**
 * A guest. Every change says at preview whether it is made while the guest runs ("live") or restarts it ("reboot").
 * Only another `connection` makes a new guest.
 */
export interface DomainArgs {
  /** libvirt URI. Default "qemu:///system". */
  connection?: pulumi.Input<string>;
  /** The name in `virsh list`. Default: the resource's name, or what `adopt` names. Changing it restarts the guest. */
  name?: pulumi.Input<string>;
  /**
   * Name or UUID of an existing guest to take over as it is. Only what the program sets is looked at and changed; no
   * default applies, and deleting the resource leaves the guest where it is.
   */
  adopt?: pulumi.Input<string>;
  /** One line for lists. Live. */
  title?: pulumi.Input<string>;
  description?: pulumi.Input<string>;
  /** "2GiB" or bytes, whole MiB. Required unless adopted. Live within `maxMemory`, by the balloon; above it a reboot. */
  memory?: pulumi.Input<string | number>;
  /** Room for `memory` to grow. The guest boots with all of it, and its balloon gives the rest back. Default: `memory`. */
  maxMemory?: pulumi.Input<string | number>;
  /** Default 1. More is live within `maxVcpus`; fewer is a reboot. */
  vcpus?: pulumi.Input<number>;
  /** Default: `vcpus`. */
  maxVcpus?: pulumi.Input<number>;
  /** Default: mode "host-model" with KVM, "maximum" without. */
  cpu?: pulumi.Input<{
    mode: pulumi.Input<"host-passthrough" | "host-model" | "maximum" | "custom">;
    /** For "custom": a name that `virsh cpu-models x86_64` knows. */
    model?: pulumi.Input<string>;
  }>;
  /**
   * "auto" (default) is KVM where a tiny guest really runs under it, else TCG, with a warning. Decided when the guest is
   * made; `acceleratorInUse` tells.
   */
  accelerator?: pulumi.Input<"auto" | "kvm" | "tcg">;
  /** QEMU's machine type. Default "q35", with free PCIe ports for what is plugged in later. */
  machine?: pulumi.Input<string>;
  /** Default "bios". "uefi" is without secure boot. */
  firmware?: pulumi.Input<"bios" | "uefi">;
  /** Direct kernel boot: a kernel on the host, with `initrd` and `cmdline`. */
  kernel?: pulumi.Input<string>;
  initrd?: pulumi.Input<string | undefined>;
  cmdline?: pulumi.Input<string>;
  /** Default ["hd"]. */
  bootOrder?: pulumi.Input<pulumi.Input<"hd" | "cdrom" | "network">[]>;
  /** In order: vda, vdb, ... They are plugged in and out while the guest runs; the first one only when it is off. */
  disks?: pulumi.Input<pulumi.Input<DiskArgs>[]>;
  /** In order. They are plugged in and out, moved, cut and limited while the guest runs. */
  nics?: pulumi.Input<pulumi.Input<NicArgs>[]>;
  /** Whether what it prints on ttyS0 is kept on the host, from each start on. Default true on system connections. */
  consoleLog?: pulumi.Input<boolean>;
  /** Whether there is a channel for the QEMU guest agent. Default true. */
  agent?: pulumi.Input<boolean>;
  /** Whether there is a screen, over VNC on the host's loopback. Default false. */
  graphics?: pulumi.Input<boolean>;
  /** What follows a crash. Default "destroy": it is turned off, and the next `up` starts it. */
  onCrash?: pulumi.Input<"destroy" | "restart" | "preserve">;
  /** Whether it starts with the host. Default true. */
  autostart?: pulumi.Input<boolean>;
  /** Default "running": a guest that was stopped behind our back is started again. */
  state?: pulumi.Input<"running" | "paused" | "shutoff">;
  /** How long it may take to shut down before it is turned off. Default "30s". */
  shutdownTimeout?: pulumi.Input<string>;
  /** What dependents wait for. Default: nothing. */
  ready?: pulumi.Input<ReadyArgs>;
  /**
   * What no field says: a `<domain>` whose elements are merged into the guest's document, and whose devices are added to
   * its own (not disks and NICs). Changing it restarts the guest.
   *
   * @example
   * xml: "<domain><devices><watchdog model='itco' action='reset'/></devices></domain>"
   */
  xml?: pulumi.Input<string>;
  /** The most a change may disturb the guest; a preview that would exceed it fails. Default "reboot". */
  disruption?: pulumi.Input<"live" | "reboot" | "replace">;
}

/** The addresses of one NIC, without link-local ones. */
export interface NicAddresses {
  /** The NIC's place in `nics`. */
  nic: number;
  mac: string;
  ipv4: string[];
  ipv6: string[];
}

/**
 * A guest of libvirt: a virtual machine under QEMU, with KVM or without.
 *
 * @example
 * const web = new Domain("web-1", {
 *   memory: "1GiB", maxMemory: "4GiB", vcpus: 2,
 *   disks: [{ path: root.path }],
 *   nics: [{ network: "default" }],
 *   ready: { agent: true, addresses: true },
 * });
 * export const address = web.ipv4;
 */
export class Domain extends Resource {
  declare readonly name: pulumi.Output<string>;
  declare readonly connection: pulumi.Output<string>;
  declare readonly uuid: pulumi.Output<string>;
  /** What "auto" came to. */
  declare readonly acceleratorInUse: pulumi.Output<"kvm" | "tcg">;
  /** Known when `ready` asks for the agent, addresses, a port or a page. */
  declare readonly addresses: pulumi.Output<NicAddresses[]>;
  /** The first IPv4 address of the first NIC that has one. */
  declare readonly ipv4: pulumi.Output<string>;
  declare readonly ipv6: pulumi.Output<string | undefined>;
  /** The kernel's boot id, where the agent answers: a new one means that the guest was booted anew. */
  declare readonly bootId: pulumi.Output<string | undefined>;
  /** The file on the host with what the guest printed on ttyS0 since its start; gone with the guest. */
  declare readonly consoleLogPath: pulumi.Output<string | undefined>;
  /** On the host's loopback, with `graphics`. */
  declare readonly vncPort: pulumi.Output<number | undefined>;

  constructor(name: string, args: DomainArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = ["uuid", "acceleratorInUse", "addresses", "ipv4", "ipv6", "bootId", "consoleLogPath", "vncPort"];
    const connection = args.connection ?? "qemu:///system";
    const owner = ownerOf(name);
    const physical = args.name ?? adoptedName(args.adopt, name);
    super("Domain", name, { ...args, owner, connection, name: physical }, outputs, opts);
  }
}
