import { createHash } from "node:crypto";
import { Generations, type Generation } from "../content/generations";
import { ServerLog } from "../content/server-log";
import { OperatorError } from "../dynamic/errors";
import { CommandError, lastLines } from "../machine/command-error";
import type { Machine, RunOptions } from "../machine/machine";
import { ACTIVATE, CHECK_KEEPALIVED, LOOK, REMOVE } from "./machine-scripts";
import { placesOf, type BalancerProgram } from "./model";
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
  readonly generations: Generations;
  readonly log: ServerLog;

  constructor(
    readonly machine: Machine,
    readonly program: BalancerProgram,
    private readonly name: string,
  ) {
    this.places = placesOf(program, name);
    this.kind = programKinds[program];
    this.generations = new Generations(machine, this.places.folder);
    this.log = new ServerLog(machine, `${this.places.run}/log`, 12);
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

  async remove(signal: AbortSignal, ...more: string[]): Promise<void> {
    await this.script(REMOVE, [this.places.folder, this.places.run, ...more], { signal });
  }

  script(script: string, args: string[], options: RunOptions) {
    return this.machine.run(["sh", "-c", script, "sh", ...args], { env: path, ...options });
  }
}

/** Servers are in the folders of administrators, which not every login has. */
const path = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };
