import type { Route } from "../../../../providers/host-network/model";
import type { SmallHost } from "./small-host";

/** What `ip` and `bridge` tell of a link that a test wants to know. */
export interface SeenLink {
  mac: string;
  mtu: number;
  up: boolean;
  /** The bridge that it is a port of. */
  master?: string;
  /** In CIDR notation, without IPv6 link-local ones. */
  addresses: string[];
  /** Whether it has an IPv6 link-local address. */
  linkLocal: boolean;
  /** "default via 192.168.155.1 metric 100", without what comes with addresses. */
  routes: string[];
  /** The VLANs of a filtering bridge's port: "10 PVID Egress Untagged". */
  vlans: string[];
  bridge?: { stp: boolean; forwardDelay: number; filtering: boolean };
  bond?: { mode: string; miimon: number; lacpRate?: string; hashPolicy?: string; primary?: string };
  vlan?: { id: number; link: string };
}

/** Every link but lo. */
export function seenLinks(host: SmallHost): { [name: string]: SeenLink } {
  const routes = ["-4", "-6"]
    .flatMap((family) => json(host, "ip", family, "-j", "route", "show", "table", "all"))
    .filter(({ protocol, dst }) => dst === "default" || !["kernel", "dhcp", "ra"].includes(protocol))
    .filter(({ table }) => table !== "local");
  const vlans = json(host, "bridge", "-j", "vlan");
  const links = json(host, "ip", "-j", "-d", "address").filter(({ ifname }) => ifname !== "lo");
  // Every port has a VLAN, which counts only where it is looked at.
  const filtering = links
    .filter(({ linkinfo }) => linkinfo?.info_data?.vlan_filtering === 1)
    .map(({ ifname }) => ifname);
  const vlansOf = ({ ifname, master = ifname }: any) =>
    filtering.includes(master) ? (vlans.find((one) => one.ifname === ifname)?.vlans ?? []).map(vlanText) : [];
  return Object.fromEntries(
    links
      .sort((a, b) => (a.ifname < b.ifname ? -1 : 1))
      .map((link) => [
        link.ifname,
        {
          mac: link.address,
          mtu: link.mtu,
          up: link.flags.includes("UP"),
          ...(link.master && { master: link.master }),
          addresses: link.addr_info
            .filter(isGlobal)
            .map(({ local, prefixlen }: any) => `${local}/${prefixlen}`)
            .sort(),
          linkLocal: link.addr_info.some((address: any) => !isGlobal(address)),
          routes: routes
            .filter(({ dev }) => dev === link.ifname)
            .map(routeText)
            .sort(),
          vlans: vlansOf(link),
          ...(link.linkinfo?.info_kind === "bridge" && { bridge: bridgeOf(link.linkinfo.info_data) }),
          ...(link.linkinfo?.info_kind === "bond" && { bond: bondOf(link.linkinfo.info_data) }),
          ...(link.linkinfo?.info_kind === "vlan" && { vlan: { id: link.linkinfo.info_data.id, link: link.link } }),
        },
      ]),
  );
}

/** Whether an IPv6 address is still being looked for twice. */
export function isSettling(host: SmallHost): boolean {
  return json(host, "ip", "-6", "-j", "address").some(({ addr_info }) =>
    addr_info.some(({ tentative }: any) => tentative),
  );
}

function json(host: SmallHost, ...argv: string[]): any[] {
  return JSON.parse(host.sh(...argv) || "[]");
}

function isGlobal({ scope }: any): boolean {
  return scope !== "link";
}

function routeText({ dst, gateway, metric, table, prefsrc, flags = [], metrics = [] }: any): string {
  const mtu = metrics.find((one: any) => one.mtu !== undefined)?.mtu;
  return routeWords({
    to: dst,
    via: gateway,
    metric: metric || undefined,
    table,
    source: prefsrc,
    // A static default gateway has it from ifupdown, where it does not matter.
    onlink: flags.includes("onlink") && dst !== "default",
    mtu,
  });
}

/** As ip(8) says it. */
export function routeWords({ to, via, metric, table, source, onlink, mtu }: Route): string {
  return [
    to,
    ...(via ? [`via ${via}`] : []),
    ...(metric === undefined ? [] : [`metric ${metric}`]),
    ...(table ? [`table ${table}`] : []),
    ...(source ? [`src ${source}`] : []),
    ...(onlink ? ["onlink"] : []),
    ...(mtu === undefined ? [] : [`mtu ${mtu}`]),
  ].join(" ");
}

function vlanText({ vlan, flags = [] }: any): string {
  return [vlan, ...flags].join(" ");
}

function bridgeOf({ stp_state, forward_delay, vlan_filtering }: any): SeenLink["bridge"] {
  return { stp: stp_state === 1, forwardDelay: forward_delay / 100, filtering: vlan_filtering === 1 };
}

function bondOf({ mode, miimon, ad_lacp_rate, xmit_hash_policy, primary }: any): SeenLink["bond"] {
  return {
    mode,
    miimon,
    ...(mode === "802.3ad" && { lacpRate: ad_lacp_rate, hashPolicy: xmit_hash_policy }),
    ...(primary && { primary }),
  };
}
