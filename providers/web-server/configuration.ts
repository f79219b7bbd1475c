import { createHash } from "node:crypto";
import { OperatorError } from "../dynamic/errors";
import { CommandError, lastLines } from "../machine/command-error";
import type { Machine, RunOptions } from "../machine/machine";
import type { WebServerInputs } from "../schema/web-server";
import { ACTIVATE, BEGIN, CACHES, COMPARE, HEALTHY, LOG, LOOK, PRUNE, RESTORE } from "./machine-scripts";
import { placesOf, type ConfigurationFiles, type WebServerModel } from "./model";
import type { ServerKind } from "./server-kind";

/** What there is on the machine. */
export interface Look {
  program: boolean;
  curl: boolean;
  user?: string;
  ipv6: boolean;
  /** Where the main file leads, when it is a link; "" for a file; undefined where there is none. */
  main?: string;
  /** The name of our configuration that is in force, or was when the main file was ours. */
  current?: string;
  /** Configurations of sites that are not ours and not the package's. */
  sites: string[];
}

/** A configuration that is on the machine. */
export interface Generation {
  name: string;
  folder: string;
  /** SHA-256 of each file. */
  files: { [path: string]: string };
}

/** The configurations of one web server on its machine: each in a folder of its own, one of them in force. */
export class Configuration {
  readonly places;

  constructor(
    private readonly machine: Machine,
    private readonly kind: ServerKind,
    private readonly inputs: WebServerInputs,
  ) {
    this.places = placesOf(inputs.name);
  }

  async look(signal?: AbortSignal): Promise<Look> {
    const { program, main, sites, brought } = this.kind;
    const { stdout } = await this.script(LOOK, [program, main, this.places.configuration, ...sites], { signal });
    const lines = stdout.split("\n").filter(Boolean);
    const values = (key: string) =>
      lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
    const current = values("current")[0]?.replace(/^generations\//, "");
    return {
      program: values("program").length > 0,
      curl: values("curl").length > 0,
      ipv6: values("ipv6").length > 0,
      user: values("user")[0],
      main: values("main")[0],
      ...(current !== undefined && { current }),
      sites: values("site").filter((path) => !brought.includes(path.slice(path.lastIndexOf("/") + 1))),
    };
  }

  /** Whether the server reads what we wrote. */
  inForce({ main }: Look): boolean {
    return main === `${this.places.configuration}/current/${this.kind.own}`;
  }

  async version(signal?: AbortSignal): Promise<number[]> {
    const { stdout, stderr } = await this.machine.run(this.kind.version, { signal, env: path });
    return (/\/(\d+(?:\.\d+)*)/.exec(stdout + stderr)?.[1] ?? "0").split(".").map(Number);
  }

  /** Writes a configuration that is not read yet; one that is there already and whole is taken. */
  async put(shape: Omit<WebServerModel, "folder" | "generation">, signal: AbortSignal): Promise<Generation> {
    const base = `${this.places.configuration}/generations`;
    const made = (name: string) => this.kind.files({ ...shape, generation: name, folder: `${base}/${name}` });
    const digest = createHash("sha256")
      .update(JSON.stringify(made("@")))
      .digest("hex")
      .slice(0, 16);
    for (let attempt = 0; ; attempt++) {
      const name = attempt === 0 ? digest : `${digest}-${attempt}`;
      const files = made(name);
      const generation = { name, folder: `${base}/${name}`, files: digests(files) };
      const there = await this.machine.status(generation.folder, { signal });
      if (there && (await this.wrong(generation, signal)).length > 0) continue;
      if (!there) await this.write(generation.folder, files, signal);
      return generation;
    }
  }

  private async write(folder: string, files: ConfigurationFiles, signal: AbortSignal): Promise<void> {
    const { content, cache, logs } = this.places;
    const folders = [...new Set(Object.keys(files).flatMap((path) => path.match(/^.*(?=\/)/)?.[0] ?? []))];
    await this.script(BEGIN, [folder, ...folders.map((each) => `${folder}/${each}`), content, cache, logs], { signal });
    for (const [path, { content: text, mode, group }] of Object.entries(files))
      await this.machine.write(`${folder}/${path}`, text, { mode, group, signal });
  }

  /** The files of a configuration that are not as they were written. */
  async wrong({ folder, files }: Generation, signal?: AbortSignal): Promise<string[]> {
    const stdin = Object.entries(files)
      .map(([path, sha256]) => `${sha256}  ${path}\n`)
      .join("");
    const { stdout } = await this.script(COMPARE, [folder], { stdin, signal });
    return stdout.split("\n").filter(Boolean);
  }

  /** The server's own check of what was written. */
  async check({ folder }: Generation, signal: AbortSignal): Promise<void> {
    try {
      await this.machine.run(this.kind.check(`${folder}/${this.kind.own}`), { signal, env: path });
    } catch (cause) {
      if (!(cause instanceof CommandError) || cause.stopped) throw cause;
      await this.machine.remove(folder);
      const said = lastLines(cause.stderr.replaceAll(`${folder}/`, "")) || cause.message;
      throw new OperatorError(`${this.kind.program} refuses the configuration:\n${said}`, { cause });
    }
  }

  /** Makes the folders of caches, by names below our own. */
  async caches(user: string, folders: readonly string[], signal: AbortSignal): Promise<void> {
    await this.script(CACHES, [user, ...folders], { signal });
  }

  async activate(name: string, signal?: AbortSignal): Promise<void> {
    const { configuration, rotation } = this.places;
    await this.script(ACTIVATE, [configuration, name, this.kind.main, this.kind.own, rotation], { signal });
  }

  /** The main file is what it was before us. */
  async restore(signal?: AbortSignal): Promise<void> {
    const { configuration, rotation } = this.places;
    await this.script(RESTORE, [configuration, this.kind.main, rotation], { signal });
  }

  async prune(keep: number, signal?: AbortSignal): Promise<void> {
    await this.script(PRUNE, [this.places.configuration, String(keep)], { signal });
  }

  /** What the health page says that is not well, once `seconds` are over; undefined when all is. */
  async ailment(
    { name }: Pick<Generation, "name">,
    seconds: number,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    const url = `http://127.0.0.1:${this.inputs.http}${this.inputs.healthPath}`;
    const options = { signal, accept: [0, 1], timeout: (seconds + 30) * 1000 };
    const { exitCode, stdout } = await this.script(HEALTHY, [url, `ok ${name}`, String(seconds)], options);
    return exitCode === 0 ? undefined : stdout.trim() || "no answer";
  }

  /** The size of the server's error log. */
  async logSize(signal?: AbortSignal): Promise<string> {
    return (await this.script(LOG, [`${this.places.logs}/error.log`, ""], { signal })).stdout.trim();
  }

  /** What the server has written into its error log since it had that size. */
  async logSince(size: string): Promise<string> {
    return (await this.script(LOG, [`${this.places.logs}/error.log`, size], {})).stdout.trimEnd();
  }

  script(script: string, args: string[], options: RunOptions) {
    return this.machine.run(["sh", "-c", script, "sh", ...args], options);
  }
}

/** Servers are in the folders of administrators, which not every login has. */
const path = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

function digests(files: ConfigurationFiles): { [path: string]: string } {
  return Object.fromEntries(
    Object.entries(files).map(([name, { content }]) => [name, createHash("sha256").update(content).digest("hex")]),
  );
}
