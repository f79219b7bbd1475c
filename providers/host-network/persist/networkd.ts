import { OperatorError } from "../../dynamic/errors";
import type { Addressing, Bond, BridgeConfig, PortVlans, Uplink, Vlan } from "../model";
import { iniLines, type Section } from "./ini";
import { bonds, gateways, hasAddresses, ownedLinks, vlans } from "./links";
import {
  folder,
  foreignFileOf,
  foreignNetworkFiles,
  hasRun,
  macOf,
  matches,
  words,
  type NetworkFile,
} from "./networkd-files";
import { outdated, OWN, ownFile } from "./own-file";
import type { ConfigFile, HostFiles, Renderer } from "./renderer";

/** Sorts before what others write: the first .network file that matches a link is the only one that it gets. */
const prefix = `00-${OWN}-`;

/**
 * systemd-networkd (systemd.network(5), systemd.netdev(5)). The uplink's own file stays as it is: ours comes first.
 *
 * A bridge on which the host has no address gets none, not even a link-local one, and nobody waits for it at boot.
 */
export const networkd: Renderer = {
  name: "networkd",

  async persist(config, host, ours) {
    await refuseEarlier(config, host);
    const files = [
      file(config, "netdev", config.name, bridgeDevice(config)),
      file(config, "network", config.name, bridgeNetwork(config)),
      ...config.uplinks.flatMap((uplink) => uplinkDevice(config, uplink)),
      ...(await portFiles(config, host)),
      ...(await vlanLinks(config, host)),
    ];
    return {
      files,
      remove: await leftovers(config, host, ours, files),
      handover: await handover(host),
      warnings: [],
    };
  },

  async forget(config, host, ours) {
    return {
      files: [],
      remove: await leftovers(config, host, ours, []),
      handover: await handover(host),
      warnings: [],
    };
  },
};

async function handover(host: HostFiles): Promise<string[][]> {
  return (await hasRun(host)) ? [["networkctl", "reload"]] : [];
}

function file(config: BridgeConfig, type: "netdev" | "network", link: string, sections: Section[]): ConfigFile {
  return ownFile(config, `${folder}/${prefix}${link}.${type}`, iniLines(sections));
}

async function refuseEarlier(config: BridgeConfig, host: HostFiles): Promise<void> {
  const foreign = await foreignNetworkFiles(host);
  for (const link of [config.name, ...ownedLinks(config)]) {
    const mac = await macOf(link, host);
    const earlier = foreign.find((one) => one.name < `${prefix}${link}.network` && matches(one, link, mac));
    if (earlier)
      throw new OperatorError(
        `${earlier.path} configures ${link} and sorts before ${prefix}${link}.network, which could not take ${link} into ${config.name}`,
        { fix: `rename it to a later name, such as 10-${link}.network` },
      );
  }
}

function bridgeDevice({ name, mac, mtu, stp, forwardDelay, vlans }: BridgeConfig): Section[] {
  return [
    ["NetDev", ["Name", name], ["Kind", "bridge"], ["MACAddress", mac], ["MTUBytes", mtu]],
    [
      "Bridge",
      ["STP", yesNo(stp)],
      ["ForwardDelaySec", forwardDelay],
      ["VLANFiltering", vlans && "yes"],
      ["DefaultPVID", vlans && "none"],
    ],
  ];
}

function bridgeNetwork({ name, mtu, uplinks, vlans, addressing }: BridgeConfig): Section[] {
  const { addresses, dhcp4, dhcp6, acceptRa, dns, search, routes } = addressing;
  // Without a port, or before the first guest, a bridge has no carrier, and none of its own makes it "online".
  const online = hasAddresses(addressing) && uplinks.length > 0;
  return [
    ["Match", ["Name", name]],
    ["Link", ["MTUBytes", mtu], ["RequiredForOnline", online ? undefined : "no"]],
    [
      "Network",
      ["LinkLocalAddressing", hasAddresses(addressing) ? "ipv6" : "no"],
      ["IPv6AcceptRA", yesNo(acceptRa)],
      ["DHCP", dhcp(addressing)],
      ["ConfigureWithoutCarrier", dhcp4 || dhcp6 || acceptRa ? undefined : "yes"],
      ["Address", addresses],
      ["Gateway", gateways(addressing)],
      ["DNS", dns],
      ["Domains", search.length > 0 ? search.join(" ") : undefined],
    ],
    // By its MAC address, as its uplink was known: another identifier would get another address.
    ["DHCPv4", ["ClientIdentifier", dhcp4 ? "mac" : undefined]],
    ["DHCPv6", ["WithoutRA", dhcp6 ? "solicit" : undefined]],
    ["IPv6AcceptRA", ["DHCPv6Client", acceptRa && !dhcp6 ? "no" : undefined]],
    ...routes.map(({ to, via, metric }): Section => [
      "Route",
      ["Destination", to],
      ["Gateway", via],
      ["Metric", metric],
    ]),
    ...bridgeVlans(vlans),
  ];
}

function dhcp({ dhcp4, dhcp6 }: Addressing): string {
  return dhcp4 && dhcp6 ? "yes" : dhcp4 ? "ipv4" : dhcp6 ? "ipv6" : "no";
}

function bridgeVlans(vlans: PortVlans | undefined): Section[] {
  if (!vlans) return [];
  const { untagged, tagged } = vlans;
  return [
    ["BridgeVLAN", ["PVID", untagged], ["EgressUntagged", untagged]],
    ...tagged.map((id): Section => ["BridgeVLAN", ["VLAN", id]]),
  ];
}

