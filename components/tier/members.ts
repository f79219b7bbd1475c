import * as pulumi from "@pulumi/pulumi";
import type { MachineSpec } from "../../providers/machine/machine";
import { onMachine, type MachineArg } from "../../providers/resources/on-machine";
import { Package } from "../../providers/resources/package";
import { Guest, type GuestArgs } from "../guest/guest";
import type { GuestNicArgs } from "../guest/guest-nics";
import type { KvmHost } from "../host/kvm-host";
import type { Image } from "../image/image";
import { refuseUnknown, requireHost } from "../refuse-unknown";
import { isImage, serverImage, type ServerImageArgs } from "./server-image";

/** A machine that exists already, as a member of a tier. */
export interface TierMachineArgs {
  /** Where: a guest, a host, or a spec such as `{ kind: "ssh", host: "web1" }`. */
  machine: MachineArg;
  /** How the others reach it: IPv4 or IPv6. */
  address: pulumi.Input<string>;
  /** Default: `TIER-1`, `TIER-2` and so on. */
  name?: string;
}

/** What a tier runs on: guests that it makes, or machines that exist. */
export interface TierMembersArgs {
  /** Where its guests run. Required unless `machines` are given. */
  host?: KvmHost;
  /**
   * What its guests boot. Default: an image that the tier makes with what its server needs; `{ suite, mirror, ... }` says
   * how (see `BootstrapImage`). Packages that an image of your own lacks are installed in its guests.
   */
  image?: Image | ServerImageArgs;
  /** How many guests, named `TIER-1`, `TIER-2` and so on; fewer of them are the last ones less. Default 2. */
  count?: number;
  /** Virtual machines or containers. Default: those of `image`; "qemu" without one. */
  kind?: "qemu" | "lxc";
  /** Of each guest. Default: that of `Guest`. */
  memory?: GuestArgs["memory"];
  /** Shorthand for one NIC on this network. */
  network?: string;
  /**
   * The NICs of each guest, as a list, or of the number of the guest, from 1, where they have addresses of their own:
   * `(number) => [{ bridge: "br0", addresses: [`192.168.155.${40 + number}/24`] }]`.
   */
  nics?: GuestNicArgs[] | ((number: number) => GuestNicArgs[]);
  /** What else its guests have; see `Guest`. */
  guest?: Omit<GuestArgs, "host" | "image" | "kind" | "memory" | "network" | "nics">;
  /** Machines that exist, in the place of guests. What the server needs is installed on them. */
  machines?: TierMachineArgs[];
  /**
   * How many members may be without service at once while a change goes through the tier, one after the other: the next
   * ones wait until these serve again, and stay as they are where one does not. Default 1.
   */
  maxUnavailable?: number;
}

/** One machine of a tier. */
export interface TierMember {
  /** "web-1". */
  readonly name: string;
  readonly machine: pulumi.Input<MachineSpec>;
  /** How the others reach it; known before it runs where its NIC says it. */
  readonly address: pulumi.Output<string>;
  readonly ipv4: pulumi.Output<string | undefined>;
  readonly ipv6: pulumi.Output<string | undefined>;
  /** Undefined for a machine that was there already. */
  readonly guest?: Guest;
  /** Changes when the member's disk or root folder becomes another one, and with it all that was on it. */
  readonly disk?: pulumi.Output<string>;
}

export const memberFields = [
  "host",
  "image",
  "count",
  "kind",
  "memory",
  "network",
  "nics",
  "guest",
  "machines",
  "maxUnavailable",
];

/** The fields of a tier that say what it runs on. */
export function membersOf(args: TierMembersArgs): TierMembersArgs {
  return Object.fromEntries(Object.entries(args).filter(([field]) => memberFields.includes(field)));
}

/**
 * A tier's members, each with its server. A change goes through them in order: a member waits for the server of the one
 * `maxUnavailable` before it, its guest as well.
 *
 * @param packages what has to be installed for the server
 * @param serve makes the resource of the server at this place, from 0, with these options
 */
export function tierMembers<Server extends pulumi.Resource>(
  tier: pulumi.ComponentResource,
  subject: string,
  name: string,
  args: TierMembersArgs,
  packages: readonly string[],
  serve: (member: TierMember, opts: pulumi.CustomResourceOptions, at: number) => Server,
): { member: TierMember; server: Server }[] {
  refuseContradictions(subject, args);
  const { machines, maxUnavailable = 1 } = args;
  const image = machines ? undefined : imageOf(args, packages);
  const made: { member: TierMember; server: Server }[] = [];
  for (let at = 0; at < (machines?.length ?? args.count ?? 2); at++) {
    const before = made[at - maxUnavailable]?.server;
    const label = machines?.[at]?.name ?? `${name}-${at + 1}`;
    const member = machines
      ? standing(label, machines[at]!)
      : guestMember(tier, label, at + 1, args, image!, before ? [before] : []);
    // An image that the tier made has them.
    const installed =
      packages.length > 0 && (machines || isImage(args.image))
        ? [new Package(`${label}-packages`, { machine: member.machine, names: [...packages] }, within(tier, member))]
        : [];
    const dependsOn = [...installed, ...(before ? [before] : [])];
    made.push({ member, server: serve(member, { parent: tier, ...(dependsOn.length > 0 && { dependsOn }) }, at) });
  }
  return made;
}

/** All members by name and address, where both are known before any of them is made; undefined where they are not. */
export function knownMembers(
  name: string,
  { machines, count = 2, nics }: TierMembersArgs,
): { name: string; address: pulumi.Input<string> }[] | undefined {
  if (machines) return machines.map((each, at) => ({ name: each.name ?? `${name}-${at + 1}`, address: each.address }));
  const members = Array.from({ length: count }, (_, at) => {
    const own = typeof nics === "function" ? nics(at + 1) : nics;
    const address = declaredAddress(own, 4) ?? declaredAddress(own, 6);
    return address === undefined ? [] : [{ name: `${name}-${at + 1}`, address }];
  });
  const known = members.flat();
  return known.length === count ? known : undefined;
}

