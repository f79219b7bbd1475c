import { isAutomatic, usesDevice, type Address, type Kernel, type Link, type Route } from "./kernel";
import { defaultVlan, filtering, vlanGains, vlanLosses } from "./transition-vlans";
import { addressKey, addressRemoval, addressWords, linkCreation, routeIdentity, routeWords, type Words } from "./words";

/** One file that is run in one go. */
export interface Step {
  /**
   * "ip" and "bridge" take batch files; a line of "sysctl" is a file below /proc/sys and its content, one of "dhcp" is
   * "start" or "stop", an IP version and the link that a DHCP client asks on.
   */
  tool: "ip" | "bridge" | "sysctl" | "dhcp";
  /** A line that fails does not end the step. */
  lenient: boolean;
  lines: Words[];
}

/**
 * What takes the links and routes of `from` to those of `to`; nothing where they are the same. Links that only one of the
 * two has are made, or removed. Links of other names are left alone.
 */
export function transition(from: Kernel, to: Kernel): Step[] {
  const before = byName(from);
  const after = byName(to);
  const fresh = to.links.filter(({ name }) => !before.has(name));
  const gone = from.links.filter(({ name }) => !after.has(name));
  const kept = to.links.filter(({ name }) => before.has(name));
  const owned = new Set(from.links.flatMap(({ addresses }) => addresses.map(({ local }) => local)));
  const old = ({ name }: Link) => before.get(name) ?? bare(after.get(name)!);

  const bridgeOf = ({ name, master = name }: Link) => before.get(master)?.bridge;
  const bridgeThen = ({ name, master = name }: Link) => after.get(master)?.bridge;

  const gains = to.links.flatMap((link) => addressGains(old(link), link, owned));
  const losses = kept.flatMap((link) => addressLosses(before.get(link.name)!, link));
  const going = new Set(gone.map(({ name }) => name));
  const bonds = new Set([...from.links, ...to.links].filter(({ kind }) => kind === "bond").map(({ name }) => name));
  const inBond = ({ master }: Link) => master !== undefined && bonds.has(master);
  const joins = (link: Link) => inBond(link) && old(link).master !== link.master;
  const leaves = (link: Link) => !joins(link) && inBond(old(link)) && old(link).master !== link.master;
  const moved = routes(from, to, going);
  const gained = directFirst(moved.gained);
  const add = (route: Route) => ["route", "append", ...routeWords(route)];
  return [
    step(
      "ip",
      fresh.sort(byDependency).map((link) => ["link", "add", ...linkCreation(link)]),
    ),
    step(
      "sysctl",
      to.links.flatMap((link) => sysctls(before.get(link.name), link)),
    ),
    step("ip", [
      ...to.links.flatMap((link) => settings(old(link), link, inBond(link) || inBond(old(link)))),
      // Who leaves a bond is down for a moment, and who joins one has to be: either loses what it has by then.
      ...to.links.filter(leaves).flatMap((link) => membership(old(link), link, "leaves")),
      ...gains,
      ...to.links.filter((link) => !leaves(link) && !joins(link)).flatMap((link) => membership(old(link), link)),
      ...gained.filter((route) => !isLearned(route)).map(add),
      ...moved.lost.map((route) => ["route", "del", ...routeIdentity(route)]),
      ...losses,
      ...to.links.filter(joins).flatMap((link) => membership(old(link), link, "joins")),
      ...to.links.flatMap((link) => bonding(old(link), link)),
      ...to.links.flatMap((link) => generation(old(link), link, (mode) => mode !== "none")),
      ...gone
        .sort(byDependency)
        .reverse()
        .map(({ name }) => ["link", "del", "dev", name]),
    ]),
    // The kernel has them already where a router's announcement came meanwhile.
    step("ip", gained.filter(isLearned).map(add), true),
    step(
      "ip",
      kept.flatMap((link) => leftOver(before.get(link.name)!, link)),
      true,
    ),
    step(
      "ip",
      kept.flatMap((link) => disturbed(before.get(link.name)!, link, to.routes)),
      true,
    ),
    step(
      "bridge",
      to.links.flatMap((link) => vlanGains(old(link), link, bridgeOf(link), bridgeThen(link))),
    ),
    step(
      "bridge",
      to.links.flatMap((link) => vlanLosses(old(link), link, bridgeOf(link), bridgeThen(link))),
      true,
    ),
    step(
      "ip",
      to.links.flatMap((link) => filtering(old(link), link)),
    ),
    step(
      "dhcp",
      to.links.flatMap((link) => clients("start", link, old(link))),
    ),
  ].filter(({ lines }) => lines.length > 0);
}

/**
 * What brings `to` back, however far the way from it to `from` has been gone: everything of it is said again, and what is
 * there already fails without harm.
 */
export function restoration(from: Kernel, to: Kernel): Step[] {
  const steps = transition(from, to).map((one) => ({ ...one, lenient: true }));
  const before = byName(from);
  const again = to.links.flatMap((link) => {
    const inBetween = before.get(link.name);
    const order = inBetween ? wrongOrder(inBetween, link) : [];
    return [
      ["link", "set", "dev", link.name, ...state(link)],
      ...order.map((address) => ["addr", "del", ...addressRemoval(address, link.name)]),
      ...link.addresses.map((address) => ["addr", "add", ...addressWords(address, link.name, true)]),
    ];
  });
  const back = directFirst(to.routes)
    .filter((route) => !isAutomatic(route))
    .map((route) => ["route", "append", ...routeWords(route)]);
  return [...farewell(from, to), ...steps, step("ip", [...again, ...back], true)].filter(
    ({ lines }) => lines.length > 0,
  );
}

function step(tool: Step["tool"], lines: Words[], lenient = false): Step {
  return { tool, lenient, lines };
}

function byName({ links }: Kernel): Map<string, Link> {
  return new Map(links.map((link) => [link.name, link]));
}

/** A link as linkCreation leaves it. */
function bare(link: Link): Link {
  return {
    ...link,
    up: false,
    // Not known: a bridge's follows its ports', a VLAN's its link's.
    mtu: 0,
    master: undefined,
    generation: "eui64",
    alias: undefined,
    ...(link.bridge && { bridge: { ...link.bridge, stp: false, forwardDelay: 0, vlanFiltering: false } }),
    ...(link.bond && { bond: { ...link.bond, primary: undefined } }),
    addresses: [],
    vlans: undefined,
    clients: [],
  };
}

/** What is below comes first. */
function byDependency(one: Link, other: Link): number {
  const rank = ({ kind }: Link) => ["bond", "vlan", "bridge"].indexOf(kind ?? "");
  return rank(one) - rank(other);
}

function sysctls(old: Link | undefined, link: Link): Words[] {
  if (link.acceptRa === undefined || old?.acceptRa === link.acceptRa) return [];
  return [[`/proc/sys/net/ipv6/conf/${link.name}/accept_ra`, String(link.acceptRa)]];
}

function state({ up }: Link): Words {
  return [up ? "up" : "down"];
}

/** Attributes that a link has by itself. A bond lends its MAC address to its ports, which have their own again afterwards. */
function settings(old: Link, link: Link, inBond: boolean): Words[] {
  const set = (...words: Words) => ["link", "set", "dev", link.name, ...words];
  const { bridge } = link;
  return [
    ...(!inBond && old.mac !== link.mac && link.mac !== undefined ? [set("address", link.mac)] : []),
    ...(old.mtu !== link.mtu ? [set("mtu", String(link.mtu))] : []),
    ...(old.alias !== link.alias && link.alias !== undefined ? [set("alias", link.alias)] : []),
    ...generation(old, link, (mode) => mode === "none"),
    ...(bridge
      ? [...spanningTree(old, link), ...defaultVlan(old, link)].map((words) => set("type", "bridge", ...words))
      : []),
    ...(old.up !== link.up ? [set(...state(link))] : []),
  ];
}

/** Linux takes a short delay only without spanning tree, so the one that allows the other comes first. */
function spanningTree({ bridge: old }: Link, { bridge }: Link): Words[] {
  const stp = old?.stp === bridge!.stp ? [] : [["stp_state", bridge!.stp ? "1" : "0"]];
  const delay = old?.forwardDelay === bridge!.forwardDelay ? [] : [["forward_delay", String(bridge!.forwardDelay)]];
  return bridge!.stp ? [...delay, ...stp] : [...stp, ...delay];
}

function generation(old: Link, link: Link, when: (mode: string) => boolean): Words[] {
  if (link.generation === undefined || old.generation === link.generation || !when(link.generation)) return [];
  return [["link", "set", "dev", link.name, "addrgenmode", link.generation]];
}

/** A NIC joins a bond only while it is down, and leaves it down. */
function membership(old: Link, link: Link, bond?: "joins" | "leaves"): Words[] {
  if (old.master === link.master) return [];
  const set = (...words: Words) => ["link", "set", "dev", link.name, ...words];
  return [
    ...(bond === "joins" ? [set("down")] : []),
    set(...(link.master === undefined ? ["nomaster"] : ["master", link.master])),
    ...(bond ? [set(...state(link))] : []),
  ];
}

