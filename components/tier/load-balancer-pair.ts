import * as pulumi from "@pulumi/pulumi";
import type { FarmArgs, FarmMemberArgs, FarmSettingsArgs } from "../../providers/resources/haproxy-farm-args";
import { HaproxyServer, type HaproxyServerArgs } from "../../providers/resources/haproxy-server";
import { KeepalivedServer, type VirtualRouterArgs } from "../../providers/resources/keepalived-server";
import type { GuestNicArgs } from "../guest/guest-nics";
import { refuseUnknown } from "../refuse-unknown";
import { memberFields, membersOf, tierMembers, type TierMembersArgs } from "./members";
import { healthOf, urlOf } from "./serving";
import { isUpstream, type Upstream } from "./upstream";

/** A farm of a pair of load balancers; see `FarmSettingsArgs` for all else. */
export interface PairFarmArgs extends FarmSettingsArgs {
  /** A tier, several of them, or servers: `app`, `[app, { name: "old", address: "192.0.2.9", port: 80, backup: true }]`. */
  members?: Upstream | (Upstream | FarmMemberArgs)[];
  /** What each member is, by its name, where it is not as the rest: `{ "web-2": { state: "drain" } }`. */
  member?: { [name: string]: Pick<FarmMemberArgs, "weight" | "backup" | "maxConnections" | "state"> };
  /** The port of all members. Default: that of each. */
  memberPort?: pulumi.Input<number>;
}

/** Addresses that one of the two has. */
export interface PairVipArgs {
  /** With the length of their subnet: "192.168.155.40/24"; IPv4 and IPv6 together move as one. */
  addresses: string[];
  /** The VRRP id, 1 to 255, that no others in the subnet have. Default: from the last byte of the first address. */
  id?: number;
  /** Where they are. Default: the interface with an address in their subnet. */
  interface?: string;
  /**
   * The balancer, 1 or 2, that takes them back once it has been well for `preemptDelay`: with two VIPs that prefer
   * different ones, both balancers work. Default: none, they stay where they are until that one fails.
   */
  preferred?: 1 | 2;
  /** Default "10s"; only with `preferred`. */
  preemptDelay?: string;
}

export interface LoadBalancerPairArgs
  extends Omit<HaproxyServerArgs, "machine" | "name" | "disk" | "farms">, TierMembersArgs {
  /** "192.168.155.40/24", or what moves together, by names of your choice. */
  vip: string | { [name: string]: PairVipArgs };
  /** By their names, which the statistics page and the metrics have. */
  farms: { [name: string]: PairFarmArgs };
  /** How often the active one says so; the other takes over after three times that. Default "200ms". */
  advertise?: pulumi.Input<string>;
}

/** One of the two balancers. */
export interface PairBalancer {
  name: string;
  address: string;
}

const packages = ["curl", "haproxy", "iproute2", "keepalived", "socat"];

const haproxyFields = ["stats", "metrics", "log", "maxConnections", "hardStopAfter", "timeout"];
const memberArgs = ["name", "address", "port", "protocol", "weight", "backup", "maxConnections", "state"];
const ownFields = ["farms", "vip", "advertise"];

/**
 * Two load balancers, HAProxy with keepalived, of which one has the address: guests that it makes, or two machines that
 * exist. When the active one, its link or its HAProxy fails, the other has the address after three advertisements, or at
 * once where it is told. A change goes through one after the other, without closing a connection. Of guests' NICs it says
 * that they may send from the addresses.
 *
 * @example
 * const lb = new LoadBalancerPair("lb", {
 *   host, kind: "lxc", nics: (number) => [{ bridge: "br0", addresses: [`192.168.155.${40 + number}/24`] }],
 *   vip: "192.168.155.40/24",
 *   farms: { www: { port: 80, members: app, check: { type: "http", path: "/.health" } } },
 * });
 * export const url = lb.url;
 */
