import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { OperatorError } from "../dynamic/errors";
import { CommandError, lastLines } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { readContent, type Content, type ContentFile } from "./folder";
import { ABANDON, BEGIN, INSPECT, PRUNE, RECEIVE, SEAL, SWITCH } from "./release-scripts";
import { tar } from "./tar";

/** Bytes of files that travel in one archive. */
const batchSize = 16 * 2 ** 20;

type ReadFile = (file: ContentFile) => Promise<Buffer>;

export interface SendContext {
  signal: AbortSignal;
  progress(message: string): void;
}

/**
 * The releases of one content in a folder of a machine. A release is sent whole before it is served, and only the files of
 * it that the machine lacks travel.
 */
export class Releases {
  constructor(
    private readonly machine: Machine,
    /** Absolute. */
    readonly base: string,
  ) {}

  /** The path under which what is served can always be found. */
  get current(): string {
    return `${this.base}/current`;
  }

  /** Brings a folder's content, which has to be the one of `digest`, and returns the release's name. Nothing is served yet. */
  async send(folder: string, digest: string, context: SendContext): Promise<string> {
    const content = readContent(folder);
    if (content.digest !== digest)
      throw new OperatorError(`folder ${folder} changed while pulumi ran`, { fix: "run pulumi up again" });
    return this.sendFiles(folder, content, ({ path }) => readFile(join(folder, path)), context);
  }

  /** Brings files from anywhere; `source` is how an operator calls it. */
  async sendFiles(source: string, content: Content, bytes: ReadFile, context: SendContext): Promise<string> {
    try {
      return await this.bring(source, content, bytes, context);
    } catch (cause) {
      await this.run(ABANDON, [], {}).catch(() => {}); // The first error tells more.
      if (!(cause instanceof CommandError) || cause.stopped) throw cause;
      throw new OperatorError(`${source} could not be put there:\n${lastLines(cause.stderr)}`, { cause });
    }
  }

  private async bring(source: string, content: Content, bytes: ReadFile, context: SendContext): Promise<string> {
    const { signal } = context;
    const [name, ...missing] = await this.lines(BEGIN, [content.digest], { stdin: content.manifest, signal });
    if (missing[0] === "complete") return name!;
    const lacking = new Set(missing);
    const files = content.files.filter(({ path }) => lacking.has(path));
    const size = files.reduce((sum, file) => sum + file.size, 0);
    context.progress(`${source}: sending ${files.length} of ${content.files.length} files, ${kibibytes(size)}`);
    for (const batch of batches(files)) {
      const archive = tar(await Promise.all(batch.map(async (file) => ({ ...file, bytes: await bytes(file) }))));
      await this.run(RECEIVE, [], { stdin: archive, signal });
    }
    await this.run(SEAL, [name!], { signal });
    return name!;
  }

  /** Serves a release from now on. */
  async serve(name: string, signal?: AbortSignal): Promise<void> {
    await this.run(SWITCH, [name], { signal });
  }

  /** Keeps the newest releases, and the one that is served. */
  async prune(keep: number, signal?: AbortSignal): Promise<void> {
    await this.run(PRUNE, [String(keep)], { signal });
  }

  /** The release that is served, and the paths in it that are not as they were sent. */
  async inspect(signal?: AbortSignal): Promise<{ name?: string; wrong: string[] }> {
    const [name, ...wrong] = await this.lines(INSPECT, [], { signal });
    return { ...(name && { name }), wrong };
  }

  private async lines(script: string, args: string[], options: { stdin?: string; signal?: AbortSignal }) {
    return (await this.run(script, args, options)).stdout.split("\n").filter(Boolean);
  }

  private run(script: string, args: string[], options: { stdin?: string | Buffer; signal?: AbortSignal }) {
    return this.machine.run(["sh", "-c", script, "sh", this.base, ...args], options);
  }
}

/** Whether a release is one of the content: its name is the digest, with a number where it was sent again. */
export function isReleaseOf(name: string | undefined, { digest }: Pick<Content, "digest">): boolean {
  return name === digest || (name?.startsWith(`${digest}-`) ?? false);
}

function batches(files: readonly ContentFile[]): ContentFile[][] {
  const made: ContentFile[][] = [];
  let size = Infinity;
  for (const file of files) {
    if (size + file.size > batchSize) {
      made.push([]);
      size = 0;
    }
    made.at(-1)!.push(file);
    size += file.size;
  }
  return made;
}

function kibibytes(size: number): string {
  return `${Math.ceil(size / 1024)} KiB`;
}
