import * as v from "valibot";
import { OperatorError } from "../dynamic/errors";
import type { Machine } from "../machine/machine";
import { canonicalAddress, overlap, prefix } from "../schema/address";
import {
  cidr,
  type Address,
  type BondOptions,
  type BridgeOptions,
  type Hop,
  type Kernel,
  type Link,
  type PortVlan,
  type Route,
} from "./kernel";
import { LOOK } from "./look-script";

/** What a host tells of its network. */
export interface HostNetwork extends Kernel {
  root: boolean;
  /** Policy rules, one text each. */
  rules: string[];
  programs: Set<string>;
  /** Kinds of links that the kernel has, or could load: "bond", "vlan". */
  kinds: Set<string>;
  /** The subnets of libvirt's networks. */
  networks: { name: string; bridge?: string; subnets: string[] }[];
  /** /etc/resolv.conf */
  resolver: string;
  /** The address by which our own ssh connection came in. */
  entrance?: string;
  /** A change that is under way: its token, and the stage that it is in. */
  change?: { token: string; stage: string };
  /** The token of the last change that was made; empty before the first since boot. */
  last: string;
  /** What there was before the bridge was made, where a change since boot made it. */
  before?: Kernel;
}

/** Looks at the host with one command. Rejects with UnreachableError or CommandError. */
export async function look(machine: Machine, bridge: string, signal?: AbortSignal): Promise<HostNetwork> {
  const { stdout } = await machine.run(["sh", "-s", "--", bridge], { stdin: LOOK, timeout: 60_000, signal });
  return parseLook(stdout);
}

/** Reads what LOOK prints. */
export function parseLook(printed: string): HostNetwork {
  const sections = new Map<string, string>();
  for (const section of printed.split("\x1e").slice(1)) {
    const [, name, text, exitCode] = /^(.*)\n([^]*)\x1f(\d+)\s*$/.exec(section) ?? [];
    if (name !== undefined && exitCode === "0") sections.set(name, text!);
  }
  const text = (name: string) => sections.get(name) ?? "";
  const sysctls = parseSysctls(text("sysctls"));
  const vlans = new Map(parse(rawVlans, "bridge -j vlan", text("vlans"), []).map((port) => [port.ifname, port.vlans]));
  const addresses = new Map(
    parse(rawAddresses, "ip -j addr", text("addresses")).map(({ ifname, addr_info }) => [ifname, addr_info]),
  );
  const clients = parseClients(text("clients"));
  const [token, stage] = text("stage").trim().split(" ");
  const before = text("before");
  const links = parse(rawLinks, "ip -j link", text("links")).map((raw) => ({
    ...link(raw, addresses.get(raw.ifname) ?? [], vlans.get(raw.ifname), sysctls.get(raw.ifname)),
    clients: clients.get(raw.ifname) ?? [],
  }));
  const routes = [
    ...parse(rawRoutes, "ip -j -4 route", text("routes4")).map((raw) => route(4, raw)),
    // A kernel without IPv6 has none.
    ...parse(rawRoutes, "ip -j -6 route", text("routes6"), []).map((raw) => route(6, raw)),
  ];
  return {
    root: text("user").trim() === "0",
    links,
    routes: routes.map((one) => ({ ...one, ...(makesItself(one, links) && { automatic: true as const }) })),
    rules: ["rules4", "rules6"].flatMap((family) =>
      parse(v.array(v.record(v.string(), v.unknown())), "ip -j rule", text(family), []).map(rule),
    ),
    programs: new Set(lines(text("programs"))),
    kinds: new Set(lines(text("kinds"))),
    networks: parseNetworks(text("networks")),
    resolver: text("resolver"),
    entrance: text("client").split(" ")[2],
    ...(stage !== undefined && { change: { token: token!, stage } }),
    last: text("last").trim(),
    ...(before && { before: JSON.parse(before) as Kernel }),
  };
}

const rawAddress = v.looseObject({
  family: v.string(),
  local: v.optional(v.string()),
  address: v.optional(v.string()),
  prefixlen: v.number(),
  broadcast: v.optional(v.string()),
  scope: v.optional(v.string(), "global"),
  label: v.optional(v.string()),
  metric: v.optional(v.number()),
  protocol: v.optional(v.string()),
  valid_life_time: v.optional(v.number()),
  preferred_life_time: v.optional(v.number()),
});

/** `ip` prints an empty object for every link that a filter leaves out. */
function named<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(
    v.array(v.looseObject({ ifname: v.optional(v.string()) })),
    v.transform((links) => links.filter(({ ifname }) => ifname !== undefined)),
    v.array(v.object({ ifname: v.string(), ...entries })),
  );
}

const rawAddresses = named({ addr_info: v.optional(v.array(rawAddress), []) });

const rawLinks = named({
  flags: v.array(v.string()),
  mtu: v.number(),
  link_type: v.optional(v.string()),
  address: v.optional(v.string()),
  master: v.optional(v.string()),
  link: v.optional(v.nullable(v.string())),
  ifalias: v.optional(v.string()),
  inet6_addr_gen_mode: v.optional(v.string()),
  linkinfo: v.optional(
    v.object({ info_kind: v.optional(v.string()), info_data: v.optional(v.record(v.string(), v.unknown())) }),
  ),
});

