import { contains, firstAddress, parsePrefix, prefix } from "../schema/address";
import type { LinuxBridgeInputs } from "../schema/linux-bridge";
import {
  cidr,
  isAutomatic,
  isLent,
  isLinkLocal,
  usesDevice,
  type Kernel,
  type Link,
  type Route as KernelRoute,
} from "./kernel";
import type { Addressing, BridgeConfig, Route, Uplink } from "./model";

/** The links whose addresses and routes go to the bridge with an uplink. */
export function sourcesOf(uplink: Uplink): string[] {
  return uplink.kind === "bond" ? [uplink.name, ...uplink.ports] : [uplink.name];
}

/** Everything that is written out in full, from what is declared, what is there, and what an earlier `up` made of it. */
export function resolve(inputs: LinuxBridgeInputs, host: Kernel, earlier?: BridgeConfig): BridgeConfig {
  const uplinks = inputs.uplink.map((uplink) => ({
    ...uplink,
    // An uplink that says nothing is a plain part of the guests' LAN.
    ...(inputs.vlanFiltering && !uplink.vlans && { vlans: { untagged: inputs.vlanFiltering.guests ?? 1, tagged: [] } }),
  }));
  const sources = uplinks.flatMap((uplink) => linksOf(host, sourcesOf(uplink)));
  const bridge = linksOf(host, [inputs.name])[0];
  return {
    name: inputs.name,
    mac: inputs.mac ?? bridge?.mac ?? sources.find(({ mac }) => mac !== undefined)?.mac,
    ...(inputs.mtu !== undefined && { mtu: inputs.mtu }),
    stp: inputs.stp,
    forwardDelay: inputs.forwardDelay ?? (inputs.stp ? 15 : 0),
    ...(inputs.vlanFiltering && hostVlans(inputs.vlanFiltering)),
    uplinks,
    addressing: addressing(inputs, host, [...sources, ...(bridge ? [bridge] : [])], earlier?.addressing),
  };
}

function hostVlans({ host, guests }: { host?: number; guests?: number }): Pick<BridgeConfig, "vlans" | "guestVlan"> {
  return {
    vlans: { ...(host !== undefined && { untagged: host }), tagged: [] },
    ...(guests !== undefined && { guestVlan: guests }),
  };
}

function linksOf(host: Kernel, names: readonly string[]): Link[] {
  return names.flatMap((name) => host.links.find((link) => link.name === name) ?? []);
}

function addressing(inputs: LinuxBridgeInputs, host: Kernel, sources: Link[], earlier?: Addressing): Addressing {
  const { dhcp } = inputs;
  const keep = inputs.addresses === "keep";
  const there = sources.flatMap((link) => link.addresses);
  const statics = there.filter((address) => !isLent(address) && !isLinkLocal(address)).map(cidr);
  const addresses =
    inputs.addresses === "keep" ? [...new Set([...(earlier?.addresses ?? []), ...statics])] : inputs.addresses;
  const lent = there.filter(isLent);
  const lent4 = lent.some(({ family }) => family === 4);
  const dhcp4 = dhcp === undefined ? keep && (earlier?.dhcp4 || lent4) : dhcp === true || dhcp === "ipv4";
  const dhcp6 = dhcp === true || dhcp === "ipv6";
  const part = addresses.length > 0 || dhcp4 || dhcp6;
  const announced =
    lent.some(({ family }) => family === 6) ||
    routesOf(host, sources).some(({ protocol }) => protocol === "ra") ||
    sources.some(({ acceptRa }) => (acceptRa ?? 0) > 0);
  const before = earlier && takesPart(earlier) ? earlier.acceptRa : announced;
  const acceptRa = inputs.acceptRa ?? (part && before);
  const resolved = { addresses, dhcp4, dhcp6, acceptRa };
  return {
    ...resolved,
    ...gateways(inputs, resolved, declaredRoutes(host, sources, resolved), earlier),
    dns: inputs.dns ?? [],
    search: inputs.search ?? [],
    routes: inputs.routes ?? keptRoutes(inputs, resolved, host, sources, earlier),
  };
}

type Resolved = Pick<Addressing, "addresses" | "dhcp4" | "dhcp6" | "acceptRa">;

function routesOf(host: Kernel, sources: readonly Link[]): KernelRoute[] {
  return host.routes.filter((route) => !isAutomatic(route) && sources.some(({ name }) => usesDevice(route, name)));
}

