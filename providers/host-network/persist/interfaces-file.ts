import { posix } from "node:path";
import { expand, pathMatches } from "./glob";
import { readText } from "./own-file";
import type { HostFiles } from "./renderer";

/** ifupdown's file, from which all others are included. */
export const interfacesPath = "/etc/network/interfaces";

/** A stanza of interfaces(5): "iface eth0 inet dhcp" with its options, "auto eth0", "source /etc/network/more". */
export interface Stanza {
  keyword: string;
  words: string[];
  options: { name: string; value: string }[];
  /** Numbers of its lines in the file. */
  lines: Set<number>;
}

export interface InterfacesFile {
  path: string;
  text: string;
  stanzas: Stanza[];
}

const starts = /^(iface|mapping|auto|allow-.*|no-auto-down|no-scripts|rename|source|source-directory|template)$/;

export function parseInterfaces(text: string): Stanza[] {
  const stanzas: Stanza[] = [];
  const lines = text.split("\n");
  for (let number = 0; number < lines.length; number++) {
    if (/^\s*(#|$)/.test(lines[number]!)) continue;
    const numbers = [number];
    let line = lines[number]!;
    while (line.endsWith("\\") && number + 1 < lines.length) {
      line = line.slice(0, -1) + lines[++number]!;
      numbers.push(number);
    }
    const [word, ...words] = line.trim().split(/\s+/);
    if (starts.test(word!)) stanzas.push({ keyword: word!, words, options: [], lines: new Set(numbers) });
    else {
      const stanza = stanzas.at(-1);
      stanza?.options.push({ name: word!, value: line.trim().slice(word!.length).trim() });
      numbers.forEach((one) => stanza?.lines.add(one));
    }
  }
  return stanzas;
}

/** The file and all that it includes. */
export async function interfacesFiles(
  host: HostFiles,
  edited: (text: string, path: string) => string,
): Promise<Map<string, InterfacesFile>> {
  const files = new Map<string, InterfacesFile>();
  const waiting = [interfacesPath];
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (files.has(path) || (await host.status(path))?.type === "directory") continue;
    const found = await readText(host, path);
    if (found === undefined) continue;
    const text = edited(found, path);
    const file = { path, text, stanzas: parseInterfaces(text) };
    files.set(path, file);
    for (const stanza of file.stanzas) waiting.push(...(await included(stanza, path, host)));
  }
  return files;
}

/** Whether a file in /etc/network would be read. */
export function includes(files: Iterable<InterfacesFile>, path: string): boolean {
  return [...files].some((file) =>
    file.stanzas.some(({ keyword, words }) => {
      const patterns = words.map((word) => posix.resolve(posix.dirname(file.path), word));
      if (keyword === "source") return patterns.some((pattern) => pathMatches(pattern, path));
      return (
        keyword === "source-directory" &&
        directoryName.test(posix.basename(path)) &&
        patterns.some((pattern) => pathMatches(pattern, posix.dirname(path)))
      );
    }),
  );
}

/** The names that source-directory takes. */
const directoryName = /^[a-zA-Z0-9_-]+$/;

async function included({ keyword, words }: Stanza, path: string, host: HostFiles): Promise<string[]> {
  const patterns = words.map((word) => posix.resolve(posix.dirname(path), word));
  const paths: string[] = [];
  for (const pattern of patterns)
    if (keyword === "source") paths.push(...(await expand(pattern, host)));
    else if (keyword === "source-directory")
      for (const folder of await expand(pattern, host))
        paths.push(
          ...(await host.list(folder))
            .filter((name) => directoryName.test(name))
            .sort()
            .map((name) => `${folder}/${name}`),
        );
  return paths;
}
