import { acmeFiles } from "../acme/places";
import { Generations, type Generation } from "../content/generations";
import { ServerLog } from "../content/server-log";
import { OperatorError } from "../dynamic/errors";
import { CommandError, lastLines } from "../machine/command-error";
import type { Machine, RunOptions } from "../machine/machine";
import type { WebServerInputs } from "../schema/web-server";
import { ACTIVATE, CACHES, HEALTHY, LOOK, RESTORE, STAND_IN } from "./machine-scripts";
import { placesOf, type WebServerModel } from "./model";
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

/** The configurations of one web server on its machine: each in a folder of its own, one of them in force. */
export class Configuration {
  readonly places;
  readonly generations: Generations;
  readonly log: ServerLog;

  constructor(
    private readonly machine: Machine,
    private readonly kind: ServerKind,
    private readonly inputs: WebServerInputs,
  ) {
    this.places = placesOf(inputs.name);
    this.generations = new Generations(machine, this.places.configuration);
    this.log = new ServerLog(machine, `${this.places.logs}/error.log`, 8);
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

  /** Writes a configuration that is not read yet, with the folders that it needs. */
  put(shape: Omit<WebServerModel, "folder" | "generation">, signal: AbortSignal): Promise<Generation> {
    const { content, cache, logs } = this.places;
    return this.generations.put(({ name, folder }) => this.kind.files({ ...shape, generation: name, folder }), signal, [
      content,
      cache,
      logs,
    ]);
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

  /** Sites whose certificate is still to be issued have one of their own making until then. */
  async standIns(signal: AbortSignal): Promise<void> {
    for (const [site, { tls, aliases }] of Object.entries(this.inputs.sites))
      if (tls?.acme !== undefined)
        await this.script(STAND_IN, [acmeFiles(this.inputs.name, site).folder, site, ...aliases], { signal });
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

  script(script: string, args: string[], options: RunOptions) {
    return this.machine.run(["sh", "-c", script, "sh", ...args], options);
  }
}

/** Servers are in the folders of administrators, which not every login has. */
const path = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };
