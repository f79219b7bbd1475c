import { createHash } from "node:crypto";
import { canonicalAddress, prefix, firstAddress } from "../schema/address";
import { addressKey } from "./words";
import {
  cidr,
  isAutomatic,
  isLent,
  isLinkLocal,
  usesDevice,
  type Address,
  type Kernel,
  type Link,
  type PortVlan,
  type Route as KernelRoute,
} from "./kernel";
import type { Addressing, Bond, BridgeConfig, PortVlans, Route, Uplink, Vlan } from "./model";
import { isLentRoute, isReachable, sameRoute, sourcesOf, takesPart } from "./resolve";

/** The part of a host's network that a change is about: as it is, and as it shall be. */
export interface Plan {
  from: Kernel;
  to: Kernel;
}

export interface PlanOptions {
  alias?: string;
  /** Whether DHCP is asked by clients of our own, because no network manager does it. Default false. */
  clients?: boolean;
}

/** What the bridge is told by, beside its name; `ip -d link` shows it. */
export function aliasOf(owner: string): string {
  return `pulumi-kvm:${createHash("sha256").update(owner).digest("hex").slice(0, 16)}`;
}

/**
 * What shall be, from what is. `earlier` is what an earlier `up` made: of that, what is not declared any more goes. All
 * else on the bridge, such as guests' ports, stays as it is.
 */
export function plan(
  host: Kernel,
  config: BridgeConfig,
  earlier?: BridgeConfig,
  { alias, clients = false }: PlanOptions = {},
): Plan {
  const from = withClients(part(host, affected(config, earlier)), clients);
  const find = (name: string) =>
    withOwnMac(
      from.links.find((link) => link.name === name),
      from,
    );
  const sources = config.uplinks.flatMap((uplink) => sourcesOf(uplink).flatMap((name) => find(name) ?? []));
  const bridge = find(config.name);
  const made = {
    ...bridgeLink(config, sources, bridge, earlier, alias),
    ...(clients && { clients: versions(config) }),
  };
  const ports = config.uplinks.flatMap((uplink) => portLinks(config, uplink, find, made));
  const released = (earlier?.uplinks ?? []).flatMap((uplink) => releasedLinks(config, uplink, find));
  return {
    from,
    to: { links: [...ports, ...released, made], routes: wantedRoutes(from, config, sources, earlier) },
  };
}

/** What a bond lends to a port is not the port's own, which only the kernel knows until it leaves the bond. */
export function withOwnMac<Maybe extends Link | undefined>(link: Maybe, { links }: Kernel): Maybe {
  const lent = links.some(({ kind, name }) => kind === "bond" && name === link?.master);
  return link && lent ? { ...link, mac: undefined } : link;
}

export function names(links: readonly Link[]): Set<string> {
  return new Set(links.map(({ name }) => name));
}

/** All links that a change of the bridge may touch. */
export function affected(config: BridgeConfig, earlier?: BridgeConfig): string[] {
  const uplinks = [...config.uplinks, ...(earlier?.uplinks ?? [])];
  return [...new Set([...uplinks.flatMap(sourcesOf), config.name])];
}

/** Network managers' own clients are none of our business. */
export function withClients(kernel: Kernel, clients: boolean): Kernel {
  if (clients) return kernel;
  return { ...kernel, links: kernel.links.map((link) => ({ ...link, clients: undefined })) };
}

/** These links, and every route that uses one of them. */
export function part(host: Kernel, names: readonly string[]): Kernel {
  return {
    links: host.links.filter(({ name }) => names.includes(name)),
    routes: host.routes.filter((route) => names.some((name) => usesDevice(route, name))),
  };
}

function bridgeLink(
  config: BridgeConfig,
  sources: readonly Link[],
  there: Link | undefined,
  earlier: BridgeConfig | undefined,
  alias: string | undefined,
): Link {
  const takes = takesPart(config.addressing);
  const mtus = sources.map(({ mtu }) => mtu);
  const fresh: Link = {
    name: config.name,
    kind: "bridge",
    up: true,
    carrier: false,
    mtu: mtus.length > 0 ? Math.min(...mtus) : 1500,
    // Without a port there is none to take; a fixed one keeps Linux from changing it with every port.
    mac: config.mac ?? derivedMac(alias ?? config.name),
    generation: takes
      ? (sources.find(({ generation }) => generation !== undefined && generation !== "none")?.generation ?? "eui64")
      : "none",
    addresses: [],
  };
  return {
    ...(there ?? fresh),
    up: true,
    ...(config.mac !== undefined && { mac: config.mac }),
    ...(config.mtu !== undefined && { mtu: config.mtu }),
    ...(alias !== undefined && { alias }),
    ...acceptance(there, config.addressing.acceptRa),
    bridge: {
      others: [],
      ...there?.bridge,
      stp: config.stp,
      forwardDelay: Math.round(config.forwardDelay * 100),
      vlanFiltering: config.vlans !== undefined,
      ...(config.vlans && { defaultVlan: config.guestVlan ?? 0 }),
    },
    addresses: wantedAddresses(config, sources, there, earlier),
    vlans: config.vlans ? portVlans(config.vlans) : there?.vlans,
  };
}

/** For which IP versions DHCP is asked. */
function versions({ addressing: { dhcp4, dhcp6 } }: BridgeConfig): (4 | 6)[] {
  return [...(dhcp4 ? [4 as const] : []), ...(dhcp6 ? [6 as const] : [])];
}

/** A locally administered address that is always the same. */
function derivedMac(seed: string): string {
  const digest = createHash("sha256").update(seed).digest("hex");
  return `02:${digest.slice(0, 10).match(/../g)!.join(":")}`;
}

/** 2, because a host that routes for its guests would otherwise not listen; none without IPv6. */
function acceptance(there: Link | undefined, accept: boolean): { acceptRa?: number } {
  if (there && there.acceptRa === undefined) return {};
  if (there && accept === there.acceptRa! > 0) return { acceptRa: there.acceptRa };
  return { acceptRa: accept ? 2 : 0 };
}

function portVlans({ untagged, tagged }: PortVlans): PortVlan[] {
  const all = [
    ...(untagged === undefined ? [] : [{ id: untagged, pvid: true, untagged: true }]),
    ...tagged.map((id) => ({ id, pvid: false, untagged: false })),
  ];
  return all.sort((one, other) => one.id - other.id);
}

function wantedAddresses(
  { addressing }: BridgeConfig,
  sources: readonly Link[],
  there: Link | undefined,
  earlier: BridgeConfig | undefined,
): Address[] {
  const { addresses, dhcp4, dhcp6, acceptRa } = addressing;
  const own = there?.addresses ?? [];
  const theirs = sources.flatMap((link) => link.addresses);
  const ours = new Set([...addresses, ...(earlier?.addressing.addresses ?? [])]);
  const declared = addresses.map(
    (text) =>
      own.find((address) => cidr(address) === text) ??
      theirs.find((address) => cidr(address) === text) ??
      address(text),
  );
  const borrowed = theirs.filter(
    (address) =>
      isLent(address) && (address.family === 4 ? dhcp4 : dhcp6 || acceptRa) && !addresses.includes(cidr(address)),
  );
  // Only onto a new bridge: one that is there has its own.
  const local = there || !takesPart(addressing) ? [] : theirs.filter(isLinkLocal).slice(0, 1);
  const foreign = own.filter((one) => !ours.has(cidr(one)));
  return distinct([
    ...inPlace(own, declared).map((one) => (own.includes(one) ? one : onItsOwn(one))),
    ...foreign,
    ...[...borrowed, ...local].map(onItsOwn),
  ]);
}

/** Without what only makes sense on the link that it comes from, or together with routes that a manager makes. */
function onItsOwn({ label: _label, ...address }: Address): Address {
  return { ...address, flags: address.flags.filter((flag) => flag !== "noprefixroute") };
}

