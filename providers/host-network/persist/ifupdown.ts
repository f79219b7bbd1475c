import { OperatorError } from "../../dynamic/errors";
import type { BridgeConfig } from "../model";
import { putBack, takeOut } from "./foreign-lines";
import { glob } from "./glob";
import { bondPortCommands, bridgeCommands, noLinkLocal, portCommands } from "./ifupdown-commands";
import { includes, interfacesFiles, interfacesPath, type InterfacesFile, type Stanza } from "./interfaces-file";
import { hasAddresses, isIpv6, ownedLinks } from "./links";
import { isOwn, outdated, OWN, ownFile } from "./own-file";
import type { ConfigFile, HostFiles, Renderer } from "./renderer";
import { routeWords, withPlainRoutes } from "./routes";

/**
 * ifupdown (interfaces(5)), with nothing but iproute2: bridge-utils, vlan and ifenslave need not be there.
 *
 * All stanzas of an interface count, wherever they are, so one of somebody else's that gives the uplink an address
 * cannot be overridden. Its lines are made comments with our mark, and put back by it. "auto" lines stay.
 *
 * The stanza of the bridge never deletes it: `ifdown` leaves guests plugged in.
 */
export const ifupdown: Renderer = {
  name: "ifupdown",

  async persist(declared, host, ours) {
    const config = await withPlainRoutes(declared, host);
    const path = ownPath(config);
    const files = await interfacesFiles(host, (text) => withoutSource(putBack(text, config), path));
    const main = files.get(interfacesPath);
    if (!main)
      throw new OperatorError(`${interfacesPath} is missing, so ifup brings up nothing`, {
        fix: "write it, or choose the renderer that keeps the host's network",
      });
    const foreign = [...files.values()].filter((file) => !isOwn(file.path));
    refuse(config, foreign);
    const links = [config.name, ...ownedLinks(config)];
    const replaced = foreign.flatMap((file) =>
      file.stanzas.filter((stanza) => isOf(stanza, links)).map((stanza): Replaced => ({ file, stanza })),
    );
    const edits = new Map(foreign.map((file) => [file.path, takeOut(file.text, linesOf(file, replaced), config)]));
    if (!includes(files.values(), path)) edits.set(interfacesPath, `${source(path)}\n${edits.get(interfacesPath)}`);
    const own = ownFile(config, path, [...bridgeStanzas(config), ...linkStanzas(config, replaced)]);
    return {
      files: [own, ...(await changed(edits, host))],
      remove: await outdated(config, host, ours, [own]),
      handover: [],
      warnings: [...replacedWarnings(replaced, links), ...(await dnsWarnings(config, host))],
    };
  },

  async forget(config, host, ours) {
    const path = ownPath(config);
    const files = await interfacesFiles(host, (text) => withoutSource(putBack(text, config), path));
    const edits = new Map(
      [...files.values()].filter((file) => !isOwn(file.path)).map(({ path, text }) => [path, text]),
    );
    return {
      files: await changed(edits, host),
      remove: await outdated(config, host, ours, []),
      handover: [],
      warnings: [],
    };
  },
};

/** A stanza of somebody else's that goes out of force. */
interface Replaced {
  file: InterfacesFile;
  stanza: Stanza;
}

/** "source-directory" takes no other characters. */
function ownPath({ name }: BridgeConfig): string {
  return `/etc/network/interfaces.d/${OWN}-${name.replace(/[^a-zA-Z0-9_-]/g, "_")}`;
}

function source(path: string): string {
  return `source ${path}`;
}

function withoutSource(text: string, path: string): string {
  return text
    .split("\n")
    .filter((line) => line !== source(path))
    .join("\n");
}

/** Files of others as they shall be, where they are not so already. */
async function changed(edits: Map<string, string>, host: HostFiles): Promise<ConfigFile[]> {
  const files: ConfigFile[] = [];
  for (const [path, content] of edits)
    if ((await host.read(path)).toString() !== content)
      files.push({ path, content, mode: (await host.status(path))?.mode ?? 0o644, foreign: true });
  return files;
}

