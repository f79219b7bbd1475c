import { OperatorError } from "../../dynamic/errors";
import { parsePrefix } from "../../schema/address";
import type { Addressing, Bond, BridgeConfig, Vlan } from "../model";
import { addedLine, putBack, takeOut } from "./foreign-lines";
import { folder, ifcfgFiles, isOf, keysOf, type IfcfgFile } from "./ifcfg-file";
import { bonds, hasAddresses, isIpv6, nics, ownedLinks, vlans } from "./links";
import { hasRun } from "./network-manager";
import { macOf } from "./networkd-files";
import { isOwn, outdated, OWN, ownFile } from "./own-file";
import type { ConfigFile, HostFiles, Renderer } from "./renderer";
import { routeWords, withPlainRoutes } from "./routes";

/**
 * RHEL's network scripts (sysconfig.txt of its package initscripts), for hosts without NetworkManager.
 *
 * The scripts bring up every file of a NIC, so that of somebody else cannot be overridden: its addresses are made
 * comments with our mark, lines that make the NIC a port are added, and both are taken back by the mark.
 *
 * The scripts have no word for a link without addresses of its own, nor for a forwarding host that listens to routers:
 * sysctl.d(5) has.
 */
export const ifcfg: Renderer = {
  name: "ifcfg",

  async persist(declared, host, ours) {
    const config = await withPlainRoutes(declared, host);
    const foreign = (await ifcfgFiles(host, (text) => putBack(text, config))).filter(({ path }) => !isOwn(path));
    await refuse(config, foreign, host);
    const files = [
      ...definition(config, config.name, bridgeLines(config)),
      ...routeFiles(config),
      ...bonds(config).flatMap((bond) => definition(config, bond.name, bondLines(bond, config))),
      ...vlans(config).flatMap((vlan) => definition(config, vlan.name, vlanLines(vlan, config))),
      ...sysctls(config),
    ];
    const edits = new Map(foreign.map(({ path, text }) => [path, text]));
    const warnings: string[] = [];
    for (const link of nics(config)) {
      const mac = await macOf(link, host);
      const theirs = foreign.filter((file) => isOf(file, link, mac));
      if (theirs.length === 0)
        files.push(...definition(config, link, [`DEVICE=${link}`, ...memberLines(link, config)]));
      for (const { path, text } of theirs) {
        edits.set(path, asMember(text, link, config));
        warnings.push(`the addresses in ${path} are commented out while ${config.name} has ${link}`);
      }
    }
    return {
      files: [...files, ...(await changed(edits, host))],
      remove: await outdated(config, host, ours, files),
      handover: [],
      warnings: [...warnings, ...dnsWarnings(config)],
    };
  },

  async forget(config, host, ours) {
    const files = await ifcfgFiles(host, (text) => putBack(text, config));
    const edits = new Map(files.filter(({ path }) => !isOwn(path)).map(({ path, text }) => [path, text]));
    return {
      files: await changed(edits, host),
      remove: await outdated(config, host, ours, []),
      handover: [],
      warnings: [],
    };
  },
};

async function changed(edits: Map<string, string>, host: HostFiles): Promise<ConfigFile[]> {
  const files: ConfigFile[] = [];
  for (const [path, content] of edits)
    if ((await host.read(path)).toString() !== content)
      files.push({ path, content, mode: (await host.status(path))?.mode ?? 0o644, foreign: true });
  return files;
}

async function refuse(config: BridgeConfig, foreign: readonly IfcfgFile[], host: HostFiles): Promise<void> {
  const { name, addressing, vlans: own } = config;
  const fail = (problem: string, fix: string): never => {
    throw new OperatorError(problem, { fix });
  };
  if (await hasRun(host))
    fail("NetworkManager runs on this host, and the network scripts leave their files to it", "choose networkmanager");
  if (own) fail(`the network scripts have no word for VLANs of the ports of ${name}`, "leave vlanFiltering out");
  if (addressing.dhcp4 && addressing.addresses.some((address) => !isIpv6(address)))
    fail(
      `the network scripts take either DHCP or static IPv4 addresses for ${name}`,
      "declare the addresses, or DHCP alone",
    );
  const made = [name, ...ownedLinks(config).filter((link) => !nics(config).includes(link))];
  for (const link of made) {
    const file = foreign.find((one) => isOf(one, link, undefined));
    if (file) fail(`${file.path} defines ${link} already`, `move it away, e.g. to ${file.path}.bak`);
  }
  for (const link of nics(config)) {
    const mac = await macOf(link, host);
    const file = foreign.find((one) => isOf(one, link, mac));
    const bridge = file?.values.get("BRIDGE");
    const master = bridge ?? file?.values.get("MASTER");
    if (master !== undefined && !made.includes(master))
      fail(`${file!.path} has ${link} in ${master}`, `take it out of ${master} first`);
  }
}

