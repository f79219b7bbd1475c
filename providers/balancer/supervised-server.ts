import { createHash } from "node:crypto";
import { OperatorError } from "../dynamic/errors";
import { CommandError, lastLines } from "../machine/command-error";
import type { Machine, RunOptions } from "../machine/machine";
import { ACTIVATE, BEGIN, CHECK_KEEPALIVED, COMPARE, LOG, LOOK, PRUNE, REMOVE } from "./machine-scripts";
import { placesOf, type BalancerProgram, type ServerFiles } from "./model";
import { serviceFile, type ServiceFile } from "./service-files";

/** What there is on the machine. */
export interface BalancerLook {
  /** Programs that are wanted and not installed. */
  missing: string[];
  ipv6: boolean;
  /** Whether there is HAProxy's user. */
  user: boolean;
  /** The name of our configuration that is in force. */
  current?: string;
  /** The distribution's own configuration serves something. */
  theirs: boolean;
  /** Interfaces and their addresses: ["eth0", "192.168.155.41/24"]. */
  addresses: [device: string, address: string][];
  /** The state of each virtual router: "MASTER". */
  routers: { [name: string]: string };
}

/** A configuration that is on the machine. */
export interface Generation {
  name: string;
  folder: string;
  /** SHA-256 of each file. */
  files: { [path: string]: string };
}

interface ProgramKind {
  /** The distribution's own configuration. */
  theirs: string;
  /** What has to be installed. */
  programs: string[];
  packages: string[];
  /** Its own check of a configuration in a folder of generations. */
  check(generation: string, folder: string): string[];
}

export const programKinds: { [Program in BalancerProgram]: ProgramKind } = {
  haproxy: {
    theirs: "/etc/haproxy/haproxy.cfg",
    programs: ["haproxy", "curl", "socat", "setsid"],
    packages: ["haproxy", "curl", "socat"],
    check: (generation) => ["haproxy", "-c", "-f", `${generation}/haproxy.cfg`],
  },
  keepalived: {
    theirs: "/etc/keepalived/keepalived.conf",
    programs: ["keepalived", "curl", "ip", "setsid"],
    packages: ["keepalived", "curl", "iproute2"],
    check: (generation, folder) => ["sh", "-c", CHECK_KEEPALIVED, "sh", generation, folder],
  },
};

/** HAProxy or keepalived on a machine, under a supervisor of ours: its configurations, one of them in force. */
export class SupervisedServer {
  readonly places;
  readonly kind;

  constructor(
    readonly machine: Machine,
    readonly program: BalancerProgram,
    private readonly name: string,
  ) {
    this.places = placesOf(program, name);
    this.kind = programKinds[program];
  }