/** Those that are there first, in the order in which they are. */
function inPlace(own: readonly Address[], declared: readonly Address[]): Address[] {
  return [...own.filter((one) => declared.includes(one)), ...declared.filter((one) => !own.includes(one))];
}

function distinct(addresses: readonly Address[]): Address[] {
  return addresses.filter((one, at) => addresses.findIndex((other) => addressKey(other) === addressKey(one)) === at);
}

function address(text: string): Address {
  const [local, length] = text.split("/") as [string, string];
  const family = local.includes(":") ? 6 : 4;
  return {
    family,
    local,
    length: Number(length),
    ...(family === 4 && Number(length) < 31 && { broadcast: broadcast(text) }),
    scope: /^fe[89ab]/i.test(local) ? "link" : "global",
    flags: [],
  };
}

function broadcast(text: string): string {
  const parsed = prefix(text);
  const bytes = firstAddress(parsed).toByteArray();
  return canonicalAddress(
    bytes.map((byte, at) => byte | (0xff >> Math.max(0, Math.min(8, parsed.length - at * 8)))).join("."),
  );
}

/** The uplink's links as ports, made where they are ours to make. */
function portLinks(
  config: BridgeConfig,
  uplink: Uplink,
  find: (name: string) => Link | undefined,
  bridge: Link,
): Link[] {
  const port = (link: Link): Link => ({
    ...link,
    up: true,
    master: config.name,
    generation: link.generation === undefined ? undefined : "none",
    addresses: [],
    clients: link.clients && [],
    ...(config.mtu !== undefined && { mtu: config.mtu }),
    vlans: uplink.vlans && config.vlans ? portVlans(uplink.vlans) : link.vlans,
  });
  const there = find(uplink.name);
  if (uplink.kind === "nic") return there ? [port(there)] : [];
  if (uplink.kind === "vlan") return [port({ ...fresh(uplink, bridge), ...there })];
  const below = uplink.ports.flatMap((name) => find(name) ?? []);
  const inBond = below.map((link): Link => ({
    ...link,
    up: true,
    master: uplink.name,
    generation: link.generation === undefined ? undefined : "none",
    addresses: [],
    clients: link.clients && [],
    ...(config.mtu !== undefined && { mtu: config.mtu }),
    vlans: undefined,
  }));
  return [...inBond, port({ ...fresh(uplink, bridge), ...there, bond: bondOptions(uplink) })];
}

function fresh(uplink: Bond | Vlan, { mtu, mac }: Link): Link {
  return {
    name: uplink.name,
    kind: uplink.kind,
    up: true,
    carrier: false,
    mtu,
    ...(uplink.kind === "bond" && { mac }),
    generation: "none",
    addresses: [],
    ...(uplink.kind === "vlan" && { vlan: { link: uplink.link, id: uplink.id } }),
  };
}

function bondOptions({ mode, miimon, primary, lacpRate, hashPolicy }: Bond): Link["bond"] {
  return { mode, miimon, primary, lacpRate, hashPolicy };
}

/** What is no uplink any more, on its own again; bonds and VLAN interfaces of ours go. */
function releasedLinks(config: BridgeConfig, uplink: Uplink, find: (name: string) => Link | undefined): Link[] {
  const used = new Set(config.uplinks.flatMap(sourcesOf));
  const names = uplink.kind === "bond" ? uplink.ports : uplink.kind === "nic" ? [uplink.name] : [];
  const masters = [config.name, uplink.name];
  return names
    .filter((name) => !used.has(name))
    .flatMap((name) => find(name) ?? [])
    .map((link) =>
      masters.includes(link.master ?? "")
        ? {
            ...link,
            master: undefined,
            generation: link.generation === undefined ? undefined : "eui64",
            vlans: undefined,
          }
        : link,
    );
}