function definition(config: BridgeConfig, link: string, lines: string[]): ConfigFile[] {
  const suffix = link === config.name ? config.name : `${config.name}-${link}`;
  return [ownFile(config, `${folder}/ifcfg-${OWN}-${suffix}`, lines)];
}

function bridgeLines({ name, mac, mtu, stp, forwardDelay, addressing }: BridgeConfig): string[] {
  return [
    `DEVICE=${name}`,
    `NAME="${name}"`,
    "TYPE=Bridge",
    "ONBOOT=yes",
    ...(mac === undefined ? [] : [`MACADDR=${mac}`]),
    ...(mtu === undefined ? [] : [`MTU=${mtu}`]),
    // DELAY is seconds to some releases and hundredths to others; this is always what the kernel has.
    ...(stp ? ["STP=yes", `BRIDGING_OPTS="forward_delay=${forwardDelay * 100}"`] : ["STP=no", "DELAY=0"]),
    "NOZEROCONF=yes",
    ...inet(name, addressing),
    ...inet6(name, addressing),
    ...resolver(addressing),
  ];
}

function inet(name: string, { addresses, dhcp4, gateway4 }: Addressing): string[] {
  if (dhcp4) return ["BOOTPROTO=dhcp", "PERSISTENT_DHCLIENT=yes"];
  const own = addresses.filter((address) => !isIpv6(address));
  // The scripts look for the gateway in the subnet of the first.
  const first = own.findIndex((address) => gateway4 !== undefined && isIn(address, gateway4));
  const sorted = first > 0 ? [own[first]!, ...own.slice(0, first), ...own.slice(first + 1)] : own;
  return [
    "BOOTPROTO=none",
    ...sorted.flatMap((address, index) => {
      const [ip, length] = address.split("/");
      return [`IPADDR${index}=${ip}`, `PREFIX${index}=${length}`];
    }),
    ...(gateway4 !== undefined && first >= 0 ? ["DEFROUTE=yes", `GATEWAY=${gateway4}`, `GATEWAYDEV=${name}`] : []),
  ];
}

function isIn(address: string, gateway: string): boolean {
  const parsed = parsePrefix(address);
  const other = parsePrefix(`${gateway}/32`);
  return parsed !== undefined && other !== undefined && other.address.match(parsed.address, parsed.length);
}

function inet6(name: string, { addresses, dhcp6, acceptRa, gateway6, ...rest }: Addressing): string[] {
  const own = addresses.filter(isIpv6);
  if (!hasAddresses({ addresses, dhcp6, acceptRa, ...rest })) return ["IPV6INIT=no"];
  return [
    "IPV6INIT=yes",
    // The scripts would set accept_ra to 1, which is not enough for a host that forwards for its guests: see sysctls.
    ...(acceptRa ? ["IPV6_AUTOCONF=yes", "IPV6_SET_SYSCTLS=no"] : ["IPV6_AUTOCONF=no"]),
    ...(dhcp6 ? ["DHCPV6C=yes", "PERSISTENT_DHCLIENT_IPV6=yes"] : []),
    ...(own.length > 0 ? [`IPV6ADDR=${own[0]}`] : []),
    ...(own.length > 1 ? [`IPV6ADDR_SECONDARIES="${own.slice(1).join(" ")}"`] : []),
    ...(gateway6 === undefined ? [] : [`IPV6_DEFAULTGW=${gateway6}%${name}`]),
  ];
}

/** As many as the C library asks. */
const mostServers = 3;

function resolver({ dns, search }: Addressing): string[] {
  return [
    ...dns.slice(0, mostServers).map((server, index) => `DNS${index + 1}=${server}`),
    ...(search.length > 0 ? [`DOMAIN="${search.join(" ")}"`] : []),
  ];
}

