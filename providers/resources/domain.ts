import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { adoptedName } from "./adopted-name";
import type { FilterReferenceArgs } from "./network-filter";
import { ownerOf } from "./owner";
import type { IdmapArgs } from "./root-filesystem";

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
  /** Default "virtio". A container's NIC has none. */
  model?: pulumi.Input<"virtio" | "e1000" | "e1000e" | "rtl8139">;
  /** Default: the network's. Not of a container. */
  mtu?: pulumi.Input<number>;
  /** "down" is a cable that is out. Default "up". Not of a container. */
  linkState?: pulumi.Input<"up" | "down">;
  /** Limits; none by default, or the port group's. */
  bandwidth?: pulumi.Input<BandwidthArgs>;
  /** One of the network's port groups. Default: the network's default one, if it has one. */
  portGroup?: pulumi.Input<string>;
  /**
   * Whether it reaches no other isolated port of its bridge, only the others (a private VLAN). Default false; on a network
   * with `isolatedPorts` it is in any case.
   */
  isolated?: pulumi.Input<boolean>;
  /** The VLANs of its port. On a Linux bridge that filters VLANs, and with libvirt 11.0. Default: the port group's. */
  vlans?: pulumi.Input<PortVlansArgs>;
  /** A network filter, by name or with values for its variables. None by default; a `Guest` has one, see there. */
  filter?: pulumi.Input<string | FilterReferenceArgs>;
  /**
   * Addresses that it has without asking anybody, with the length of their subnets:
   * ["192.168.155.1/24", "fd00:155::1/64"]; systemd-networkd takes them over, and asks for no others then. They change while
   * the guest runs. A virtual machine is given them through its agent, at its first start and when they change, and keeps
   * them on its disk: `ready` must wait for the agent. With `agent: false` nothing sets them: it has them from its image or
   * a seed, and is believed to. Default: what the guest's own network service gets, which in a `BootstrapImage` is by DHCP
   * and router announcements.
   */
  addresses?: pulumi.Input<pulumi.Input<string>[]>;
  /** Where everything else goes, one of each family; in a subnet of `addresses`. */
  gateway?: pulumi.Input<string | pulumi.Input<string>[]>;
  /** Where subnets behind others are reached, { to: "10.1.0.0/16", via: "192.168.155.9" }. */
  routes?: pulumi.Input<pulumi.Input<{ to: pulumi.Input<string>; via: pulumi.Input<string> }>[]>;
  /** Of a virtual machine with `addresses`: its name servers. A container's are its root's. */
  dns?: pulumi.Input<pulumi.Input<string>[]>;
}

/** When a guest counts as ready; everything that is given must hold. */
export interface ReadyArgs {
  /** The guest agent answers. */
  agent?: pulumi.Input<boolean>;
  /**
   * Every NIC has an address, told by the agent or by the network's DHCP server: an IPv4 one where its network hands them
   * out. IPv6 that a network offers is waited for 3 seconds more, since a guest may do without.
   */
  addresses?: pulumi.Input<boolean>;
  /** Of a container: its init has come up; with systemd, basic.target is reached. */
  booted?: pulumi.Input<boolean>;
  /** Of a container: a command inside, asked again until its exit code is 0: ["pg_isready"]. */
  command?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * A TCP port can be connected to from the machine that runs pulumi; `nic` is a NIC's place, default any. Of a container:
   * somebody listens on it inside.
   */
  port?: pulumi.Input<number | { port: pulumi.Input<number>; nic?: pulumi.Input<number> }>;
  /**
   * A page answers, asked from the machine that runs pulumi, and of a container from inside its network: port 80, path "/",
   * any status from 200 to 399 by default.
   */
  http?: pulumi.Input<{
    port?: pulumi.Input<number>;
    path?: pulumi.Input<string>;
    status?: pulumi.Input<number>;
    nic?: pulumi.Input<number>;
  }>;
  /** Default "5m". Then `up` fails with what each source answered and the console's last lines; the guest stays. */
  timeout?: pulumi.Input<string>;
}

/** A folder of the host at a place in a container. */
export interface MountArgs {
  /** On the host. It must exist. */
  source: pulumi.Input<string>;
  /** In the container. Made where it does not exist. */
  target: pulumi.Input<string>;
  /** Default false. */
  readonly?: pulumi.Input<boolean>;
}

