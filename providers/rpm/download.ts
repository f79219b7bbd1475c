import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { OperatorError } from "../dynamic/errors";
import { displayUrl, explainDownload } from "../image/download-error";
import { LocalMachine } from "../machine/local-machine";
import { formatSize } from "../schema/size";

export interface FetchOptions {
  signal?: AbortSignal;
  /** Seconds without data after which the server counts as dead. Default 60. */
  patience?: number;
  /** Bytes that it may have at most. Default: no limit. */
  most?: number;
  progress(message: string): void;
}

/** Where packages that were downloaded are kept on the machine that runs pulumi, each under its digest. */
export function packageCache(): string {
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "pulumi-kvm", "rpm");
}

/** The path of a package in the cache, where it is there; it is not looked into. */
export function cachedPackage(sha256: string): string {
  return join(packageCache(), `${sha256}.rpm`);
}

/**
 * Downloads a package with the curl of the machine that runs pulumi, whose proxies hold, unless the cache has it.
 *
 * @returns its path in the cache
 */
export async function fetchPackage(url: string, sha256: string, options: FetchOptions): Promise<string> {
  const path = cachedPackage(sha256);
  if ((await digestOf(path)) === sha256) return path;
  options.progress(`downloading ${displayUrl(url)}`);
  await mkdir(packageCache(), { recursive: true });
  // Images of several hosts may ask for one file at once.
  const partial = `${path}.${randomUUID()}`;
  try {
    await download(url, partial, options);
    const got = await digestOf(partial);
    if (got !== sha256)
      throw new OperatorError(`${displayUrl(url)} has the SHA-256 digest ${got}, not ${sha256}`, {
        fix: "check that url and sha256 belong together",
      });
    await rename(partial, path);
    return path;
  } finally {
    await rm(partial, { force: true });
  }
}

/** The bytes of a small file that nothing is known of, and that is not kept. */
export async function fetchBytes(url: string, options: FetchOptions & { most: number }): Promise<Buffer> {
  await mkdir(packageCache(), { recursive: true });
  const partial = join(packageCache(), `${randomUUID()}.part`);
  try {
    await download(url, partial, options);
    return await readFile(partial);
  } finally {
    await rm(partial, { force: true });
  }
}

/** A server may send more than it announces, which older versions of curl take: the system stops it. */
const limited = 'ulimit -f "$1" && shift && exec "$@"';

async function download(url: string, partial: string, options: FetchOptions): Promise<void> {
  const { signal, patience = 60, most } = options;
  const machine = new LocalMachine();
  const seconds = String(patience);
  const argv = ["curl", "--config", "-", "--fail", "--location", "--silent", "--show-error", "--globoff"];
  argv.push("--proto", "=http,https,file", "--proto-redir", "=http,https", "--retry", "3", "--retry-delay", "1");
  argv.push("--connect-timeout", seconds, "--speed-limit", "1", "--speed-time", seconds, "--output", partial);
  if (most !== undefined) argv.unshift("sh", "-c", limited, "sh", String(Math.ceil(most / 512) + 1));
  const tooMuch = async () => most !== undefined && ((await stat(partial).catch(() => undefined))?.size ?? 0) > most;
  const refusal = () => new OperatorError(`${displayUrl(url)} has more than ${formatSize(most!)}, which is not read`);
  try {
    // Unlike an argument, standard input is in no process list: a URL may hold a secret.
    await machine.run(argv, { stdin: `url = "${url}"\n`, signal, timeout: 3_600_000 });
  } catch (error) {
    if (await tooMuch()) throw refusal();
    throw explainDownload(error, url, machine.label);
  }
  if (await tooMuch()) throw refusal();
}

async function digestOf(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return hash.digest("hex");
}
