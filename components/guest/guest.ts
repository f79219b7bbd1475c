import * as pulumi from "@pulumi/pulumi";
import type { MachineSpec } from "../../providers/machine/machine";
import { PortForward, type PublishedPortArgs } from "../../providers/resources/port-forward";
import { Domain, type DomainArgs } from "../../providers/resources/domain";
import type { KvmHost } from "../host/kvm-host";
import type { Image } from "../image/image";
import { refuseUnknown, requireHost } from "../refuse-unknown";
import { guestNics, type GuestNicArgs } from "./guest-nics";
import { containerRoot, machineRoot } from "./guest-root";
import { guestSeed, type GuestSeedArgs } from "./guest-seed";

/** What a guest takes as its domain does; see `Domain` for meaning, units and defaults. */
type OfDomain =
  | "kind"
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
  | "shutdownTimeout"
  | "mounts"
  | "initEnv"
  | "idmap"
  | "capabilities"
  | "devices"
  | "memtune"
  | "cputune";

export interface GuestArgs extends Pick<DomainArgs, OfDomain> {
  /** Where it runs. */
  host: KvmHost;
  /**
   * "2GiB" or bytes, whole MiB. Default "1GiB". Live within `maxMemory`, by the balloon; above it a reboot. Of a container a
   * limit, and always live.
   */
  memory?: DomainArgs["memory"];
  /**
   * What dependents wait for. Default with an image: an address on every NIC, and the agent's answer where the image
   * brings one; of a container, that it has booted. Default without an image: nothing.
   */
  ready?: DomainArgs["ready"];
  /**
   * What the root disk is an overlay of, or a container's root folder a copy of: a `BootstrapImage` (of a container with
   * `format: "directory"`), a `CloudImage`, or for a container an `RpmImage`. Another image makes another root disk, and what the guest wrote on the old one is lost: it takes `disruption: "replace"`. Without one a
   * virtual machine has only the `disks` that are declared.
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
  /** Ports of the host that lead to the guest; see `PortForward`. They lead to the addresses that are kept for a NIC, else to
   * the first that it has, and go with the guest. */
  publish?: PublishedPortArgs[];
  /** Words added to the kernel's command line (guests with direct kernel boot). */
  cmdline?: string;
  /**
   * Its name servers. Default: those that DHCP tells. A guest whose addresses are its own needs them; of a virtual machine
   * only such a one has them, and live.
   */
  dns?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * For an image with cloud-init, what that does at the guest's first boot, beside its name. It gives NICs their
   * `addresses` too, so that they have them without an agent; without one nothing changes them afterwards. See
   * `CloudInitSeed`.
   */
  seed?: GuestSeedArgs;
}

/**
 * A virtual machine: a root disk on top of an image, data disks, and the domain, ready when its agent answers and its
 * NICs have addresses. `machine` is the way to work inside it (`File`, `Package`, `Service`, `Command`), through the
 * guest agent: no network and no key needed.
 *
 * With `kind: "lxc"` a container: a root folder that is a copy of its image, and the domain. It is worked in through its
 * host, and otherwise used in the same way.
 *
 * @example
 * const web = new Guest("web", { host, image, memory: "512MiB", network: "default" });
 * export const address = web.ipv4;
 *
 * const folder = new BootstrapImage("debian", { host, format: "directory" });
 * const app = new Guest("app", { kind: "lxc", host, image: folder, memory: "256MiB", network: "default" });
 */
export class Guest extends pulumi.ComponentResource {
  /** The name in `virsh list`. */
  readonly name: string;
  /** What libvirt has of it. */
  readonly domain: Domain;
  /** Where `File`, `Package`, `Service` and `Command` work inside it, through the guest agent or a container's host. */
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
    const {
      host,
      image,
      disk: _disk,
      disks: _disks,
      network,
      nics,
      publish,
      cmdline: _words,
      dns: _dns,
      seed: _seed,
      ...rest
    } = args;
    const container = args.kind === "lxc";
    const networks = nics ?? (network === undefined ? [] : [{ network }]);
    const interfaces = guestNics(name, host, container ? networks : withNameServers(networks, args.dns), {
      parent: this,
    });
    const booted = container
      ? containerRoot(this, args)
      : machineRoot(this, args, guestSeed(this, args, interfaces.nics));
    this.domain = new Domain(
      name,
      {
        ...rest,
        ...booted,
        memory: args.memory ?? "1GiB",
        ready: args.ready ?? (image && { ...up(container, image), addresses: networks.length > 0 }),
        ...(!container && { agent: agentChannel(args, networks) }),
        name,
        nics: interfaces.nics,
      },
      { parent: this, dependsOn: interfaces.reservations },
    );
    this.machine = this.domain.uuid.apply((domain): MachineSpec => {
      const named = { uri: booted.connection, domain, name };
      return container ? { kind: "lxc", ...named, host: host.machine } : { kind: "agent", ...named };
    });
    this.ipv4 = this.domain.ipv4;
    this.ipv6 = this.domain.ipv6;
    this.addresses = this.domain.addresses;
    if (publish)
      new PortForward(
        `${name}-published`,
        { host, ports: publish, ...publishedAddresses(networks, this.domain) },
        { parent: this, dependsOn: this.domain },
      );
    this.registerOutputs({ ipv4: this.ipv4, ipv6: this.ipv6, addresses: this.addresses });
  }
}