export class LoadBalancerPair extends pulumi.ComponentResource {
  /** The addresses that move, without the lengths of their subnets; known once both balancers work. */
  readonly addresses: pulumi.Output<string[]>;
  /** The first address, with the port of the first farm of mode "http". */
  readonly url: pulumi.Output<string>;
  /** Of each farm that listens: "http://192.168.155.40/", "tcp://192.168.155.40:389". */
  readonly urls: pulumi.Output<{ [farm: string]: string }>;
  readonly balancers: pulumi.Output<PairBalancer[]>;
  /** As each balancer last saw the members: { "lb-1": { www: { "web-1": "UP" } } }. */
  readonly health: pulumi.Output<{ [balancer: string]: { [farm: string]: { [member: string]: string } } }>;
  /** In their order. */
  readonly servers: readonly HaproxyServer[];
  /** In their order. */
  readonly routers: readonly KeepalivedServer[];

  constructor(name: string, args: LoadBalancerPairArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:tier:LoadBalancerPair", name, {}, opts);
    const subject = `LoadBalancerPair ${name}`;
    refuseUnknown(subject, args, [...memberFields, ...ownFields, ...haproxyFields]);
    const vips = vipsOf(subject, args.vip);
    const moving = Object.values(vips).flatMap(({ addresses }) => addresses);
    if (args.machines && args.machines.length !== 2)
      throw new pulumi.RunError(`${subject}: machines: got ${args.machines.length}. Allowed: two`);
    if (args.count !== undefined && args.count !== 2)
      throw new pulumi.RunError(`${subject}: count: got ${args.count}. Allowed: 2`);
    const farms = Object.fromEntries(
      Object.entries(args.farms ?? {}).map(([farm, shape]) => [farm, farmArgs(`${subject}: farms.${farm}`, shape)]),
    );
    const shape = Object.fromEntries(Object.entries(args).filter(([field]) => haproxyFields.includes(field)));
    const made = tierMembers(this, subject, name, speakingAs(args, moving), packages, (member, options) => {
      const { machine, disk } = member;
      return new HaproxyServer(member.name, { ...shape, machine, name, farms, disk }, options);
    });
    this.servers = made.map((one) => one.server);
    const routers: KeepalivedServer[] = [];
    for (const [at, { member, server }] of made.entries())
      routers.push(
        new KeepalivedServer(
          member.name,
          {
            machine: member.machine,
            name,
            routers: Object.fromEntries(Object.entries(vips).map(([vip, one]) => [vip, routerArgs(one, at)])),
            source: member.address,
            peers: made.filter((other) => other.member !== member).map((other) => other.member.address),
            haproxy: name,
            ...(args.advertise !== undefined && { advertise: args.advertise }),
            ...(args.timeout !== undefined && { timeout: args.timeout }),
            disk: member.disk,
          },
          { parent: this, dependsOn: [server, ...routers] },
        ),
      );
    this.routers = routers;
    const ready = pulumi.all(routers.map(({ id }) => id));
    this.addresses = ready.apply(() => moving.map((address) => address.split("/")[0]!));
    this.urls = pulumi
      .all([this.addresses, pulumi.all(Object.entries(args.farms ?? {}).map(([farm, one]) => place(farm, one)))])
      .apply(([addresses, places]) =>
        Object.fromEntries(
          places.flatMap(({ farm, scheme, port }) =>
            port === undefined ? [] : [[farm, urlOf(addresses[0]!, scheme, port)]],
          ),
        ),
      );
    this.url = this.urls.apply(
      (urls) => Object.values(urls).find((url) => /^http/.test(url)) ?? Object.values(urls)[0]!,
    );
    this.balancers = pulumi
      .all(made.map(({ member }) => member.address.apply((address) => ({ name: member.name, address }))))
      .apply((all) => all);
    this.health = healthOf(made);
    this.registerOutputs({
      addresses: this.addresses,
      urls: this.urls,
      balancers: this.balancers,
      health: this.health,
    });
  }
}

