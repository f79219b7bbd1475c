import { glob } from "./glob";
import { parseIni } from "./ini";
import { isOwn, readText } from "./own-file";
import type { HostFiles } from "./renderer";

/** Where ours live. */
export const folder = "/etc/systemd/network";

/** Where systemd-networkd looks, the most important first (systemd.network(5)). */
const folders = [
  folder,
  "/run/systemd/network",
  "/usr/local/lib/systemd/network",
  "/usr/lib/systemd/network",
  "/lib/systemd/network",
];

export interface NetworkFile {
  name: string;
  path: string;
  values: Map<string, string[]>;
}

/** The .network files of others with their drop-ins, in the order in which networkd asks them. */
export async function foreignNetworkFiles(host: HostFiles): Promise<NetworkFile[]> {
  const files = await Promise.all(
    (await foreign(host, "", ".network")).map(async ([name, path]) => {
      const text = await readText(host, path);
      // An empty file, or a link to /dev/null, only hides one of the same name.
      if (!text) return undefined;
      const dropIns = await foreign(host, `/${name}.d`, ".conf");
      const texts = await Promise.all(dropIns.map(([, dropIn]) => readText(host, dropIn)));
      const values = parseIni(text);
      for (const more of texts)
        for (const [key, lines] of parseIni(more ?? "")) values.set(key, [...(values.get(key) ?? []), ...lines]);
      return { name, path, values };
    }),
  );
  return files.filter((file) => file !== undefined);
}

/** Names and paths of others' files, sorted; of the same name only the most important. */
async function foreign(host: HostFiles, under: string, extension: string): Promise<[name: string, path: string][]> {
  const paths = new Map<string, string>();
  const listed = await Promise.all(folders.map((from) => host.list(from + under)));
  for (const [index, from] of folders.entries())
    for (const name of listed[index]!)
      if (name.endsWith(extension) && !isOwn(name) && !paths.has(name)) paths.set(name, `${from}${under}/${name}`);
  return [...paths].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Whether a file's [Match] section means the link. What cannot be known from its name and MAC address alone (a driver, a
 * path, a udev property) counts as fulfilled.
 */
export function matches({ values }: NetworkFile, link: string, mac: string | undefined): boolean {
  return fulfilled(words(values, "Match.Name"), link) && fulfilledMac(words(values, "Match.MACAddress"), mac);
}

/** The file of others that configures the link today, or will once ours are gone. */
export async function foreignFileOf(link: string, host: HostFiles): Promise<NetworkFile | undefined> {
  const files = await foreignNetworkFiles(host);
  const used = await fileInUse(link, host);
  const mac = await macOf(link, host);
  return files.find(({ path }) => path === used) ?? files.find((file) => matches(file, link, mac));
}

export async function macOf(link: string, host: HostFiles): Promise<string | undefined> {
  return (await readText(host, `/sys/class/net/${link}/address`))?.trim();
}

/** Whether networkd has run since the host booted. */
export async function hasRun(host: HostFiles): Promise<boolean> {
  return (await host.list("/run/systemd/netif/links")).length > 0;
}

/** What networkd itself says. */
async function fileInUse(link: string, host: HostFiles): Promise<string | undefined> {
  const index = (await readText(host, `/sys/class/net/${link}/ifindex`))?.trim();
  const state = index && (await readText(host, `/run/systemd/netif/links/${index}`));
  return state ? /^NETWORK_FILE=(.*)$/m.exec(state)?.[1] : undefined;
}

/** The words of all lines of a key. An empty line takes back those before it. */
export function words(values: Map<string, string[]>, key: string): string[] {
  const lines = values.get(key) ?? [];
  return lines
    .slice(lines.lastIndexOf("") + 1)
    .flatMap((value) => value.split(/\s+/))
    .filter((word) => word !== "");
}

function fulfilled(patterns: string[], name: string): boolean {
  if (patterns.length === 0) return true;
  const [first, ...rest] = patterns;
  return first!.startsWith("!")
    ? ![first!.slice(1), ...rest].some((pattern) => glob(pattern).test(name))
    : patterns.some((pattern) => glob(pattern).test(name));
}

function fulfilledMac(macs: string[], mac: string | undefined): boolean {
  return macs.length === 0 || mac === undefined || macs.some((one) => digits(one) === digits(mac));
}

function digits(mac: string): string {
  return mac.replace(/[^0-9a-f]/gi, "").toLowerCase();
}