function uplinkDevice(config: BridgeConfig, uplink: Uplink): ConfigFile[] {
  switch (uplink.kind) {
    case "nic":
      return [];
    case "bond":
      return [file(config, "netdev", uplink.name, bondDevice(uplink, config))];
    case "vlan":
      return [file(config, "netdev", uplink.name, vlanDevice(uplink))];
  }
}

async function portFiles(config: BridgeConfig, host: HostFiles): Promise<ConfigFile[]> {
  const ports = config.uplinks.flatMap((uplink): [link: string, membership: Section[1][], more: Section[]][] => [
    [uplink.name, [["Bridge", config.name]], bridgeVlans(uplink.vlans)],
    ...(uplink.kind === "bond" ? uplink.ports : []).map((link): [string, Section[1][], Section[]] => [
      link,
      [
        ["Bond", uplink.name],
        ["PrimarySlave", uplink.kind === "bond" && link === uplink.primary ? "yes" : undefined],
      ],
      [],
    ]),
  ]);
  const files: ConfigFile[] = [];
  for (const [link, membership, more] of ports) {
    const foreign = await foreignFileOf(link, host);
    const sections: Section[] = [
      ["Match", ["Name", link]],
      ["Link", ["MTUBytes", config.mtu ?? foreign?.values.get("Link.MTUBytes")], ["RequiredForOnline", "no"]],
      ["Network", ...membership, ["LinkLocalAddressing", "no"], ...stacked(link, config, foreign)],
      ...more,
    ];
    files.push(file(config, "network", link, sections));
  }
  return files;
}

/** The links on top of a link, those of its own file among them: nothing else would make them. */
function stacked(link: string, config: BridgeConfig, foreign: NetworkFile | undefined): Section[1][] {
  return ["VLAN", "MACVLAN", "MACVTAP", "IPVLAN", "IPVTAP", "VXLAN"].map((key) => [
    key,
    [
      ...new Set([
        ...(key === "VLAN" ? vlansOn(link, config) : []),
        ...(foreign ? words(foreign.values, `Network.${key}`) : []),
      ]),
    ],
  ]);
}

function bondDevice({ name, mode, miimon, lacpRate, hashPolicy }: Bond, { uplinks, mac }: BridgeConfig): Section[] {
  // Without one, networkd would make up an address instead of taking a NIC's.
  const own = uplinks[0]?.name === name ? mac : undefined;
  return [
    ["NetDev", ["Name", name], ["Kind", "bond"], ["MACAddress", own ?? "none"]],
    [
      "Bond",
      ["Mode", mode],
      ["MIIMonitorSec", `${miimon}ms`],
      ["LACPTransmitRate", lacpRate],
      ["TransmitHashPolicy", hashPolicy],
    ],
  ];
}

function vlanDevice({ name, id }: Vlan): Section[] {
  return [
    ["NetDev", ["Name", name], ["Kind", "vlan"]],
    ["VLAN", ["Id", id]],
  ];
}

/**
 * A VLAN interface is made by the .network file of the link below it: a drop-in adds it to the file that the link has,
 * and to the one that it will have while it is a port of one of our bridges.
 */
async function vlanLinks(config: BridgeConfig, host: HostFiles): Promise<ConfigFile[]> {
  const files: ConfigFile[] = [];
  for (const link of new Set(vlans(config).map(({ link }) => link))) {
    if (bonds(config).some(({ name }) => name === link)) continue;
    const foreign = await foreignFileOf(link, host);
    const vlan: Section = ["Network", ["VLAN", vlansOn(link, config)]];
    for (const parent of [foreign?.name ?? trunkFile(link), `${prefix}${link}.network`])
      files.push(ownFile(config, `${folder}/${parent}.d/${OWN}-${config.name}.conf`, iniLines([vlan])));
    if (!foreign) files.push(trunk(link, config.mtu));
  }
  return files;
}

/** The file of a link that nobody else configures; all bridges with a VLAN on it share it. Any other file wins. */
function trunkFile(link: string): string {
  return `zz-${OWN}-${link}.network`;
}

function trunk(link: string, mtu: number | undefined): ConfigFile {
  const lines = iniLines([
    ["Match", ["Name", link]],
    ["Link", ["MTUBytes", mtu], ["RequiredForOnline", "no"]],
    ["Network", ["LinkLocalAddressing", "no"]],
  ]);
  return {
    path: `${folder}/${trunkFile(link)}`,
    content: `# ${OWN}: ${link} carries VLAN interfaces of bridges.\n${lines.join("\n")}\n`,
    mode: 0o644,
  };
}

function vlansOn(link: string, config: BridgeConfig): string[] {
  return vlans(config).flatMap((vlan) => (vlan.link === link ? vlan.name : []));
}

/** What is not needed any more; a file that several bridges share goes with the last of them. */
async function leftovers(
  config: BridgeConfig,
  host: HostFiles,
  ours: readonly string[],
  files: readonly ConfigFile[],
): Promise<string[]> {
  const shared = new Set<string>();
  for (const path of ours)
    if (path.startsWith(`${folder}/zz-`)) {
      const users = await host.list(`${path}.d`);
      if (users.some((name) => name !== `${OWN}-${config.name}.conf`)) shared.add(path);
    }
  return outdated(
    config,
    host,
    ours.filter((path) => !shared.has(path)),
    files,
  );
}

function yesNo(value: boolean): "yes" | "no" {
  return value ? "yes" : "no";
}