/** The bridge's routes: those declared, with what the same routes of the uplinks have beside, and others' own. */
function wantedRoutes(
  from: Kernel,
  config: BridgeConfig,
  sources: readonly Link[],
  earlier: BridgeConfig | undefined,
): KernelRoute[] {
  const { addressing, name } = config;
  const devices = names(sources);
  const onBridge = from.routes.filter((route) => usesDevice(route, name) && !isAutomatic(route));
  const onSources = from.routes.filter(
    (route) => !isAutomatic(route) && route.hops.some(({ device }) => devices.has(device)),
  );
  const renamed = onSources.flatMap((route) => moved(route, [...devices], name));
  const declared = routesOf(addressing);
  const before = earlier ? routesOf(earlier.addressing) : [];
  const fits = (wanted: Route) => (route: KernelRoute) => sameDestination(route, wanted);
  const ours = declared.map(
    (wanted) => onBridge.find(fits(wanted)) ?? renamed.find(fits(wanted)) ?? newRoute(wanted, name),
  );
  const foreign = onBridge.filter(
    (route) => route.hops.length === 1 && ![...declared, ...before].some((known) => fits(known)(route)),
  );
  const lent = onSources
    .filter(
      (route) =>
        isLentRoute(route, sources) &&
        (route.family === 4 ? addressing.dhcp4 : addressing.acceptRa || addressing.dhcp6),
    )
    .flatMap((route) => moved(route, [...devices], name));
  const several = from.routes
    .filter((route) => route.hops.length > 1 && !isAutomatic(route))
    .flatMap((route) => moved(route, [...devices, name], name))
    .filter(({ hops }) =>
      hops.every((hop) => hop.device !== name || hop.onlink || isReachable(hop.via ?? "", addressing.addresses)),
    );
  const elsewhere = from.routes.filter(
    (route) => !route.hops.some(({ device }) => devices.has(device) || device === name) && !isAutomatic(route),
  );
  return unique([...ours, ...foreign, ...lent, ...several, ...elsewhere]);
}

function routesOf({ gateway4, gateway6, routes }: Addressing): Route[] {
  const defaults = [gateway4, gateway6].flatMap((via): Route[] => (via === undefined ? [] : [{ to: "default", via }]));
  return [...defaults, ...routes.filter((route) => !defaults.some((other) => sameRoute(other, route)))];
}

/** Whether the kernel's route is the declared one; a metric that is not declared may be any. */
function sameDestination(route: KernelRoute, { to, via, table = "main", metric }: Route): boolean {
  return (
    route.hops.length === 1 &&
    route.to === to &&
    route.table === table &&
    route.hops[0]!.via === via &&
    (route.family === 6) === (via ?? to).includes(":") &&
    (metric === undefined || (route.metric ?? 0) === metric)
  );
}

function newRoute(
  { to, via, metric, table = "main", source, onlink = false, mtu }: Route,
  device: string,
): KernelRoute {
  const six = (via ?? to).includes(":");
  return {
    family: six ? 6 : 4,
    type: "unicast",
    to,
    table,
    protocol: "static",
    ...(six
      ? { metric: metric ?? 1024 }
      : { scope: via === undefined ? "link" : "global", ...(metric ? { metric } : {}) }),
    source,
    hops: [{ ...(via !== undefined && { via }), device, weight: 1, onlink }],
    metrics: mtu === undefined ? [] : [["mtu", String(mtu)]],
    unknown: [],
  };
}

/** The route over another device; none where it does not use any of these. */
export function moved(route: KernelRoute, devices: readonly string[], to: string): KernelRoute[] {
  if (!route.hops.some(({ device }) => devices.includes(device))) return [];
  return [{ ...route, hops: route.hops.map((hop) => (devices.includes(hop.device) ? { ...hop, device: to } : hop)) }];
}

export function unique(routes: readonly KernelRoute[]): KernelRoute[] {
  const key = (route: KernelRoute) => JSON.stringify([route.family, route.to, route.table, route.metric, route.hops]);
  return routes.filter((route, at) => routes.findIndex((other) => key(other) === key(route)) === at);
}