const rawVlans = named({
  vlans: v.optional(
    v.array(
      v.object({ vlan: v.number(), vlanEnd: v.optional(v.number()), flags: v.optional(v.array(v.string()), []) }),
    ),
    [],
  ),
});

const rawVia = v.object({ family: v.string(), host: v.string() });

const rawHop = v.object({
  gateway: v.optional(v.string()),
  via: v.optional(rawVia),
  dev: v.optional(v.string()),
  weight: v.optional(v.number(), 1),
  flags: v.optional(v.array(v.string()), []),
});

const rawRoutes = v.array(
  v.looseObject({
    type: v.optional(v.string(), "unicast"),
    dst: v.string(),
    gateway: v.optional(v.string()),
    via: v.optional(rawVia),
    dev: v.optional(v.string()),
    table: v.optional(v.string(), "main"),
    protocol: v.optional(v.string(), "boot"),
    scope: v.optional(v.string()),
    prefsrc: v.optional(v.string()),
    metric: v.optional(v.number()),
    flags: v.optional(v.array(v.string()), []),
    pref: v.optional(v.string()),
    expires: v.optional(v.number()),
    metrics: v.optional(v.array(v.record(v.string(), v.union([v.number(), v.string()]))), []),
    nexthops: v.optional(v.array(rawHop), []),
  }),
);

const routeFields = Object.keys(rawRoutes.item.entries);

type Raw<Schema extends v.GenericSchema> = v.InferOutput<Schema>;

function parse<const Schema extends v.GenericSchema>(
  schema: Schema,
  command: string,
  text: string,
  otherwise?: Raw<Schema>,
): Raw<Schema> {
  if (text.trim() === "" && otherwise !== undefined) return otherwise;
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (cause) {
    throw new OperatorError(`what \`${command}\` prints is not understood`, {
      fix: "install iproute2 4.20 or later on the host",
      cause,
    });
  }
}

function link(
  raw: Raw<typeof rawLinks>[number],
  addresses: Raw<typeof rawAddress>[],
  vlans: Raw<typeof rawVlans>[number]["vlans"] | undefined,
  acceptRa: number | undefined,
): Link {
  const kind = raw.linkinfo?.info_kind;
  const data = raw.linkinfo?.info_data ?? {};
  return {
    name: raw.ifname,
    kind,
    up: raw.flags.includes("UP"),
    carrier: raw.flags.includes("LOWER_UP"),
    mtu: raw.mtu,
    mac: raw.link_type === "ether" ? raw.address : undefined,
    master: raw.master,
    parent: raw.link ?? undefined,
    generation: raw.inet6_addr_gen_mode,
    alias: raw.ifalias,
    acceptRa,
    ...(kind === "bridge" && { bridge: bridgeOptions(data) }),
    ...(kind === "bond" && { bond: bondOptions(data) }),
    ...(kind === "vlan" && typeof raw.link === "string" && { vlan: { link: raw.link, id: Number(data["id"]) } }),
    addresses: addresses.flatMap(address),
    ...(vlans && { vlans: vlans.flatMap(portVlans) }),
  };
}

/** Options of a bridge that somebody may have set, with what a fresh bridge has. */
const bridgeDefaults: { [option: string]: string } = {
  priority: "32768",
  hello_time: "200",
  max_age: "2000",
  ageing_time: "30000",
  group_fwd_mask: "0",
  mcast_snooping: "1",
  mcast_querier: "0",
};

function bridgeOptions(data: { [name: string]: unknown }): BridgeOptions {
  return {
    stp: Number(data["stp_state"]) !== 0,
    forwardDelay: Number(data["forward_delay"]),
    vlanFiltering: Number(data["vlan_filtering"] ?? 0) !== 0,
    ...(data["vlan_default_pvid"] !== undefined && { defaultVlan: Number(data["vlan_default_pvid"]) }),
    others: Object.entries(bridgeDefaults).flatMap(([name, fresh]): [string, string][] => {
      const value = data[name];
      return value === undefined || String(value) === fresh ? [] : [[name, String(value)]];
    }),
  };
}

function bondOptions(data: { [name: string]: unknown }): BondOptions {
  const text = (name: string) => (data[name] === undefined ? undefined : String(data[name]));
  return {
    mode: text("mode") ?? "",
    miimon: Number(data["miimon"] ?? 0),
    primary: text("primary"),
    lacpRate: text("ad_lacp_rate"),
    hashPolicy: text("xmit_hash_policy"),
  };
}

function portVlans({ vlan, vlanEnd, flags }: { vlan: number; vlanEnd?: number; flags: string[] }): PortVlan[] {
  const ids = Array.from({ length: (vlanEnd ?? vlan) - vlan + 1 }, (_, at) => vlan + at);
  return ids.map((id) => ({ id, pvid: flags.includes("PVID"), untagged: flags.includes("Egress Untagged") }));
}

const addressFlags = ["noprefixroute", "mngtmpaddr", "home", "autojoin", "temporary"];

const forever = 4294967295;

function address(raw: Raw<typeof rawAddress>): Address[] {
  if ((raw.family !== "inet" && raw.family !== "inet6") || raw.local === undefined) return [];
  const life = (seconds: number | undefined) => (seconds === undefined || seconds >= forever ? undefined : seconds);
  return [
    {
      family: raw.family === "inet" ? 4 : 6,
      local: canonicalAddress(raw.local),
      length: raw.prefixlen,
      peer: raw.address === raw.local ? undefined : raw.address,
      broadcast: raw.broadcast,
      scope: raw.scope,
      label: raw.label,
      metric: raw.metric,
      valid: life(raw.valid_life_time),
      preferred: life(raw.preferred_life_time),
      flags: addressFlags.filter((flag) => raw[flag] === true),
      protocol: raw.protocol,
    },
  ];
}

function hop({ gateway, via, dev, weight, flags }: Raw<typeof rawHop>): Hop[] {
  if (dev === undefined) return [];
  return [{ via: gateway ?? via?.host, device: dev, weight, onlink: flags.includes("onlink") }];
}

function route(family: 4 | 6, raw: Raw<typeof rawRoutes>[number]): Route {
  return {
    family,
    type: raw.type,
    to: raw.dst === "default" || raw.dst.includes("/") ? raw.dst : `${raw.dst}/${family === 4 ? 32 : 128}`,
    table: raw.table,
    protocol: raw.protocol,
    scope: family === 4 ? raw.scope : undefined,
    metric: raw.metric,
    source: raw.prefsrc,
    hops: raw.nexthops.length > 0 ? raw.nexthops.flatMap(hop) : hop({ ...raw, weight: 1 }),
    preference: raw.pref,
    expires: raw.expires,
    metrics: raw.metrics.flatMap((group) =>
      Object.entries(group).map(([name, value]) => [name, String(value)] as [string, string]),
    ),
    unknown: Object.keys(raw).filter((field) => !routeFields.includes(field)),
  };
}

/** Network managers make the routes of subnets themselves, in the kernel's name, for addresses with `noprefixroute`. */
function makesItself({ table, type, protocol, to, hops }: Route, links: readonly Link[]): boolean {
  if (table === "local" || !["unicast", "blackhole", "unreachable", "prohibit"].includes(type)) return true;
  if (protocol !== "kernel") return false;
  const { addresses } = links.find(({ name }) => name === hops[0]?.device) ?? { addresses: [] };
  const [own] = addresses.filter((one) => to !== "default" && overlap(prefix(cidr(one)), prefix(to)));
  return !own?.flags.includes("noprefixroute");
}

function rule(raw: { [name: string]: unknown }): string {
  const { priority, ...others } = raw;
  return `${String(priority)}: ${Object.entries(others)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(" ")}`;
}

/** accept_ra by interface. */
function parseSysctls(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of lines(text)) {
    const [, device, value] = /^\/proc\/sys\/net\/ipv6\/conf\/(.+)\/accept_ra:(\d+)$/.exec(line) ?? [];
    if (device !== undefined) found.set(device, Number(value));
  }
  return found;
}

/** IP versions by interface, which is a word of the client's command line: "dhclient -4 -pf /run/dhclient.eth0.pid eth0". */
function parseClients(text: string): Map<string, (4 | 6)[]> {
  const found = new Map<string, (4 | 6)[]>();
  for (const words of lines(text).map((line) => line.trim().split(" ")))
    for (const word of new Set(words.slice(1))) {
      const versions = [words.includes("-6") ? (6 as const) : (4 as const)];
      found.set(word, [...new Set([...(found.get(word) ?? []), ...versions])].sort());
    }
  return found;
}

/** Names, bridges and addresses of libvirt's network documents, one after the other. */
function parseNetworks(text: string): HostNetwork["networks"] {
  return (text.match(/<network[\s>][^]*?<\/network>/g) ?? []).flatMap((document) => {
    const [, name] = /<name>([^<]+)<\/name>/.exec(document) ?? [];
    // Of a network on a bridge of the host, the bridge is the host's.
    const foreign = /<forward [^>]*mode=['"]bridge['"]/.test(document);
    const [, bridge] = (foreign ? undefined : /<bridge [^>]*name=['"]([^'"]+)/.exec(document)) ?? [];
    const subnets = (document.match(/<ip [^>]*>/g) ?? []).flatMap((ip) => {
      const attribute = (of: string) => new RegExp(`\\b${of}=['"]([^'"]+)`).exec(ip)?.[1];
      const length = attribute("prefix") ?? prefixLength(attribute("netmask"));
      return attribute("address") === undefined || length === undefined ? [] : [`${attribute("address")}/${length}`];
    });
    return name === undefined ? [] : [{ name, bridge, subnets }];
  });
}

function prefixLength(netmask: string | undefined): string | undefined {
  const bits = netmask?.split(".").map((part) => Number(part).toString(2).replaceAll("0", ""));
  return bits === undefined ? undefined : String(bits.join("").length);
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
