import { stringify } from "yaml";
import { OperatorError } from "../../dynamic/errors";
import type { Bond, BridgeConfig, Route } from "../model";
import { iniLines, type Section } from "./ini";
import { bonds, gateways, hasAddresses, nics, ownVlans, refuseGuestVlan, vlanMtuWarnings, vlans } from "./links";
import { folder, isOf, readNetplan, type Netplan } from "./netplan-files";
import { refuseEarlier } from "./networkd";
import { folder as networkdFolder, foreignFileOf, hasRun, macOf } from "./networkd-files";
import { bridgeVlans, filtering, stacked, vlansOn } from "./networkd-sections";
import { outdated, OWN, ownFile } from "./own-file";
import type { ConfigFile, HostFiles, Renderer } from "./renderer";
import { withPlainRoutes } from "./routes";

/**
 * netplan (netplan(5)) over systemd-networkd. Lists in its files only grow, so nothing of somebody else's definition of
 * the uplink can be taken back in a later file. Ours has another ID, whose generated file sorts first, and networkd
 * takes the first that matches. What netplan has no word for is said to networkd, in drop-ins of the generated files.
 *
 * Hosts that netplan hands to NetworkManager are that renderer's: there our profiles win by priority.
 */
export const netplan: Renderer = {
  name: "netplan",

  async persist(declared, host, ours) {
    const config = await withPlainRoutes(declared, host);
    refuseGuestVlan(config, "netplan");
    const there = await readNetplan(host);
    refuse(config, there);
    await refuseEarlier(config, host, (link) => generated(link, config));
    const definitions = await network(config, there, host);
    const lines = stringify({ network: definitions }, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false })
      .trimEnd()
      .split("\n");
    // Others could read keys of wireless networks in such files, so netplan wants all of them closed.
    const files = [ownFile(config, ownPath(config), lines, 0o600), ...(await dropIns(config, host))];
    return {
      files,
      remove: await outdated(config, host, ours, files),
      handover: await handover(host),
      warnings: vlanMtuWarnings(config),
    };
  },

  async forget(config, host, ours) {
    const remove = await outdated(config, host, ours, []);
    return { files: [], remove, handover: await handover(host), warnings: [] };
  },
};

function ownPath({ name }: BridgeConfig): string {
  return `${folder}/90-${OWN}-${name}.yaml`;
}

/** Not `netplan apply`, which also touches links that this is not about. */
async function handover(host: HostFiles): Promise<string[][]> {
  return [["netplan", "generate"], ...((await hasRun(host)) ? [["networkctl", "reload"]] : [])];
}

/** Links that we make are called by their names; a NIC's ID sorts before whatever else means it. */
function idOf(link: string, config: BridgeConfig): string {
  return nics(config).includes(link) ? `0-${OWN}-${link}` : link;
}

function generated(link: string, config: BridgeConfig): string {
  return `10-netplan-${idOf(link, config)}.network`;
}

function refuse(config: BridgeConfig, { renderer, definitions }: Netplan): void {
  if (renderer === "NetworkManager")
    throw new OperatorError("netplan hands this host's network to NetworkManager", {
      fix: "choose networkmanager, whose own profiles win over those that netplan writes",
    });
  const made = [config.name, ...[...bonds(config), ...vlans(config)].map(({ name }) => name)];
  for (const { path, id, value } of definitions) {
    if (made.includes(id))
      throw new OperatorError(`${path} defines ${id} already, and netplan would mix its settings with ours`, {
        fix: `take ${id} out of it, or choose networkd, whose own files win over those that netplan writes`,
      });
    const port = nics(config).find((link) => value.interfaces?.includes(link));
    if (port !== undefined)
      throw new OperatorError(`${path} has ${port} in ${id}`, { fix: `take it out of ${id} first` });
  }
}

async function network(config: BridgeConfig, there: Netplan, host: HostFiles): Promise<object> {
  const { name, mac, mtu, stp, forwardDelay, uplinks } = config;
  const part = { optional: true, "link-local": [] };
  const ethernets: [id: string, value: object][] = nics(config).map((link) => [
    idOf(link, config),
    { match: { name: link }, ...part },
  ]);
  const links = new Map<string, string>();
  for (const { link } of vlans(config)) {
    const mac = await macOf(link, host);
    const known = bonds(config).find((bond) => bond.name === link);
    const foreign = there.definitions.find((definition) => isOf(definition, link, mac));
    links.set(link, known?.name ?? foreign?.id ?? link);
    if (!known && !foreign) ethernets.push([link, part]);
  }
  return withoutEmpty({
    version: 2,
    ethernets: Object.fromEntries(ethernets),
    bonds: Object.fromEntries(
      bonds(config).map((bond) => [
        bond.name,
        withoutEmpty({
          ...bondDefinition(bond, config),
          macaddress: uplinks[0] === bond ? mac : undefined,
          mtu,
          ...part,
        }),
      ]),
    ),
    vlans: Object.fromEntries(
      vlans(config).map(({ name, id, link }) => [name, withoutEmpty({ id, link: links.get(link), mtu, ...part })]),
    ),
    bridges: {
      [name]: withoutEmpty({
        interfaces: uplinks.map((uplink) => idOf(uplink.name, config)),
        macaddress: mac,
        mtu,
        parameters: { stp, "forward-delay": forwardDelay },
        ...addressing(config),
      }),
    },
  });
}

