import { createHash } from "node:crypto";
import { posix } from "node:path";
import { OperatorError } from "../../dynamic/errors";
import type { Addressing, Bond, BridgeConfig, PortVlans, Route, Uplink, Vlan } from "../model";
import { glob } from "./glob";
import { iniLines, parseIni, type Section } from "./ini";
import { hasAddresses, isIpv6, ownedLinks, ownVlans, refuseGuestVlan, vlanMtuWarnings } from "./links";
import { isOwn, outdated, OWN, ownFile, readText } from "./own-file";
import type { ConfigFile, HostFiles, Renderer } from "./renderer";
import { withPlainRoutes } from "./routes";

const folder = "/etc/NetworkManager/system-connections";
const folders = [folder, "/run/NetworkManager/system-connections", "/usr/lib/NetworkManager/system-connections"];
const scripts = "/etc/sysconfig/network-scripts";

/** The highest that there is: of several profiles for a link it decides which one NetworkManager brings up. */
const priority = 999;

/** Seconds that stand for "for ever". */
const forever = 2_147_483_647;

/**
 * NetworkManager by profiles in keyfiles (nm-settings-keyfile(5)). The profiles that the uplink has had stay as they are,
 * and lose to ours by priority. Only if the bridge cannot be made at all, after four tries, the uplink gets them back.
 *
 * A bridge on which the host has no address gets none, not even a link-local one. One that waits for DHCP does so without
 * end, instead of going down with its guests.
 */
export const networkManager: Renderer = {
  name: "networkmanager",

  async persist(declared, host, ours) {
    const config = await withPlainRoutes(declared, host);
    refuseGuestVlan(config, "networkmanager");
    refuseLonelyRoutes(config);
    await refuseRivals(config, host);
    const files = [
      profile(config, config.name, bridgeSections(config)),
      ...config.uplinks.flatMap((uplink) => uplinkProfiles(uplink, config)),
    ];
    const remove = await outdated(config, host, ours, files);
    return { files, remove, handover: await handover(config, host), warnings: warnings(config) };
  },

  async forget(config, host, ours) {
    const remove = await outdated(config, host, ours, []);
    const running = await hasRun(host);
    return { files: [], remove, handover: running ? [["nmcli", "connection", "reload"]] : [], warnings: [] };
  },
};

