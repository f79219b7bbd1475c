import { NotFoundError } from "../../machine/not-found-error";
import type { BridgeConfig } from "../model";
import type { ConfigFile, HostFiles } from "./renderer";

/** How our files are called, in every renderer. */
export const OWN = "pulumi-kvm";

const mark = `# ${OWN}: bridge `;

/** The first line of every file of ours, behind the format's comment sign. */
export function header(config: BridgeConfig): string {
  return `${mark}${config.name}. The program that declares it wrote this file and will overwrite changes.`;
}

/** A file of ours from its lines. */
export function ownFile(config: BridgeConfig, path: string, lines: readonly string[], mode = 0o644): ConfigFile {
  return { path, content: `${[header(config), ...lines].join("\n")}\n`, mode };
}

/** Whether a path is one of our files, by its name. */
export function isOwn(path: string): boolean {
  return path.slice(path.lastIndexOf("/") + 1).includes(OWN);
}

/** A text file of the host; undefined where it is missing. */
export async function readText(host: HostFiles, path: string): Promise<string | undefined> {
  try {
    return (await host.read(path)).toString();
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

/**
 * Our files of an earlier `up` that are not among the new ones. What another bridge has written over since, because an
 * uplink went from one to the other, is its own.
 */
export async function outdated(
  config: BridgeConfig,
  host: HostFiles,
  ours: readonly string[],
  files: readonly ConfigFile[],
): Promise<string[]> {
  const kept = new Set(files.map(({ path }) => path));
  const gone: string[] = [];
  for (const path of ours) {
    if (!isOwn(path) || kept.has(path)) continue;
    const text = await readText(host, path);
    if (text !== undefined && (!text.startsWith(mark) || text.startsWith(`${header(config)}\n`))) gone.push(path);
  }
  return gone;
}
