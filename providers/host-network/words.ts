import { cidr, type Address, type Link, type Route } from "./kernel";

/** Words of one line of an `ip -batch` or `bridge -batch` file. */
export type Words = string[];

function pair(name: string, value: string | number | undefined): Words {
  return value === undefined ? [] : [name, String(value)];
}

/** The address with all that belongs to it; `quick` where it is the host's own already and nobody else can have it. */
export function addressWords(address: Address, device: string, quick: boolean): Words {
  const { family, peer, length, local, broadcast, scope, label, metric, valid, preferred, flags } = address;
  return [
    ...(peer === undefined ? [cidr(address)] : [local, "peer", `${peer}/${length}`]),
    ...pair("broadcast", broadcast),
    "dev",
    device,
    ...(family === 4 && scope !== "global" ? ["scope", scope] : []),
    // Linux takes labels of the device's own name only.
    ...(label !== undefined && label !== device && label.startsWith(`${device}:`) ? ["label", label] : []),
    ...pair("metric", metric),
    ...(valid === undefined ? [] : ["valid_lft", String(valid), "preferred_lft", String(preferred ?? valid)]),
    ...flags.filter((flag) => flag !== "temporary"),
    ...(family === 6 && quick ? ["nodad"] : []),
  ];
}

/** What tells the address from the others of its device. */
export function addressKey({ local, length, peer }: Address): string {
  return `${local}/${length}${peer === undefined ? "" : ` peer ${peer}`}`;
}

export function addressRemoval(address: Address, device: string): Words {
  const { local, peer, length } = address;
  return [...(peer === undefined ? [cidr(address)] : [local, "peer", `${peer}/${length}`]), "dev", device];
}

/** What tells the route from others: enough for `ip route del`. */
export function routeIdentity(route: Route): Words {
  const { type, to, table, protocol, scope, metric, hops, source } = route;
  const [first, ...others] = hops;
  return [
    ...(type === "unicast" ? [] : [type]),
    to,
    ...(first && others.length === 0 ? hopWords(route, first) : []),
    ...pair("proto", protocol),
    ...(table === "main" ? [] : ["table", table]),
    ...(scope === undefined || scope === "global" ? [] : ["scope", scope]),
    ...pair("src", source),
    ...(metric === undefined ? [] : ["metric", String(metric)]),
    ...(others.length > 0
      ? hops.flatMap((hop) => [
          "nexthop",
          ...hopWords(route, hop),
          "weight",
          String(hop.weight),
          ...(hop.onlink ? ["onlink"] : []),
        ])
      : []),
  ];
}

/** The route with all that belongs to it. */
export function routeWords(route: Route): Words {
  const { hops, preference, expires, metrics } = route;
  const identity = routeIdentity(route);
  const at = identity.indexOf("nexthop");
  const [head, legs] = at < 0 ? [identity, []] : [identity.slice(0, at), identity.slice(at)];
  return [
    ...head,
    ...(hops.length === 1 && hops[0]!.onlink ? ["onlink"] : []),
    ...metrics.flat(),
    ...(preference === undefined || preference === "medium" ? [] : ["pref", preference]),
    ...pair("expires", expires),
    ...legs,
  ];
}

function hopWords({ family }: Route, { via, device }: Route["hops"][number]): Words {
  if (via === undefined) return ["dev", device];
  return ["via", ...(family === 4 && via.includes(":") ? ["inet6"] : []), via, "dev", device];
}

/** What makes a link of ours. It comes without anything on it and switched off, so that nothing is disturbed yet. */
export function linkCreation(link: Link): Words {
  const { name, kind, mac, vlan, bond } = link;
  return [
    ...(vlan ? ["link", vlan.link] : []),
    "name",
    name,
    ...(mac === undefined || vlan ? [] : ["address", mac]),
    "type",
    kind!,
    ...(vlan ? ["id", String(vlan.id)] : []),
    ...(link.bridge ? bridgeWords(link.bridge) : []),
    ...(bond ? bondWords(bond) : []),
  ];
}

function bridgeWords({ others, defaultVlan }: NonNullable<Link["bridge"]>): Words {
  return [
    ...["stp_state", "0", "forward_delay", "0"],
    // 1 is Linux's own, and a kernel that cannot filter knows of none.
    ...(defaultVlan === 1 ? [] : pair("vlan_default_pvid", defaultVlan)),
    ...others.flat(),
  ];
}

function bondWords(bond: NonNullable<Link["bond"]>): Words {
  const lacp = bond.mode === "802.3ad";
  return [
    "mode",
    bond.mode,
    "miimon",
    String(bond.miimon),
    ...(lacp ? [...pair("lacp_rate", bond.lacpRate), ...pair("xmit_hash_policy", bond.hashPolicy)] : []),
  ];
}

/**
 * Lines of a batch file. Words come from what Linux itself printed or from checked arguments; one that a batch file would
 * read as more than one word, or as a comment, is a defect.
 */
export function batch(lines: readonly Words[]): string {
  for (const word of lines.flat())
    if (!/^[^\s"'\\#]+$/.test(word)) throw new TypeError(`${JSON.stringify(word)} cannot be a word of a batch file`);
  return lines.map((words) => `${words.join(" ")}\n`).join("");
}