/** Profiles are told apart by their UUID; ours follow from their names. */
function uuid(config: BridgeConfig, link: string): string {
  const digest = createHash("sha1").update(`${OWN} ${config.name} ${link}`).digest("hex");
  const variant = ((parseInt(digest[16]!, 16) & 0x3) | 0x8).toString(16);
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `5${digest.slice(13, 16)}`,
    `${variant}${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join("-");
}

function profile(config: BridgeConfig, link: string, sections: Section[]): ConfigFile {
  const name = link === config.name ? `${OWN}-${config.name}` : `${OWN}-${config.name}-${link}`;
  const connection: Section = [
    "connection",
    ["id", name],
    ["uuid", uuid(config, link)],
    ["interface-name", link],
    ["autoconnect-priority", priority],
  ];
  const [[, ...first], ...rest] = sections as [Section, ...Section[]];
  const lines = iniLines([[...connection, ...first], ...rest]);
  // NetworkManager ignores profiles that others may read.
  return ownFile(config, `${folder}/${name}.nmconnection`, lines, 0o600);
}

function bridgeSections(config: BridgeConfig): Section[] {
  const { mac, mtu, stp, forwardDelay, vlans, guestVlan, addressing } = config;
  const { dhcp4, dhcp6, acceptRa, gateway4, gateway6 } = addressing;
  return [
    ["connection", ["type", "bridge"], ["autoconnect-slaves", 1]],
    ["ethernet", ["cloned-mac-address", mac], ["mtu", mtu]],
    [
      "bridge",
      ["stp", String(stp)],
      ["forward-delay", forwardDelay],
      ["vlan-filtering", vlans && "true"],
      ["vlan-default-pvid", vlans && (guestVlan ?? 0)],
      ["vlans", vlanList(ownVlans(config))],
    ],
    [
      "ipv4",
      ["method", method4(addressing)],
      ...family(addressing, 4, gateway4),
      // By its MAC address, as its uplink was known: another identifier would get another address.
      ["dhcp-client-id", dhcp4 ? "mac" : undefined],
      ["dhcp-timeout", dhcp4 ? forever : undefined],
    ],
    [
      "ipv6",
      ["method", method6(addressing)],
      ["addr-gen-mode", hasAddresses(addressing) ? "eui64" : undefined],
      ...family(addressing, 6, gateway6),
      ["dhcp-timeout", dhcp6 ? forever : undefined],
      ["ra-timeout", acceptRa ? forever : undefined],
    ],
  ];
}

type Family = 4 | 6;

function familyOf(address: string): Family {
  return isIpv6(address) ? 6 : 4;
}

/** Whether the host takes part in it beyond the link. */
function has({ addresses, dhcp4, dhcp6, acceptRa }: Addressing, family: Family): boolean {
  return (family === 4 ? dhcp4 : dhcp6 || acceptRa) || addresses.some((address) => familyOf(address) === family);
}

function method4(addressing: Addressing): string {
  return addressing.dhcp4 ? "auto" : has(addressing, 4) ? "manual" : "disabled";
}

function method6(addressing: Addressing): string {
  if (addressing.acceptRa) return "auto";
  if (addressing.dhcp6) return "dhcp";
  if (has(addressing, 6)) return "manual";
  return hasAddresses(addressing) ? "link-local" : "disabled";
}

/** Addresses, routes and name servers. NetworkManager takes no others' than of families that the host takes part in. */
function family(addressing: Addressing, family: Family, gateway: string | undefined): Section[1][] {
  if (!has(addressing, family)) return [];
  const { addresses, dns, search, routes } = addressing;
  return [
    ...addresses
      .filter((address) => familyOf(address) === family)
      .map((address, index): Section[1] => [`address${index + 1}`, address]),
    ["gateway", gateway],
    ["dns", list(dns.filter((server) => familyOf(server) === family))],
    ["dns-search", family === 4 || !has(addressing, 4) ? list(search) : undefined],
    ...routes
      .filter((route) => familyOf(route.via ?? route.to) === family)
      .flatMap((route, index): Section[1][] => [
        [`route${index + 1}`, routeText(route)],
        [`route${index + 1}_options`, routeOptions(route)],
      ]),
  ];
}

function routeText({ to, via, metric }: Route): string {
  const none = isIpv6(to) ? "::" : "0.0.0.0";
  if (metric !== undefined) return [to, via ?? none, metric].join(",");
  return via === undefined ? to : [to, via].join(",");
}

function routeOptions({ table, source, onlink, mtu }: Route): string | undefined {
  const options = [
    ...(mtu === undefined ? [] : [`mtu=${mtu}`]),
    ...(onlink ? ["onlink=true"] : []),
    ...(source === undefined ? [] : [`src=${source}`]),
    ...(table === undefined ? [] : [`table=${table}`]),
  ];
  return options.length > 0 ? options.join(",") : undefined;
}

/** A list as GLib's key files have it; none where it is empty. */
function list(values: readonly string[]): string | undefined {
  return values.length > 0 ? values.map((value) => `${value};`).join("") : undefined;
}

function vlanList(vlans: PortVlans | undefined): string | undefined {
  if (!vlans) return undefined;
  const { untagged, tagged } = vlans;
  const all = [...(untagged === undefined ? [] : [`${untagged} pvid untagged`]), ...tagged.map(String)];
  return all.length > 0 ? all.join(",") : undefined;
}

function uplinkProfiles(uplink: Uplink, config: BridgeConfig): ConfigFile[] {
  const member = (link: string, master: string, kind: "bridge" | "bond", sections: Section[]) =>
    profile(config, link, [
      [...sections[0]!, ["master", uuid(config, master)], ["slave-type", kind]],
      ["ethernet", ["mtu", config.mtu]],
      ...sections.slice(1),
    ]);
  const port = (sections: Section[]) =>
    member(uplink.name, config.name, "bridge", [...sections, ["bridge-port", ["vlans", vlanList(uplink.vlans)]]]);
  switch (uplink.kind) {
    case "nic":
      return [port([["connection", ["type", "ethernet"]]])];
    case "vlan":
      return [port(vlanSections(uplink))];
    case "bond":
      return [
        port(bondSections(uplink)),
        ...uplink.ports.map((link) => member(link, uplink.name, "bond", [["connection", ["type", "ethernet"]]])),
      ];
  }
}

function vlanSections({ link, id }: Vlan): Section[] {
  return [
    ["connection", ["type", "vlan"]],
    ["vlan", ["parent", link], ["id", id]],
  ];
}

function bondSections({ mode, miimon, primary, lacpRate, hashPolicy }: Bond): Section[] {
  return [
    ["connection", ["type", "bond"], ["autoconnect-slaves", 1]],
    [
      "bond",
      ["mode", mode],
      ["miimon", miimon],
      ["primary", primary],
      ["lacp_rate", lacpRate],
      ["xmit_hash_policy", hashPolicy],
    ],
  ];
}

/** A profile of somebody else's that could be preferred to one of ours. */
async function refuseRivals(config: BridgeConfig, host: HostFiles): Promise<void> {
  const links = [config.name, ...ownedLinks(config)];
  for (const from of folders)
    for (const name of (await host.list(from)).filter((one) => !isOwn(one) && !one.startsWith("."))) {
      const path = posix.join(from, name);
      const values = parseIni((await readText(host, path)) ?? "");
      const last = (key: string) => values.get(key)?.at(-1);
      if (Number(last("connection.autoconnect-priority") ?? 0) < priority) continue;
      const link = links.find((one) => (last("connection.interface-name") ?? one) === one);
      if (link !== undefined) refuseRival(path, link, "autoconnect-priority");
    }
  for (const name of (await host.list(scripts)).filter((one) => glob("ifcfg-*").test(one))) {
    const text = (await readText(host, `${scripts}/${name}`)) ?? "";
    const link = links.find((one) => new RegExp(`^DEVICE=["']?${one}["']?\\s*$`, "m").test(text));
    if (link !== undefined && new RegExp(`^AUTOCONNECT_PRIORITY=["']?${priority}\\b`, "m").test(text))
      refuseRival(`${scripts}/${name}`, link, "AUTOCONNECT_PRIORITY");
  }
}

