import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { MachineSpec } from "../../providers/machine/machine";
import { PortForward, type PublishedPortArgs } from "../../providers/resources/port-forward";
import { Domain, type DomainArgs } from "../../providers/resources/domain";
import { Volume } from "../../providers/resources/volume";
import type { KvmHost } from "../host/kvm-host";
import type { Image } from "../image/image";
import { refuseUnknown, requireHost } from "../refuse-unknown";
import { guestNics, type GuestNicArgs } from "./guest-nics";

/** What a guest takes as its domain does; see `Domain` for meaning, units and defaults. */
type OfDomain =
  | "title"
  | "description"
  | "maxMemory"
  | "vcpus"
  | "maxVcpus"
  | "cpu"
  | "accelerator"
  | "firmware"
  | "graphics"
  | "onCrash"
  | "autostart"
  | "state"
  | "disruption"
  | "shutdownTimeout";

export interface GuestArgs extends Pick<DomainArgs, OfDomain> {
  /** Where it runs. */
  host: KvmHost;
  /** "2GiB" or bytes, whole MiB. Default "1GiB". Live within `maxMemory`, by the balloon; above it a reboot. */
  memory?: DomainArgs["memory"];
  /**
   * What dependents wait for. Default with an image: an address on every NIC, and the agent's answer where the image
   * brings one. Default without an image: nothing.
   */
  ready?: DomainArgs["ready"];
  /**
   * What the root disk is an overlay of. Another image makes another root disk, and what the guest wrote on the old one
   * is lost: it takes `disruption: "replace"`. Without one the guest has only the `disks` that are declared.
   */
  image?: Image;
  /** The root disk. `size` default: the image's; it may grow later, the guest then grows its file system at boot. */
  disk?: { size?: pulumi.Input<string | number>; pool?: string };
  /** Further disks by name, empty at first. They hold data: see `retain` of `Volume` for what deleting them takes. */
  disks?: {
    [name: string]: { size: pulumi.Input<string | number>; pool?: string; retain?: "refuse" | "keep" | "delete" };
  };
  /** Shorthand for one NIC on this network. */
  network?: string;
  /** The NICs, in order; `network` is the name of one of the host's networks. */
  nics?: GuestNicArgs[];
  /** Ports of the host that lead to the guest, on the NIC of `ipv4` and `ipv6`; see `PortForward`. They go with it. */
  publish?: PublishedPortArgs[];
  /** Words added to the kernel's command line (guests with direct kernel boot). */
  cmdline?: string;
}

/**
 * A virtual machine: a root disk on top of an image, data disks, and the domain, ready when its agent answers and its
 * NICs have addresses. `machine` is the way to work inside it (`File`, `Package`, `Service`, `Command`), through the
 * guest agent: no network and no key needed.
 *
 * @example
 * const web = new Guest("web", { host, image, memory: "512MiB", network: "default" });
 * export const address = web.ipv4;
 */
export class Guest extends pulumi.ComponentResource {
  /** The name in `virsh list`. */
  readonly name: string;
  /** What libvirt has of it. */
  readonly domain: Domain;
  /** Where `File`, `Package`, `Service` and `Command` work inside it, through the guest agent. */
  readonly machine: pulumi.Output<MachineSpec>;
  /** The first IPv4 address of the first NIC that has one. */
  readonly ipv4: Domain["ipv4"];
  /** The first IPv6 address of the first NIC that has one. */
  readonly ipv6: Domain["ipv6"];
  /** Of every NIC, without link-local ones. */
  readonly addresses: Domain["addresses"];

  constructor(name: string, args: GuestArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:guest:Guest", name, {}, opts);
    this.name = name;
    refuseMisspelt(name, args);
    refuseContradictions(name, args);
    const { host, image, disk, disks, network, nics, publish, cmdline, ...ofDomain } = args;
    const root = image && this.rootDisk(host, image, disk, args.disruption ?? "reboot");
    const data = Object.entries(disks ?? {}).map(([label, shape]) => this.dataDisk(host, label, shape));
    const networks = nics ?? (network === undefined ? [] : [{ network }]);

    const interfaces = guestNics(name, host, networks, { parent: this });
    this.domain = new Domain(
      name,
      {
        ...ofDomain,
        memory: args.memory ?? "1GiB",
        ready: args.ready ?? (image && { agent: image.agent, addresses: networks.length > 0 }),
        connection: host.connection,
        name,
        // By name, which is known at preview also where the volume is about to change.
        disks: [...(root ? [root] : []), ...data].map(({ pool, name }) => ({ volume: { pool, name } })),
        nics: interfaces.nics,
        ...(image?.kernel && {
          kernel: image.kernel,
          initrd: image.initrd,
          cmdline: pulumi.interpolate`${image.cmdline} systemd.hostname=${name}${cmdline ? ` ${cmdline}` : ""}`,
        }),
      },
      { parent: this, dependsOn: interfaces.reservations },
    );
    this.machine = this.domain.uuid.apply((domain): MachineSpec => ({
      kind: "agent",
      uri: host.connection,
      domain,
      name,
    }));
    this.ipv4 = this.domain.ipv4;
    this.ipv6 = this.domain.ipv6;
    this.addresses = this.domain.addresses;
    if (publish) new PortForward(`${name}-published`, { host, guest: this.domain, ports: publish }, { parent: this });
    this.registerOutputs({ ipv4: this.ipv4, ipv6: this.ipv6, addresses: this.addresses });
  }

  private rootDisk(host: KvmHost, image: Image, disk: GuestArgs["disk"], disruption: DomainArgs["disruption"]): Volume {
    return new Volume(
      `${this.name}-root`,
      {
        connection: host.connection,
        pool: host.pool(disk?.pool).name,
        // One image, one name: a disk on a new image is made beside the old one, which goes when the guest has moved.
        name: image.path.apply((path) => `${this.name}-${digest(path)}.qcow2`),
        capacity: disk?.size,
        backing: { path: image.path, format: "qcow2" },
        retain: "delete",
        disruption,
      },
      { parent: this },
    );
  }

  private dataDisk(host: KvmHost, label: string, shape: NonNullable<GuestArgs["disks"]>[string]): Volume {
    return new Volume(
      `${this.name}-${label}`,
      {
        connection: host.connection,
        pool: host.pool(shape.pool).name,
        name: `${this.name}-${label}.qcow2`,
        capacity: shape.size,
        retain: shape.retain,
      },
      { parent: this },
    );
  }
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** Arguments that would be passed over without a word. */
function refuseMisspelt(name: string, args: GuestArgs): void {
  requireHost(`Guest ${name}`, args);
  refuseUnknown(`Guest ${name}: disk`, args.disk ?? {}, ["size", "pool"]);
  for (const [label, disk] of Object.entries(args.disks ?? {}))
    refuseUnknown(`Guest ${name}: disks.${label}`, disk, ["size", "pool", "retain"]);
}

function refuseContradictions(name: string, { image, disk, disks, network, nics, cmdline }: GuestArgs): void {
  const refuse = (problem: string) => {
    throw new pulumi.RunError(`Guest ${name}: ${problem}`);
  };
  if (network !== undefined && nics) refuse("network and nics are both given. Fix: name the network in nics");
  if (disk && !image) refuse("disk is the root disk, an overlay of an image. Fix: give image, or declare it in disks");
  if (disks && Object.hasOwn(disks, "root")) refuse('disks: "root" is the root disk\'s name. Fix: choose another one');
  if (cmdline !== undefined && !image?.kernel)
    refuse("cmdline goes with an image that is booted by its kernel, such as BootstrapImage. Fix: leave it out");
}