/** "iface eth0 ...", or an alias of it: "iface eth0:1 ...". */
function isOf({ keyword, words }: Stanza, links: readonly string[]): boolean {
  return keyword === "iface" && links.includes(words[0]?.split(":")[0] ?? "");
}

function linesOf(file: InterfacesFile, replaced: readonly Replaced[]): Set<number> {
  return new Set(replaced.filter((one) => one.file === file).flatMap(({ stanza }) => [...stanza.lines]));
}

function refuse(config: BridgeConfig, files: readonly InterfacesFile[]): void {
  const links = ownedLinks(config);
  for (const { path, stanzas } of files)
    for (const { keyword, words, options } of stanzas) {
      const line = [keyword, ...words].join(" ");
      const fail = (problem: string, fix: string): never => {
        throw new OperatorError(`${path}: ${problem}`, { fix });
      };
      const renamed = links.find((link) =>
        keyword === "mapping"
          ? words.some((word) => glob(word).test(link))
          : /^(auto|allow-.*)$/.test(keyword) && words.some((word) => isPatternOf(word, link)),
      );
      if (renamed !== undefined)
        fail(`"${line}" gives ${renamed} another logical name`, `name ${renamed} in a plain line: "auto ${renamed}"`);
      if (keyword !== "iface" || isOf({ keyword, words, options, lines: new Set() }, [config.name, ...links])) continue;
      const template = words[words.indexOf("inherits") + 1];
      if (words.includes("inherits") && links.includes(template!))
        fail(
          `"${line}" inherits from ${template}, which becomes a port of ${config.name}`,
          `give ${words[0]} its own options`,
        );
      for (const { name, value } of options) {
        const port = links.find((link) => value.split(/\s+/).includes(link));
        if (port !== undefined && /^(bridge|bond)[-_](ports|slaves)$/.test(name))
          fail(`${port} is in ${words[0]} ("${name} ${value}")`, `take it out of ${words[0]} first`);
      }
    }
}

/** "/eth*=lan", a pattern with a logical name. */
function isPatternOf(word: string, link: string): boolean {
  const [, variable, pattern] = /^(.*?)\/([^/]*)(?:\/\d*)?=.*$/.exec(word) ?? [];
  return pattern !== undefined && (variable !== "" || glob(pattern).test(link));
}

function bridgeStanzas(config: BridgeConfig): string[] {
  const { name, addressing } = config;
  const { addresses, gateway4, gateway6, dhcp4, dhcp6, acceptRa, dns, search, routes } = addressing;
  const inet = addresses.filter((address) => !isIpv6(address));
  const inet6 = addresses.filter(isIpv6);
  const ra = [`accept_ra ${acceptRa ? 2 : 0}`, `autoconf ${acceptRa ? 1 : 0}`];
  const stanzas: string[][] = [
    [`iface ${name} inet manual`, ...bridgeCommands(config).map((command) => `pre-up ${command}`)],
    ...inet.map((address, index) => [
      `iface ${name} inet static`,
      `address ${address}`,
      ...(index === 0 && gateway4 !== undefined ? [`gateway ${gateway4}`] : []),
    ]),
    ...inet6.map((address, index) => [
      `iface ${name} inet6 static`,
      `address ${address}`,
      ...(index === 0 && gateway6 !== undefined ? [`gateway ${gateway6}`] : []),
      ...ra,
    ]),
    ...(dhcp4 ? [[`iface ${name} inet dhcp`]] : []),
    ...(dhcp6 ? [[`iface ${name} inet6 dhcp`, ...ra]] : acceptRa ? [[`iface ${name} inet6 auto`]] : []),
  ];
  const resolver = [
    ...(dns.length > 0 ? [`dns-nameservers ${dns.join(" ")}`] : []),
    ...(search.length > 0 ? [`dns-search ${search.join(" ")}`] : []),
  ];
  stanzas[hasAddresses(addressing) ? 1 : 0]!.push(...resolver);
  stanzas.at(-1)!.push(...routes.map((route) => `up ip route replace ${routeWords(route, name)}`));
  return ["", `auto ${name}`, ...stanzas.flatMap(indented)];
}