function dnsWarnings({ name, addressing: { dns } }: BridgeConfig): string[] {
  return dns
    .slice(mostServers)
    .map((server) => `name server ${server} is left out: the network scripts know ${mostServers} for ${name}`);
}

/** Lines of ip(8), which the scripts run for the device that the file is called after. */
function routeFiles(config: BridgeConfig): ConfigFile[] {
  const { name, addressing } = config;
  const { addresses, gateway4, routes } = addressing;
  const elsewhere = gateway4 !== undefined && !addresses.some((one) => !isIpv6(one) && isIn(one, gateway4));
  const all = [...(elsewhere ? [{ to: "0.0.0.0/0", via: gateway4, onlink: true }] : []), ...routes];
  return ["route", "route6"].flatMap((file) => {
    const lines = all
      .filter(({ to, via }) => isIpv6(via ?? to) === (file === "route6"))
      .map((route) => routeWords(route, name));
    return lines.length > 0 ? ownFile(config, `${folder}/${file}-${OWN}-${name}`, lines) : [];
  });
}

function bondLines({ name, mode, miimon, primary, lacpRate, hashPolicy }: Bond, config: BridgeConfig): string[] {
  const options = [
    `mode=${mode} miimon=${miimon}`,
    lacpRate && `lacp_rate=${lacpRate}`,
    hashPolicy && `xmit_hash_policy=${hashPolicy}`,
    primary && `primary=${primary}`,
  ];
  return [
    `DEVICE=${name}`,
    "TYPE=Bond",
    "BONDING_MASTER=yes",
    `BONDING_OPTS="${options.filter(Boolean).join(" ")}"`,
    ...memberLines(name, config),
  ];
}

function vlanLines({ name, link, id }: Vlan, config: BridgeConfig): string[] {
  return [`DEVICE=${name}`, "VLAN=yes", `PHYSDEV=${link}`, `VID=${id}`, ...memberLines(name, config)];
}

/** What makes a link a port of the bridge, or of a bond in it. */
function memberLines(link: string, config: BridgeConfig): string[] {
  const bond = bonds(config).find(({ ports }) => ports.includes(link));
  return [
    "ONBOOT=yes",
    "BOOTPROTO=none",
    ...(config.mtu === undefined ? [] : [`MTU=${config.mtu}`]),
    ...(bond ? [`MASTER=${bond.name}`, "SLAVE=yes"] : [`BRIDGE=${config.name}`]),
  ];
}

/** Keys that give a NIC addresses, or a place that ours contradicts. All others stay, such as its name and options. */
const replacedKeys =
  /^(ONBOOT|BOOTPROTO|BRIDGE|MASTER|SLAVE|(IPADDR|PREFIX|NETMASK|GATEWAY|BROADCAST|NETWORK|DNS|ARPCHECK|ARPUPDATE|SRCADDR|SCOPE|METRIC|DOMAIN|DEFROUTE|PEERDNS|PEERROUTES|DHCP|PERSISTENT_DHCLIENT|IPV4|IPV6).*)$/;

function asMember(text: string, link: string, config: BridgeConfig): string {
  const replaced = keysOf(text).filter(
    ({ key }) => replacedKeys.test(key) || (key === "MTU" && config.mtu !== undefined),
  );
  const lines = memberLines(link, config).map((line) => addedLine(line, config));
  return [...lines, takeOut(text, new Set(replaced.map(({ number }) => number)), config)].join("\n");
}

/** udev applies it when a link appears; addr_gen_mode 1 is none. */
function sysctls(config: BridgeConfig): ConfigFile[] {
  const { name, addressing } = config;
  const quiet = [...ownedLinks(config), ...(hasAddresses(addressing) ? [] : [name])];
  const lines = [
    ...quiet.flatMap((link) => [`-net/ipv6/conf/${link}/addr_gen_mode = 1`, `-net/ipv6/conf/${link}/accept_ra = 0`]),
    ...(addressing.acceptRa ? [`-net/ipv6/conf/${name}/accept_ra = 2`] : []),
  ];
  return lines.length > 0 ? [ownFile(config, `/etc/sysctl.d/90-${OWN}-${name}.conf`, lines)] : [];
}