/** What is in a guest goes with it. */
function within(parent: pulumi.Resource, { guest }: TierMember): pulumi.CustomResourceOptions {
  return { parent, ...(guest && { deletedWith: guest.domain }) };
}

function imageOf({ host, image, kind = "qemu" }: TierMembersArgs, packages: readonly string[]): Image {
  return isImage(image) ? image : serverImage(host!, kind, packages, image);
}

function guestMember(
  parent: pulumi.Resource,
  name: string,
  number: number,
  { host, kind, memory, network, nics, guest: more }: TierMembersArgs,
  image: Image,
  before: pulumi.Resource[],
): TierMember {
  const own = typeof nics === "function" ? nics(number) : nics;
  const guest = new Guest(
    name,
    {
      ...more,
      host: host!,
      image,
      kind: kind ?? image.kind,
      ...(memory !== undefined && { memory }),
      ...(network !== undefined && { network }),
      ...(own && { nics: own }),
    },
    {
      parent,
      // What waits for a component does not make its parts wait.
      transformations: before.map(() => ({ props, opts }) => ({
        props,
        opts: pulumi.mergeOptions(opts, { dependsOn: before }),
      })),
    },
  );
  const [ipv4, ipv6] = ([4, 6] as const).map((family) => addressOf(own, guest, family)) as [Address, Address];
  const declared = declaredAddress(own, 4) ?? declaredAddress(own, 6);
  const address = declared === undefined ? reached(name, ipv4, ipv6) : pulumi.output(declared);
  return { name, machine: guest.machine, guest, disk: image.path, ipv4, ipv6, address };
}

type Address = pulumi.Output<string | undefined>;

/**
 * The one that a NIC is given, else the first that the guest has. Its `ipv6` would not be known at preview where it has
 * none; the list of its addresses always is.
 */
function addressOf(nics: readonly GuestNicArgs[] | undefined, guest: Guest, family: 4 | 6): Address {
  const declared = declaredAddress(nics, family);
  if (declared !== undefined) return pulumi.output(declared);
  return guest.addresses.apply((all) => all.flatMap((nic) => (family === 4 ? nic.ipv4 : nic.ipv6))[0]);
}

/** The address that the first NIC with one is given; it is known before the guest is. */
function declaredAddress(nics: readonly GuestNicArgs[] | undefined, family: 4 | 6): pulumi.Input<string> | undefined {
  for (const nic of nics ?? []) {
    const kept = family === 4 ? nic.ipv4 : nic.ipv6;
    if (kept !== undefined) return kept;
    const { addresses } = nic;
    const given = Array.isArray(addresses) ? (addresses as unknown[]).filter((one) => typeof one === "string") : [];
    const found = (given as string[]).find((one) => one.includes(":") === (family === 6));
    if (found !== undefined) return found.split("/")[0]!;
  }
  return undefined;
}

function reached(name: string, ipv4: Address, ipv6: Address): pulumi.Output<string> {
  return pulumi.all([ipv4, ipv6]).apply(([four, six]) => {
    const address = four ?? six;
    if (address !== undefined || pulumi.runtime.isDryRun()) return address!;
    throw new pulumi.RunError(`${name} has no address that others could reach it by. Fix: give it a NIC on a network`);
  });
}

function standing(name: string, { machine, address }: TierMachineArgs): TierMember {
  const known = pulumi.output(address);
  return {
    name,
    machine: onMachine(machine, undefined).machine,
    address: known,
    ipv4: known.apply((one) => (one.includes(":") ? undefined : one)),
    ipv6: known.apply((one) => (one.includes(":") ? one : undefined)),
  };
}

function refuseContradictions(subject: string, args: TierMembersArgs): void {
  const refuse = (problem: string) => {
    throw new pulumi.RunError(`${subject}: ${problem}`);
  };
  const { machines, maxUnavailable = 1, count = 2, image, kind, network, nics } = args;
  if (!Number.isInteger(maxUnavailable) || maxUnavailable < 1)
    refuse(`maxUnavailable: got ${maxUnavailable}. Allowed: a whole number from 1`);
  if (machines) return refuseBesideMachines(args, refuse);
  requireHost(subject, args);
  if (!Number.isInteger(count) || count < 0) refuse(`count: got ${count}. Allowed: a whole number from 0`);
  if (network === undefined && nics === undefined) refuse("nobody would reach its guests. Fix: say network, or nics");
  const found = isImage(image) ? (image.kind ?? "qemu") : undefined;
  if (found !== undefined && kind !== undefined && kind !== found)
    refuse(
      `kind: got ${JSON.stringify(kind)}, and image is for guests of kind ${JSON.stringify(found)}. Fix: leave kind out`,
    );
}

function refuseBesideMachines(args: TierMembersArgs, refuse: (problem: string) => void): void {
  const given = (["host", "image", "count", "kind", "memory", "network", "nics", "guest"] as const).find(
    (field) => args[field] !== undefined,
  );
  if (given !== undefined)
    refuse(`${given} is of guests that the tier makes, and machines name those that exist. Fix: leave one of them out`);
  const names = new Set<string>();
  for (const [at, machine] of args.machines!.entries()) {
    refuseUnknown(`machines.${at}`, machine, ["machine", "address", "name"]);
    if (machine.name === undefined) continue;
    if (names.has(machine.name)) refuse(`machines.${at}.name: ${JSON.stringify(machine.name)} is there twice`);
    names.add(machine.name);
  }
}