/** Addresses that are kept for the guest are known before it has them. */
function publishedAddresses(nics: readonly GuestNicArgs[], domain: Domain) {
  const { ipv4, ipv6 } = nics.find((nic) => nic.ipv4 !== undefined || nic.ipv6 !== undefined) ?? {};
  const kept = [ipv4, ipv6].filter((address) => address !== undefined);
  return kept.length > 0 ? { to: kept } : { guest: domain };
}

/** Name servers belong to the NIC that has addresses of its own. */
function withNameServers(nics: readonly GuestNicArgs[], dns: GuestArgs["dns"]): GuestNicArgs[] {
  const first = nics.findIndex((nic) => nic.addresses !== undefined);
  return nics.map((nic, at) => (dns !== undefined && at === first ? { dns, ...nic } : nic));
}

/** There is none where nothing would ever answer: addresses are then those of the seed. Else as the domain has it. */
function agentChannel(
  { image, seed, ready }: GuestArgs,
  nics: readonly GuestNicArgs[],
): pulumi.Input<false> | undefined {
  if (!seed || !image || image.agent || !nics.some((nic) => nic.addresses !== undefined)) return undefined;
  return ready === undefined
    ? false
    : (pulumi.output(ready).apply((asked) => (asked.agent ? undefined : false)) as pulumi.Output<false>);
}

/** What is waited for beside addresses. */
function up(container: boolean, { agent }: Image): { booted?: boolean; agent?: boolean } {
  return container ? { booted: true } : { agent };
}

/** Arguments that would be passed over without a word. */
function refuseMisspelt(name: string, args: GuestArgs): void {
  requireHost(`Guest ${name}`, args);
  refuseUnknown(`Guest ${name}: disk`, args.disk ?? {}, ["size", "pool"]);
  for (const [label, disk] of Object.entries(args.disks ?? {}))
    refuseUnknown(`Guest ${name}: disks.${label}`, disk, ["size", "pool", "retain"]);
  refuseUnknown(`Guest ${name}: seed`, args.seed ?? {}, ["userData", "networkConfig", "instanceId"]);
}

function refuseContradictions(name: string, args: GuestArgs): void {
  const { image, disk, disks, network, nics, cmdline, dns, seed } = args;
  const refuse = (problem: string) => {
    throw new pulumi.RunError(`Guest ${name}: ${problem}`);
  };
  if (network !== undefined && nics) refuse("network and nics are both given. Fix: name the network in nics");
  if (args.kind === "lxc") return refuseInContainer(args, refuse);
  if (image?.kind === "lxc")
    refuse(
      'image is files without a disk, for containers. Fix: set kind: "lxc", or give a disk: a CloudImage, or a BootstrapImage with format: "qcow2"',
    );
  if (image?.bootable === false)
    refuse(
      "image is a disk that nothing boots from: it has no boot loader, and no kernel is said. Fix: say one that the host has, as image: { path: image.path, format: image.format, agent: false, kernel: pulumi.output(PATH) }",
    );
  const addressed = nics?.findIndex((nic) => nic.addresses !== undefined) ?? -1;
  if (dns && addressed < 0)
    refuse(
      "dns goes with nics that are given addresses; others are told by DHCP. Fix: leave it out, or say it in the network (dnsForwarders)",
    );
  if (addressed >= 0 && image && !image.agent && !seed && args.ready === undefined)
    refuse(
      `nics.${addressed}.addresses: the image brings no guest agent, which would set them. Fix: give a seed, where the image has cloud-init; or an image with the agent (BootstrapImage; CloudImage with agent: true); or ipv4 on a network that has DHCP`,
    );
  if (seed && !image)
    refuse("seed configures what an image boots. Fix: give image, or make a CloudInitSeed for the Domain");
  if (seed?.networkConfig !== undefined && addressed >= 0)
    refuse(`seed.networkConfig and nics.${addressed}.addresses are both given. Fix: leave one of them out`);
  if (disk && !image) refuse("disk is the root disk, an overlay of an image. Fix: give image, or declare it in disks");
  if (disks && Object.hasOwn(disks, "root")) refuse('disks: "root" is the root disk\'s name. Fix: choose another one');
  if (cmdline !== undefined && !image?.kernel)
    refuse("cmdline goes with an image that is booted by its kernel, such as BootstrapImage. Fix: leave it out");
}

const forContainers = 'an RpmImage without format: "qcow2", or a BootstrapImage with format: "directory"';

function refuseInContainer({ image, disk, disks, cmdline, seed }: GuestArgs, refuse: (problem: string) => void): void {
  if (!image) refuse(`a container needs an image. Allowed: ${forContainers}`);
  if (image && image.kind !== "lxc") refuse(`image is a disk, for virtual machines. Allowed: ${forContainers}`);
  if (disk) refuse("disk is a virtual machine's; a container's root is a folder of its host. Fix: leave it out");
  if (disks) refuse("disks are a virtual machine's; a container has folders of its host. Fix: say mounts");
  if (seed) refuse("seed is for cloud-init in a virtual machine. Fix: leave it out, and use File, Service and Command");
  if (cmdline !== undefined) refuse("cmdline is a kernel's, and a container has its host's. Fix: leave it out");
}