/** What a container's root may do; names as in libvirt: "net_admin", "sys_time". */
export interface CapabilitiesArgs {
  /**
   * "default" is libvirt's own choice: all but sys_module, sys_time, sys_resource, mknod, audit_control and mac_admin. "deny"
   * starts from none, "allow" from all.
   */
  policy?: pulumi.Input<"default" | "allow" | "deny">;
  add?: pulumi.Input<pulumi.Input<string>[]>;
  drop?: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * A guest. Every change says at preview whether it is made while the guest runs ("live") or restarts it ("reboot").
 * Only another `connection` makes a new guest.
 */
export interface DomainArgs {
  /**
   * "qemu" (default) is a virtual machine. "lxc" is a container of libvirt: it has its host's kernel, starts in a fraction
   * of a second and costs what runs in it. It needs `root`, and has none of what is a machine's alone: a preview refuses
   * that with the reason.
   */
  kind?: "qemu" | "lxc";
  /** libvirt URI. Default "qemu:///system", and "lxc:///system" for a container. */
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
  /**
   * "2GiB" or bytes, whole MiB. Required unless adopted. Live within `maxMemory`, by the balloon; above it a reboot. Of a
   * container it is a limit, and always live.
   */
  memory?: pulumi.Input<string | number>;
  /** Room for `memory` to grow. The guest boots with all of it, and its balloon gives the rest back. Default: `memory`. */
  maxMemory?: pulumi.Input<string | number>;
  /**
   * Default 1. More is live within `maxVcpus`; fewer is a reboot. Of a container: the time of so many processors is the most
   * that it gets (`cputune.quota`), live, and without a limit by default.
   */
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
  /** Of a container: where its host's commands run. Default: what `connection` points at. */
  host?: pulumi.Input<MachineSpec>;
  /** Of a container: the folder on the host that is its root, e.g. a `RootFilesystem`'s `path`. */
  root?: pulumi.Input<string>;
  /** Of a container: further folders of the host. */
  mounts?: pulumi.Input<pulumi.Input<MountArgs>[]>;
  /**
   * Of a container: its process 1, alone or with arguments. Default "/sbin/init". A `RootFilesystem`'s `init` is the one with
   * which systemd works on every host.
   */
  init?: pulumi.Input<string | pulumi.Input<string>[]>;
  /** Of a container: environment of `init`. */
  initEnv?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
  /**
   * Of a container: its users are others on the host, so that its root is nobody there. The files of `root` must belong to
   * those (`RootFilesystem` with the same `idmap`), and a mount is readable only where it is for everybody.
   */
  idmap?: pulumi.Input<IdmapArgs>;
  /** Of a container: what its root may do. Default: libvirt's choice. */
  capabilities?: pulumi.Input<CapabilitiesArgs>;
  /** Of a container: character devices of the host: ["/dev/net/tun"]. */
  devices?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Of a container: `softLimit` is what it is held to where the host is short of memory; `swapHardLimit` the most of memory
   * and swap together.
   */
  memtune?: pulumi.Input<{
    softLimit?: pulumi.Input<string | number>;
    swapHardLimit?: pulumi.Input<string | number>;
  }>;
  /**
   * Of a container: `shares` of the processors' time where they are short (1024 is usual), and at most `quota` microseconds
   * in every `period` (100000).
   */
  cputune?: pulumi.Input<{
    shares?: pulumi.Input<number>;
    quota?: pulumi.Input<number>;
    period?: pulumi.Input<number>;
  }>;
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
 * A guest of libvirt: a virtual machine under QEMU, with KVM or without, or a container.
 *
 * @example
 * const web = new Domain("web-1", {
 *   memory: "1GiB", maxMemory: "4GiB", vcpus: 2,
 *   disks: [{ path: root.path }],
 *   nics: [{ network: "default" }],
 *   ready: { agent: true, addresses: true },
 * });
 * export const address = web.ipv4;
 *
 * const folder = new RootFilesystem("router", { machine: { kind: "local" }, source: image.path, retain: "delete" });
 * const router = new Domain("router", {
 *   kind: "lxc", memory: "128MiB", root: folder.path, init: folder.init,
 *   nics: [{ bridge: "br0", addresses: ["192.168.155.1/24"] }, { bridge: "br1" }],
 *   ready: { booted: true },
 * });
 */
export class Domain extends Resource {
  declare readonly name: pulumi.Output<string>;
  declare readonly connection: pulumi.Output<string>;
  declare readonly uuid: pulumi.Output<string>;
  /** What "auto" came to; a container has none. */
  declare readonly acceleratorInUse: pulumi.Output<"kvm" | "tcg">;
  /** Known when `ready` asks for the agent, addresses, a port or a page. */
  declare readonly addresses: pulumi.Output<NicAddresses[]>;
  /** The first IPv4 address of the first NIC that has one. */
  declare readonly ipv4: pulumi.Output<string>;
  declare readonly ipv6: pulumi.Output<string | undefined>;
  /** A new one means that the guest was booted anew: the kernel's where the agent answers, and a container's own. */
  declare readonly bootId: pulumi.Output<string | undefined>;
  /** The file on the host with what the guest printed on ttyS0 since its start; gone with the guest. */
  declare readonly consoleLogPath: pulumi.Output<string | undefined>;
  /** On the host's loopback, with `graphics`. */
  declare readonly vncPort: pulumi.Output<number | undefined>;

  constructor(name: string, args: DomainArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = ["uuid", "acceleratorInUse", "addresses", "ipv4", "ipv6", "bootId", "consoleLogPath", "vncPort"];
    const connection = args.connection ?? `${args.kind ?? "qemu"}:///system`;
    const owner = ownerOf(name);
    const physical = args.name ?? adoptedName(args.adopt, name);
    super("Domain", name, { ...args, owner, connection, name: physical }, outputs, opts);
    // Pulumi takes an output that the state does not have for unknown in every preview; all addresses are always there.
    const first = (family: "ipv4" | "ipv6") =>
      this.addresses.apply((addresses) => (addresses ?? []).flatMap((nic) => nic[family])[0]);
    this.ipv4 = first("ipv4") as pulumi.Output<string>;
    this.ipv6 = first("ipv6");
  }
}