/** What may change of a bond while it has ports. */
function bonding({ bond: old }: Link, { name, bond }: Link): Words[] {
  if (!bond) return [];
  const set = (option: string, value: string) => ["link", "set", "dev", name, "type", "bond", option, value];
  return [
    ...(old && old.miimon !== bond.miimon ? [set("miimon", String(bond.miimon))] : []),
    ...(bond.primary !== undefined && old?.primary !== bond.primary ? [set("primary", bond.primary)] : []),
  ];
}

function addressGains(old: Link, link: Link, owned: Set<string>): Words[] {
  const there = new Set(old.addresses.map(addressKey));
  return link.addresses
    .filter((address) => !there.has(addressKey(address)))
    .map((address) => ["addr", "add", ...addressWords(address, link.name, owned.has(address.local))]);
}

/** The last first: the first address of a subnet takes the others with it. */
function addressLosses(old: Link, link: Link): Words[] {
  return lost(old, link)
    .reverse()
    .map((address) => ["addr", "del", ...addressRemoval(address, link.name)]);
}

function lost(old: Link, link: Link): Address[] {
  const wanted = new Set(link.addresses.map(addressKey));
  return old.addresses.filter((address) => !wanted.has(addressKey(address)));
}

/** Whether the kernel has it from a router's announcement. */
function isLearned({ family, protocol }: Route): boolean {
  return family === 6 && protocol === "ra";
}

/** Routes that a router's announcement made with an address stay when the address goes. */
function leftOver(old: Link, link: Link): Words[] {
  return lost(old, link)
    .filter((address) => address.family === 6 && address.valid !== undefined)
    .map(({ local, length }) => ["route", "del", `${local}/${length}`, "dev", link.name, "proto", "kernel"]);
}

/** The loss of an address can take other addresses and routes of its link along. */
function disturbed(old: Link, link: Link, wanted: readonly Route[]): Words[] {
  if (!lost(old, link).some(({ family }) => family === 4)) return [];
  const addresses = link.addresses.filter(({ family }) => family === 4);
  if (addresses.length === 0) return [];
  return [
    ...addresses.map((address) => ["addr", "replace", ...addressWords(address, link.name, true)]),
    ...wanted
      .filter((route) => route.family === 4 && !isAutomatic(route) && usesDevice(route, link.name))
      .map((route) => ["route", "append", ...routeWords(route)]),
  ];
}

/** The IPv4 addresses that have to go and come again, because one that is missing comes before them. */
function wrongOrder(inBetween: Link, link: Link): Address[] {
  const there = inBetween.addresses.filter(({ family }) => family === 4).map(addressKey);
  const ours = link.addresses.filter(({ family }) => family === 4);
  const first = ours.findIndex((address) => !there.includes(addressKey(address)));
  return first < 0 || there.length === 0 ? [] : ours.slice(first + 1);
}

/** Clients that a link has and the other one has not. */
function clients(verb: "start" | "stop", has: Link, hasNot: Link | undefined): Words[] {
  if (has.clients === undefined) return [];
  const others = hasNot?.clients ?? [];
  return has.clients.filter((version) => !others.includes(version)).map((version) => [verb, String(version), has.name]);
}

/**
 * DHCP clients that nothing is left to do for, ended without a word to the server: their addresses have gone elsewhere, or
 * with their link.
 */
export function farewell(from: Kernel, to: Kernel): Step[] {
  const after = byName(to);
  const lines = from.links.flatMap((link) => clients("stop", link, after.get(link.name)));
  return [step("dhcp", lines, true)].filter(({ lines }) => lines.length > 0);
}

/** A gateway has to be reachable before a route through it is taken. */
function directFirst(routes: readonly Route[]): Route[] {
  const isDirect = ({ hops }: Route) => hops.every(({ via }) => via === undefined);
  return [...routes.filter(isDirect), ...routes.filter((route) => !isDirect(route))];
}

/** Routes of a link that goes need no removal. */
function routes(from: Kernel, to: Kernel, going: Set<string>): { gained: Route[]; lost: Route[] } {
  const key = (route: Route) => routeIdentity(route).join(" ");
  const known = new Set(from.routes.map(key));
  const wanted = new Set(to.routes.map(key));
  return {
    gained: to.routes.filter((route) => !isAutomatic(route) && !known.has(key(route))),
    lost: from.routes.filter(
      (route) => !isAutomatic(route) && !wanted.has(key(route)) && !route.hops.some(({ device }) => going.has(device)),
    ),
  };
}