function vipsOf(subject: string, vip: LoadBalancerPairArgs["vip"]): { [name: string]: PairVipArgs } {
  const vips = typeof vip === "string" ? { vip: { addresses: [vip] } } : vip;
  if (typeof vips !== "object" || vips === null || Object.keys(vips).length === 0)
    throw new pulumi.RunError(`${subject}: vip is required. Allowed: an address with its subnet: "192.168.155.40/24"`);
  for (const [name, one] of Object.entries(vips)) {
    refuseUnknown(`${subject}: vip.${name}`, one, ["addresses", "id", "interface", "preferred", "preemptDelay"]);
    if (!Array.isArray(one.addresses) || one.addresses.length === 0)
      throw new pulumi.RunError(`${subject}: vip.${name}.addresses: is empty. Allowed: ["192.168.155.40/24"]`);
    if (one.preferred !== undefined && one.preferred !== 1 && one.preferred !== 2)
      throw new pulumi.RunError(`${subject}: vip.${name}.preferred: got ${String(one.preferred)}. Allowed: 1 or 2`);
    if (one.preemptDelay !== undefined && one.preferred === undefined)
      throw new pulumi.RunError(
        `${subject}: vip.${name}.preemptDelay: nobody takes it back. Fix: say preferred, 1 or 2`,
      );
  }
  return vips;
}

/** An id from 1 to 255: the last byte of the address, which no other virtual address of the subnet is likely to have. */
function idOf([first]: string[]): number {
  const bare = first!.split("/")[0]!;
  const last = bare.includes(":") ? parseInt(bare.split(":").at(-1) || "1", 16) & 0xff : Number(bare.split(".").at(-1));
  return last || 255;
}

function routerArgs(
  { addresses, id, interface: on, preferred, preemptDelay }: PairVipArgs,
  at: number,
): VirtualRouterArgs {
  return {
    id: id ?? idOf(addresses),
    addresses,
    ...(on !== undefined && { interface: on }),
    priority: preferred === undefined || preferred === at + 1 ? 250 - (preferred === undefined ? at : 0) : 240,
    ...(preferred !== undefined && { preemptDelay: preemptDelay ?? "10s" }),
  };
}

/** Guests that may send from these addresses, and hear the other one where they say who may reach them. */
function speakingAs(args: LoadBalancerPairArgs, moving: readonly string[]): TierMembersArgs {
  const own = membersOf(args);
  if (args.machines) return own;
  const bare = moving.map((address) => address.split("/")[0]!);
  const extended = (nic: GuestNicArgs): GuestNicArgs => ({
    ...nic,
    ...(nic.antiSpoofing !== false && { allowedAddresses: [...(nic.allowedAddresses ?? []), ...bare] }),
    ...(nic.allow && { allow: [...nic.allow, "vrrp"] }),
  });
  const { network, nics, ...rest } = own;
  if (nics === undefined && network === undefined) return own;
  return {
    ...rest,
    count: 2,
    nics: (number) => (typeof nics === "function" ? nics(number) : (nics ?? [{ network: network! }])).map(extended),
  };
}

function farmArgs(subject: string, { members, member = {}, memberPort, ...settings }: PairFarmArgs): FarmArgs {
  if (members === undefined) return settings;
  const given = Array.isArray(members) ? members : [members];
  const all = pulumi
    .all(
      given.map((one): pulumi.Output<readonly FarmMemberArgs[]> =>
        isUpstream(one) ? one.members : (pulumi.output(one).apply((own) => [own]) as pulumi.Output<FarmMemberArgs[]>),
      ),
    )
    .apply((lists) => lists.flat() as FarmMemberArgs[]) as pulumi.Output<FarmMemberArgs[]>;
  return {
    ...settings,
    members: pulumi.all([all, pulumi.output(member), memberPort]).apply(([list, own, port]) => {
      const names = list.map((one) => one.name as string);
      const stray = Object.keys(own).find((one) => !names.includes(one));
      // A member that a tier no longer has is let go with what was said of it.
      if (stray !== undefined && !pulumi.runtime.isDryRun())
        void pulumi.log.warn(`${subject}.member: there is no member ${JSON.stringify(stray)}, but ${names.join(", ")}`);
      return list.map((one) => ({
        ...Object.fromEntries(Object.entries(one).filter(([field]) => memberArgs.includes(field))),
        ...(port !== undefined && { port }),
        ...own[one.name as string],
      })) as FarmMemberArgs[];
    }),
  };
}

function place(farm: string, { mode, port, tls }: PairFarmArgs) {
  return pulumi.all([mode, port]).apply(([how, where]) => ({
    farm,
    scheme: how === "tcp" ? ("tcp" as const) : tls ? ("https" as const) : ("http" as const),
    port: where,
  }));
}
