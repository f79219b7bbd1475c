import { createHash } from "node:crypto";
import type { Machine } from "../machine/machine";
import { BEGIN, COMPARE, PRUNE } from "./generation-scripts";

/** A configuration that is on the machine. */
export interface Generation {
  name: string;
  folder: string;
  /** SHA-256 of each file. */
  files: { [path: string]: string };
}

/** The files of a configuration, by their paths in its folder. */
export interface GenerationFiles {
  [path: string]: {
    content: string;
    /** Octal. Default 0644; 0600 for what only the server's first process reads. */
    mode?: number;
    /** Default: root's. */
    group?: string;
  };
}

/**
 * The configurations of a server in a folder of its machine: each in a folder of its own below `generations`, named after
 * what is in it, of which `current` leads to the one in force.
 */
export class Generations {
  constructor(
    private readonly machine: Machine,
    /** Absolute. */
    readonly folder: string,
  ) {}

  /** Writes a configuration that is not read yet, and makes `more` folders; one that is there already and whole is taken. */
  async put(
    made: (place: { name: string; folder: string }) => GenerationFiles,
    signal: AbortSignal,
    more: readonly string[] = [],
  ): Promise<Generation> {
    const digest = sha256(JSON.stringify(made(this.place("@")))).slice(0, 16);
    for (let attempt = 0; ; attempt++) {
      const place = this.place(attempt === 0 ? digest : `${digest}-${attempt}`);
      const files = made(place);
      const hashes = Object.entries(files).map(([path, { content }]) => [path, sha256(content)] as const);
      const generation = { ...place, files: Object.fromEntries(hashes) };
      const there = await this.machine.status(place.folder, { signal });
      if (there && (await this.wrong(generation, signal)).length > 0) continue;
      if (!there) await this.write(place.folder, files, more, signal);
      return generation;
    }
  }

  private place(name: string) {
    return { name, folder: `${this.folder}/generations/${name}` };
  }

  private async write(
    folder: string,
    files: GenerationFiles,
    more: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    // As long as it is not whole it has another name.
    const beside = `${folder}.new`;
    const inner = [...new Set(Object.keys(files).flatMap((path) => path.match(/^.*(?=\/)/)?.[0] ?? []))];
    await this.run(BEGIN, [beside, ...inner.map((each) => `${beside}/${each}`), ...more], { signal });
    for (const [path, { content, ...access }] of Object.entries(files))
      await this.machine.write(`${beside}/${path}`, content, { ...access, signal });
    await this.machine.run(["mv", "-T", "--", beside, folder], { signal });
  }

  /** The files of a configuration that are not as they were written. */
  async wrong({ folder, files }: Generation, signal?: AbortSignal): Promise<string[]> {
    const stdin = Object.entries(files)
      .map(([path, hash]) => `${hash}  ${path}\n`)
      .join("");
    const { stdout } = await this.run(COMPARE, [folder], { stdin, signal });
    return stdout.split("\n").filter(Boolean);
  }

  /** Keeps the newest configurations, and the one in force. */
  async prune(keep: number, signal?: AbortSignal): Promise<void> {
    await this.run(PRUNE, [this.folder, String(keep)], { signal });
  }

  private run(script: string, args: string[], options: { stdin?: string; signal?: AbortSignal }) {
    return this.machine.run(["sh", "-c", script, "sh", ...args], options);
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