/** Whether a route was made by what lends addresses, and comes again with them. */
export function isLentRoute(route: KernelRoute, sources: readonly Link[]): boolean {
  if (["ra", "dhcp", "redirect"].includes(route.protocol) || route.expires !== undefined) return true;
  const via = route.hops[0]?.via;
  if (route.family === 6 || route.protocol === "static" || via === undefined) return false;
  // Most DHCP clients leave no other sign than the subnet that the gateway is in.
  const addresses = sources.flatMap((link) => link.addresses).filter(({ family }) => family === 4);
  const holders = addresses.filter((address) => contains(prefix(cidr(address)), via));
  return holders.length > 0 && holders.every(isLent);
}

/** The routes of the links that somebody wrote down somewhere, which will be reachable from the bridge. */
function declaredRoutes(host: Kernel, sources: Link[], { addresses }: Resolved): KernelRoute[] {
  return routesOf(host, sources)
    .filter((route) => route.protocol !== "kernel" && !isLentRoute(route, sources))
    .filter(({ hops }) => hops.every(({ via, onlink }) => via === undefined || onlink || isReachable(via, addresses)))
    .filter(({ source }) => source === undefined || addresses.some((one) => one.split("/")[0] === source));
}

/** Whether the gateway is in a subnet of these addresses, or needs none. */
export function isReachable(gateway: string, addresses: readonly string[]): boolean {
  return /^fe[89ab]/i.test(gateway) || addresses.some((one) => contains(prefix(one), gateway));
}

function isPlainDefault(route: KernelRoute): boolean {
  return route.to === "default" && route.table === "main" && route.type === "unicast" && route.hops.length === 1;
}

/** The gateways that are declared, else those of the uplinks that still make sense. */
function gateways(
  { gateway }: LinuxBridgeInputs,
  { addresses }: Resolved,
  routes: readonly KernelRoute[],
  earlier?: Addressing,
): Pick<Addressing, "gateway4" | "gateway6"> {
  const found = (family: 4 | 6): string | undefined => {
    if (gateway) return gateway.find((one) => one.includes(":") === (family === 6));
    const before = family === 4 ? earlier?.gateway4 : earlier?.gateway6;
    if (before !== undefined && isReachable(before, addresses)) return before;
    const defaults = routes.filter((route) => route.family === family && isPlainDefault(route));
    const [first] = defaults.sort((one, other) => (one.metric ?? 0) - (other.metric ?? 0));
    return first?.hops[0]?.via;
  };
  const [gateway4, gateway6] = [found(4), found(6)];
  return { ...(gateway4 !== undefined && { gateway4 }), ...(gateway6 !== undefined && { gateway6 }) };
}

/** The uplinks' routes beside those that the gateways stand for. */
function keptRoutes(
  { gateway }: LinuxBridgeInputs,
  resolved: Resolved,
  host: Kernel,
  sources: Link[],
  earlier?: Addressing,
): Route[] {
  const { addresses } = resolved;
  const before = (earlier?.routes ?? []).filter(
    ({ via, onlink }) => via === undefined || onlink || isReachable(via, addresses),
  );
  const now = declaredRoutes(host, sources, resolved)
    .filter((route) => !isPlainDefault(route) && route.type === "unicast" && route.hops.length === 1)
    .map(describe);
  const all = [...before, ...now].filter(({ to }) => to !== "default" || gateway === undefined);
  return all.filter((route, at) => all.findIndex((other) => sameRoute(other, route)) === at);
}

function describe({ to, hops: [hop], metric, table, source, metrics, family }: KernelRoute): Route {
  const mtu = metrics.find(([name]) => name === "mtu")?.[1];
  return {
    to,
    ...(hop!.via !== undefined && { via: hop!.via }),
    ...(metric !== undefined && !(family === 6 && metric === 1024) && { metric }),
    ...(table !== "main" && { table }),
    ...(source !== undefined && { source }),
    ...(hop!.onlink && { onlink: true }),
    ...(mtu !== undefined && { mtu: Number(mtu) }),
  };
}

export function sameRoute(one: Route, other: Route): boolean {
  return one.to === other.to && one.via === other.via && one.table === other.table && one.metric === other.metric;
}

/** Whether the host itself is on the bridge's network. */
export function takesPart({ addresses, dhcp4, dhcp6, acceptRa }: Addressing): boolean {
  return addresses.length > 0 || dhcp4 || dhcp6 || acceptRa;
}

/** The subnet of an address: "192.168.155.0/24". */
export function subnetOf(address: string): string {
  const parsed = parsePrefix(address)!;
  return `${firstAddress(parsed).toString()}/${parsed.length}`;
}