function bondDefinition({ ports, mode, miimon, primary, lacpRate, hashPolicy }: Bond, config: BridgeConfig): object {
  return {
    interfaces: ports.map((port) => idOf(port, config)),
    parameters: withoutEmpty({
      mode,
      "mii-monitor-interval": `${miimon}ms`,
      primary: primary === undefined ? undefined : idOf(primary, config),
      "lacp-rate": lacpRate,
      "transmit-hash-policy": hashPolicy,
    }),
  };
}

function addressing({ uplinks, addressing }: BridgeConfig): object {
  const { addresses, dhcp4, dhcp6, acceptRa, dns, search, routes } = addressing;
  const defaults = gateways(addressing).map((via) => ({ to: via.includes(":") ? "::/0" : "0.0.0.0/0", via }));
  return {
    optional: !hasAddresses(addressing) || uplinks.length === 0,
    "link-local": hasAddresses(addressing) ? ["ipv6"] : [],
    "accept-ra": acceptRa,
    dhcp4,
    dhcp6,
    "dhcp-identifier": dhcp4 ? "mac" : undefined,
    addresses: addresses.length > 0 ? addresses : undefined,
    nameservers: resolver(dns, search),
    routes: [...defaults, ...routes.map(route)].length > 0 ? [...defaults, ...routes.map(route)] : undefined,
  };
}

function resolver(addresses: string[], search: string[]): object | undefined {
  return addresses.length + search.length > 0 ? { addresses, search } : undefined;
}

function route({ to, via, metric, table, source, onlink, mtu }: Route): object {
  return withoutEmpty({
    to,
    via,
    scope: via === undefined ? "link" : undefined,
    "on-link": onlink,
    from: source,
    metric,
    table: table === undefined ? undefined : Number(table),
    mtu,
  });
}

function withoutEmpty(value: { [key: string]: unknown }): object {
  return Object.fromEntries(
    Object.entries(value).filter(
      ([, one]) =>
        one !== undefined &&
        !(typeof one === "object" && !Array.isArray(one) && Object.keys(one as object).length === 0),
    ),
  );
}

async function dropIns(config: BridgeConfig, host: HostFiles): Promise<ConfigFile[]> {
  const { name, mtu, addressing, uplinks } = config;
  const files: ConfigFile[] = [];
  const add = (file: string, sections: Section[]) => {
    const lines = iniLines(sections);
    if (lines.length > 0) files.push(ownFile(config, `${networkdFolder}/${file}.d/${OWN}-${name}.conf`, lines));
  };
  add(`10-netplan-${name}.netdev`, filtering(config));
  add(generated(name, config), [
    ["DHCPv6", ["WithoutRA", addressing.dhcp6 ? "solicit" : undefined]],
    ["IPv6AcceptRA", ["DHCPv6Client", addressing.acceptRa && !addressing.dhcp6 ? "no" : undefined]],
    ...bridgeVlans(ownVlans(config)),
  ]);
  for (const link of nics(config)) {
    const foreign = await foreignFileOf(link, host);
    add(generated(link, config), [
      // As netplan's word for it, this would make a .link file, which can take the NIC's name away.
      ["Link", ["MTUBytes", mtu ?? foreign?.values.get("Link.MTUBytes")]],
      ["Network", ...stacked(link, config, foreign)],
      ...bridgeVlans(uplinks.find((uplink) => uplink.name === link)?.vlans),
    ]);
  }
  for (const uplink of uplinks)
    if (uplink.kind !== "nic") add(generated(uplink.name, config), bridgeVlans(uplink.vlans));
  // For the time in which the link below is a port of one of our bridges.
  for (const link of new Set(vlans(config).map(({ link }) => link)))
    if (!bonds(config).some((bond) => bond.name === link))
      add(`10-netplan-0-${OWN}-${link}.network`, [["Network", ["VLAN", vlansOn(link, config)]]]);
  return files;
}