/**
 * The links below the bridge, without addresses: for their "auto" lines elsewhere, and for a NIC that the kernel finds
 * only after the bridge was brought up.
 */
function linkStanzas(config: BridgeConfig, replaced: readonly Replaced[]): string[] {
  const aliases = [...new Set(replaced.map(({ stanza }) => stanza.words[0]!))].filter((name) => name.includes(":"));
  const late = (commands: string[]) =>
    commands.map((command) => `up ${command.replace(/ \|\| true$/, " 2>/dev/null || true")}`);
  const stanza = (link: string, commands: string[], carried: string[] = []) =>
    indented([`iface ${link} inet manual`, ...carried, `pre-up ${noLinkLocal(link)}`, ...late(commands)]);
  const nic = (link: string, ...rest: [string[], string[]?]) => ["", `allow-hotplug ${link}`, ...stanza(link, ...rest)];
  return [
    ...config.uplinks.flatMap((uplink) => {
      if (uplink.kind === "vlan") return [];
      const commands = portCommands(uplink, config);
      if (uplink.kind === "nic") return nic(uplink.name, commands, carriedOptions(uplink.name, config, replaced));
      return [
        "",
        ...stanza(uplink.name, commands),
        ...uplink.ports.flatMap((port) => nic(port, bondPortCommands(port, uplink))),
      ];
    }),
    ...aliases.flatMap((alias) => ["", `iface ${alias} inet manual`]),
  ];
}

function indented([first, ...options]: string[]): string[] {
  return [first!, ...options.map((option) => `    ${option}`)];
}

/** What a link needs to be there at all, as a bond that somebody else's stanza makes. */
const linkOptions = /^(bond|ethernet|hardware|link|offload|driver|vlan|wpa|wireless|hwaddress)([-_]|$)/;
const addressOptions =
  /^(address|netmask|network|broadcast|gateway|pointopoint|metric|scope|mtu|dns-.*|hostname|client|vendor|leasetime|accept_ra|autoconf|privext|dhcp|dad-.*|ll-.*|preferred-lifetime|request_prefix|bridge[-_].*)$/;

function carriedOptions(link: string, { mtu }: BridgeConfig, replaced: readonly Replaced[]): string[] {
  const options = replaced
    .filter(({ stanza }) => stanza.words[0] === link)
    .flatMap(({ stanza }) => stanza.options)
    .filter(({ name }) => linkOptions.test(name) || (name === "mtu" && mtu === undefined));
  return [...new Set(options.map(({ name, value }) => `${name} ${value}`))];
}

function replacedWarnings(replaced: readonly Replaced[], links: readonly string[]): string[] {
  return replaced.flatMap(({ file, stanza }) => {
    const lost = stanza.options.filter(({ name }) => !addressOptions.test(name) && !linkOptions.test(name));
    const what = `"${[stanza.keyword, ...stanza.words].join(" ")}" in ${file.path}`;
    return [
      `${what} is commented out while ${links[0]} has ${stanza.words[0]}`,
      ...lost.map(({ name, value }) => `${what}: "${name} ${value}" is not run any more`),
      ...(/cloud-init/i.test(file.text)
        ? [`${file.path} is cloud-init's, which may write it anew; /etc/cloud/cloud.cfg.d can switch that off`]
        : []),
    ];
  });
}

async function dnsWarnings({ name, addressing: { dns, search } }: BridgeConfig, host: HostFiles): Promise<string[]> {
  if (dns.length === 0 && search.length === 0) return [];
  for (const path of ["/sbin/resolvconf", "/usr/sbin/resolvconf", "/etc/network/if-up.d/resolved"])
    if (await host.status(path)) return [];
  return [
    `dns and search of ${name} have no effect at boot: ifupdown hands them to resolvconf, which is not installed`,
  ];
}
