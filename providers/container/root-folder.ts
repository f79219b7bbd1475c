import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { CONTAINER_INIT } from "./init-script";
import { CONFIGURE_ROOT, INSPECT_ROOT, MAKE_ROOT, REMOVE_ROOT } from "./root-scripts";

/** Who a root folder says that it is. */
export interface RootIdentity {
  hostname: string;
  /** Name servers; none leaves the source's own way to find names. */
  dns?: string[];
}

/** What is at the place of a root folder. */
export interface RootInspection extends RootIdentity {
  /** "foreign": something is there that we did not make, or that another was put in the place of. */
  found: "ours" | "foreign" | "none";
  /** Who made it, where it is ours. */
  maker: string;
}

/** Milliseconds that a copy may take. */
const patience = 1_800_000;

/** The folder on a host that is the root of one container. */
export class RootFolder {
  constructor(
    private readonly machine: Machine,
    private readonly directory: string,
    private readonly name: string,
    /** By how much the owners of its files are shifted for a user namespace. */
    private readonly shift = 0,
  ) {}

  /**
   * Copies a folder, or unpacks an archive, whole or not at all. What `maker` made before, and was interrupted, is taken
   * as it is. Returns whether it had to be made.
   */
  async make(maker: string, source: string, identity: RootIdentity, signal?: AbortSignal): Promise<boolean> {
    const { hostname, dns = [] } = identity;
    const stdout = await this.run(MAKE_ROOT, [maker, source, hostname, dns.join(" "), String(this.shift)], signal);
    return !stdout.split("\n").includes("there");
  }

  async configure({ hostname, dns = [] }: RootIdentity, signal?: AbortSignal): Promise<void> {
    await this.run(CONFIGURE_ROOT, [hostname, dns.join(" "), String(this.shift)], signal);
  }

  async inspect(signal?: AbortSignal): Promise<RootInspection> {
    const [found, ...rest] = (await this.run(INSPECT_ROOT, [], signal)).split("\n");
    const values = (key: string) =>
      rest.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
    const dns = values("server");
    return {
      found: found as RootInspection["found"],
      maker: values("maker")[0] ?? "",
      hostname: values("hostname")[0] ?? "",
      ...(dns.length > 0 && { dns }),
    };
  }

  /** Removes it; why it is still there, or undefined when it is gone. Missing is success. */
  async remove(signal?: AbortSignal): Promise<string | undefined> {
    const said = (await this.run(REMOVE_ROOT, [], signal)).split("\n").filter((line) => line !== "");
    const users = said.filter((line) => line.startsWith("used ")).map((line) => line.slice("used ".length));
    if (users.length > 0) return `it is the root of ${users.join(", ")}`;
    if (said.includes("mounted")) return "something is mounted in it";
    return said.includes("foreign") ? "it is not the folder that was made" : undefined;
  }

  private async run(script: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
    try {
      const { stdout } = await this.machine.run(["sh", "-c", script, "sh", this.directory, this.name, ...args], {
        stdin: CONTAINER_INIT,
        signal,
        timeout: patience,
      });
      return stdout;
    } catch (error) {
      throw explain(error, this.machine.label);
    }
  }
}

type Reason = (what: string, machine: string) => { problem: string; fix: string };

/** What the scripts and their tools say when something is wrong. */
const reasons: [RegExp, Reason][] = [
  [
    /kvm-root: exists: (.+)/,
    (path) => ({ problem: `${path} is there already, and is not ours`, fix: "choose another name, or remove it" }),
  ],
  [/kvm-root: source: (.+)/, (what) => ({ problem: what, fix: "name the folder of a system, or an archive of one" })],
  [/kvm-root: folder: (.+)/, (what) => ({ problem: what, fix: "make it on the host, or name another one" })],
  [
    /kvm-root: link: (.+)/,
    (what) => ({ problem: `in its source ${what}`, fix: "put folders there: a link would lead out to the host" }),
  ],
  [/kvm-root: gone: (.+)/, (what) => ({ problem: what, fix: 'run "pulumi refresh", then up makes it anew' })],
  [
    /(?:sh: \d+: |sh: )(\S+): not found/,
    (tool, machine) => ({ problem: `${machine} has no ${tool}`, fix: `install it` }),
  ],
  [/No space left on device/, (_what, machine) => ({ problem: `no space is left on ${machine}`, fix: "free some" })],
  [
    /Operation not permitted|Permission denied/,
    (_what, machine) => ({
      problem: `${machine} may not give files to their owners`,
      fix: "use a machine that works as root",
    }),
  ],
];

function explain(error: unknown, machine: string): unknown {
  if (!(error instanceof CommandError) || error.stopped) return error;
  for (const [pattern, reason] of reasons) {
    const match = pattern.exec(error.stderr);
    if (!match) continue;
    const { problem, fix } = reason(match[1] ?? "", machine);
    return new OperatorError(problem, { fix, cause: error });
  }
  return error;
}
