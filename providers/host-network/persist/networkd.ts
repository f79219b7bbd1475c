import { OperatorError } from "../../dynamic/errors";
import type { BridgeConfig, Uplink } from "../model";
import { iniLines, type Section } from "./ini";
import { bonds, ownedLinks, refuseGuestVlan, vlanMtuWarnings, vlans } from "./links";
import { folder, foreignFileOf, foreignNetworkFiles, hasRun, macOf, matches } from "./networkd-files";
import {
  bondDevice,
  bridgeDevice,
  bridgeNetwork,
  bridgeVlans,
  stacked,
  vlanDevice,
  vlansOn,
} from "./networkd-sections";
import { outdated, OWN, ownFile } from "./own-file";
import type { ConfigFile, HostFiles, Renderer } from "./renderer";
import { withPlainRoutes } from "./routes";

/** Sorts before what others write: the first .network file that matches a link is the only one that it gets. */
const prefix = `00-${OWN}-`;

/**
 * systemd-networkd (systemd.network(5), systemd.netdev(5)). The uplink's own file stays as it is: ours comes first.
 *
 * A bridge on which the host has no address gets none, not even a link-local one, and nobody waits for it at boot.
 */
export const networkd: Renderer = {
  name: "networkd",

  async persist(declared, host, ours) {
    const config = await withPlainRoutes(declared, host);
    refuseGuestVlan(config, "networkd");
    await refuseEarlier(config, host, (link) => `${prefix}${link}.network`);
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
      warnings: vlanMtuWarnings(config),
    };
  },

  async forget(config, host, ours) {
    return {
      files: [],
      remove: await leftovers(config, host, ours, []),
      handover: await handover(host, released(config)),
      warnings: [],
    };
  },
};

async function handover(host: HostFiles, again: readonly string[] = []): Promise<string[][]> {
  if (!(await hasRun(host))) return [];
  return [["networkctl", "reload"], ...(again.length > 0 ? [["networkctl", "reconfigure", ...again]] : [])];
}

/** The NICs that go back to what they had: where networkd failed to put one into a bridge that is gone, a reload leaves it. */
function released({ uplinks }: BridgeConfig): string[] {
  return uplinks.flatMap((uplink) =>
    uplink.kind === "bond" ? uplink.ports : uplink.kind === "nic" ? [uplink.name] : [],
  );
}

function file(config: BridgeConfig, type: "netdev" | "network", link: string, sections: Section[]): ConfigFile {
  return ownFile(config, `${folder}/${prefix}${link}.${type}`, iniLines(sections));
}

/** Somebody else's file that networkd would take for one of our links, because it sorts before ours. */
export async function refuseEarlier(
  config: BridgeConfig,
  host: HostFiles,
  nameOf: (link: string) => string,
): Promise<void> {
  const foreign = await foreignNetworkFiles(host);
  for (const link of [config.name, ...ownedLinks(config)]) {
    const mac = await macOf(link, host);
    const earlier = foreign.find((one) => one.name < nameOf(link) && matches(one, link, mac));
    if (earlier)
      throw new OperatorError(
        `${earlier.path} configures ${link} and sorts before ${nameOf(link)}, which could not take ${link} into ${config.name}`,
        { fix: `rename it to a later name, such as 20-${link}.network` },
      );
  }
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
  const files: ConfigFile[] = [];
  for (const uplink of config.uplinks) {
    files.push(await portFile(config, host, uplink.name, [["Bridge", config.name]], bridgeVlans(uplink.vlans)));
    if (uplink.kind !== "bond") continue;
    for (const link of uplink.ports) {
      const primary = link === uplink.primary ? "yes" : undefined;
      files.push(
        await portFile(config, host, link, [
          ["Bond", uplink.name],
          ["PrimarySlave", primary],
        ]),
      );
    }
  }
  return files;
}

async function portFile(
  config: BridgeConfig,
  host: HostFiles,
  link: string,
  membership: Section[1][],
  more: Section[] = [],
): Promise<ConfigFile> {
  const foreign = await foreignFileOf(link, host);
  return file(config, "network", link, [
    ["Match", ["Name", link]],
    ["Link", ["MTUBytes", config.mtu ?? foreign?.values.get("Link.MTUBytes")], ["RequiredForOnline", "no"]],
    ["Network", ...membership, ["LinkLocalAddressing", "no"], ...stacked(link, config, foreign)],
    ...more,
  ]);
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