  async look(signal?: AbortSignal): Promise<BalancerLook> {
    const { folder, run } = this.places;
    const { stdout } = await this.script(LOOK, [folder, run, this.kind.theirs, ...this.kind.programs], { signal });
    const lines = stdout.split("\n").filter(Boolean);
    const values = (key: string) =>
      lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
    const pairs = (key: string) => values(key).map((value) => value.split(" ") as [string, string]);
    const current = values("current")[0]?.replace(/^generations\//, "");
    return {
      missing: values("missing"),
      ipv6: values("ipv6").length > 0,
      user: values("user").length > 0,
      ...(current !== undefined && { current }),
      theirs: values("theirs").length > 0,
      addresses: pairs("address"),
      routers: Object.fromEntries(pairs("router")),
    };
  }

  /** Writes a configuration that is not read yet; one that is there already and whole is taken. */
  async put(made: (folder: string) => ServerFiles, signal: AbortSignal): Promise<Generation> {
    const digest = createHash("sha256")
      .update(JSON.stringify(made("@")))
      .digest("hex")
      .slice(0, 16);
    for (let attempt = 0; ; attempt++) {
      const name = attempt === 0 ? digest : `${digest}-${attempt}`;
      const folder = `${this.places.folder}/generations/${name}`;
      const files = made(folder);
      const generation = { name, folder, files: digests(files) };
      const there = await this.machine.status(folder, { signal });
      if (there && (await this.wrong(generation, signal)).length > 0) continue;
      if (!there) await this.write(folder, files, signal);
      return generation;
    }
  }

  private async write(folder: string, files: ServerFiles, signal: AbortSignal): Promise<void> {
    const inner = [...new Set(Object.keys(files).flatMap((path) => path.match(/^.*(?=\/)/)?.[0] ?? []))];
    // As long as it is not whole it has another name.
    await this.script(BEGIN, [`${folder}.new`, ...inner.map((each) => `${folder}.new/${each}`)], { signal });
    for (const [path, { content, mode }] of Object.entries(files))
      await this.machine.write(`${folder}.new/${path}`, content, { mode, signal });
    await this.machine.run(["mv", "-T", "--", `${folder}.new`, folder], { signal });
  }

  /** The files of a configuration that are not as they were written. */
  async wrong({ folder, files }: Generation, signal?: AbortSignal): Promise<string[]> {
    const stdin = Object.entries(files)
      .map(([path, sha256]) => `${sha256}  ${path}\n`)
      .join("");
    const { stdout } = await this.script(COMPARE, [folder], { stdin, signal });
    return stdout.split("\n").filter(Boolean);
  }

  /** The program's own check of what was written. */
  async check({ folder }: Generation, signal: AbortSignal): Promise<void> {
    try {
      await this.machine.run(this.kind.check(folder, this.places.folder), { signal, env: path });
    } catch (cause) {
      if (!(cause instanceof CommandError) || cause.stopped) throw cause;
      await this.machine.remove(folder);
      const said = lastLines((cause.stderr || cause.stdout).replaceAll(`${folder}/`, "")) || cause.message;
      throw new OperatorError(`${this.program} refuses the configuration:\n${said}`, { cause });
    }
  }

  async activate(name: string, signal?: AbortSignal): Promise<void> {
    await this.script(ACTIVATE, [this.places.folder, name], { signal });
  }

  async prune(keep: number, signal?: AbortSignal): Promise<void> {
    await this.script(PRUNE, [this.places.folder, String(keep)], { signal });
  }

  /** The service's file as it has to be. */
  serviceFile(manager: string): ServiceFile {
    const file = serviceFile(manager, this.program, this.name);
    if (file) return file;
    throw new OperatorError(`${this.program} would have to be kept running by ${manager}, which is not supported`, {
      fix: "use a machine with systemd or SysV init scripts",
    });
  }

  async isServiceWrong(file: ServiceFile, signal?: AbortSignal): Promise<boolean> {
    const status = await this.machine.status(file.path, { digest: true, signal });
    return status?.sha256 !== createHash("sha256").update(file.content).digest("hex");
  }

  async logSize(signal?: AbortSignal): Promise<string> {
    return (await this.script(LOG, [`${this.places.run}/log`, ""], { signal })).stdout.trim();
  }

  /** What the program has said since its log had that size. */
  async logSince(size: string): Promise<string> {
    return (await this.script(LOG, [`${this.places.run}/log`, size], {})).stdout.trimEnd();
  }

  async remove(signal: AbortSignal, ...more: string[]): Promise<void> {
    await this.script(REMOVE, [this.places.folder, this.places.run, ...more], { signal });
  }

  script(script: string, args: string[], options: RunOptions) {
    return this.machine.run(["sh", "-c", script, "sh", ...args], { env: path, ...options });
  }
}

/** Servers are in the folders of administrators, which not every login has. */
const path = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

function digests(files: ServerFiles): { [path: string]: string } {
  return Object.fromEntries(
    Object.entries(files).map(([name, { content }]) => [name, createHash("sha256").update(content).digest("hex")]),
  );
}