function refuseRival(path: string, link: string, key: string): never {
  throw new OperatorError(`${path} is for ${link} and has the highest ${key}, ${priority}, so ours could not win`, {
    fix: "give it a lower one",
  });
}

/** Whether it has run since the host booted. */
export async function hasRun(host: HostFiles): Promise<boolean> {
  return (await host.list("/run/NetworkManager/devices")).length > 0;
}

async function handover(config: BridgeConfig, host: HostFiles): Promise<string[][]> {
  if (!(await hasRun(host))) return [];
  return [
    ["nmcli", "connection", "reload"],
    // With its ports: autoconnect-slaves.
    ["nmcli", "--wait", "25", "connection", "up", "uuid", uuid(config, config.name)],
  ];
}

function warnings(config: BridgeConfig): string[] {
  const { name, addressing } = config;
  const { acceptRa, dhcp6, dns } = addressing;
  const unasked = dns.filter((server) => !has(addressing, familyOf(server)));
  return [
    ...(acceptRa && !dhcp6
      ? [`${name} also asks DHCPv6 for an address where router advertisements say so: NetworkManager cannot do without`]
      : []),
    ...vlanMtuWarnings(config),
    ...unasked.map((server) => `name server ${server} is left out: ${name} has no IPv${familyOf(server)} address`),
  ];
}

function refuseLonelyRoutes({ name, addressing }: BridgeConfig): void {
  const { gateway4, gateway6, routes } = addressing;
  const all = [gateway4, gateway6, ...routes.map(({ via, to }) => via ?? to)].filter((one) => one !== undefined);
  const lonely = all.find((one) => !has(addressing, familyOf(one)));
  if (lonely !== undefined)
    throw new OperatorError(
      `NetworkManager takes no route by ${lonely} on ${name}, which has no IPv${familyOf(lonely)} address`,
      { fix: "declare an address of that family, or leave the route out" },
    );
}
