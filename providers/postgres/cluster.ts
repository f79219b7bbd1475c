import { createHash } from "node:crypto";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { CHECK, COPY, DIGESTS, DROP_SLOT, FIND, LOG, READY, SQL } from "./cluster-scripts";
import { accessFile, connection, passwordFile, settingsFile } from "./files";
import { postgresLayout, type PostgresLayout, type PostgresModel } from "./model";

/** One PostgreSQL on its machine, a "cluster" in Debian's words. */
export class PostgresCluster {
  private constructor(
    private readonly machine: Machine,
    private readonly model: PostgresModel,
    readonly layout: PostgresLayout,
    /** Whether Debian has it already. */
    readonly exists: boolean,
    private readonly signal: AbortSignal,
  ) {}

  static async find(machine: Machine, model: PostgresModel, signal: AbortSignal): Promise<PostgresCluster> {
    const { stdout } = await machine.run(["sh", "-c", FIND, "sh", model.name], { signal });
    if (stdout.startsWith("no systemd"))
      throw new OperatorError("systemd does not run there, and PostgreSQL is run by it", {
        fix: "choose another machine",
      });
    const [there, installed] = stdout.split("-\n").map((part) => part.split("\n").filter(Boolean)) as [
      string[],
      string[],
    ];
    const version = there[0] ?? installed[0];
    if (version === undefined)
      throw new OperatorError("the machine lacks postgresql", { fix: "have a Package install it first (dependsOn)" });
    const layout = postgresLayout(version, model.name);
    return new PostgresCluster(machine, model, layout, there.length > 0, signal);
  }

  async make(): Promise<void> {
    await this.run(["pg_createcluster", this.layout.version, this.model.name, "--", "--data-checksums"]);
  }

  /** The files as they were, to be put back. */
  async files(): Promise<{ [path: string]: Buffer | undefined }> {
    const { settings, access, passfile } = this.layout;
    const found: { [path: string]: Buffer | undefined } = {};
    for (const path of [settings, access, passfile])
      found[path] = (await this.machine.status(path)) && (await this.machine.read(path));
    return found;
  }

  async write(files: { [path: string]: Buffer | string | undefined } = this.wanted()): Promise<void> {
    const own = { owner: "postgres", group: "postgres", signal: this.signal };
    for (const [path, content] of Object.entries(files))
      if (content === undefined) await this.machine.remove(path);
      else await this.machine.write(path, content, { ...own, mode: path === this.layout.passfile ? 0o600 : 0o640 });
  }

  /** Throws with PostgreSQL's own words where it would not start with its settings. */
  async check(): Promise<void> {
    const etc = this.layout.settings.replace(/\/conf\.d\/.*/, "");
    try {
      await this.run(["sh", "-c", CHECK, "sh", this.layout.bin, this.layout.data, etc]);
    } catch (cause) {
      if (!(cause instanceof CommandError) || cause.stopped) throw cause;
      throw new OperatorError(`PostgreSQL refuses the settings:\n${indented(cause.stderr)}`, { cause });
    }
  }

  /** Names of files that are not as they were written. */
  async changed(): Promise<string[]> {
    const wanted = Object.entries(this.wanted());
    const { stdout } = await this.run(["sh", "-c", DIGESTS, "sh", ...wanted.map(([path]) => path)]);
    const there = new Map(stdout.split("\n").map((line) => [line.slice(66), line.slice(0, 64)]));
    return wanted.filter(([path, content]) => there.get(path) !== digest(content)).map(([path]) => path);
  }

  private wanted(): { [path: string]: string | undefined } {
    const { settings, access, passfile } = this.layout;
    return {
      [settings]: settingsFile(this.model, this.layout),
      [access]: accessFile(this.model),
      [passfile]: this.model.primary && passwordFile(this.model),
    };
  }

  /** Rows of texts. The statements travel on standard input: nothing of them is in a list of processes. */
  async sql(statements: string, database = "postgres"): Promise<string[][]> {
    const argv = ["sh", "-c", SQL, "sh", String(this.model.port), database];
    try {
      const { stdout } = await this.machine.run(argv, { stdin: statements, signal: this.signal });
      return stdout
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split("|"));
    } catch (cause) {
      if (!(cause instanceof CommandError) || cause.stopped) throw cause;
      throw new OperatorError(`PostgreSQL refuses: ${cause.stderr.trim()}`, { cause });
    }
  }

  async ready(signal: AbortSignal | undefined = this.signal): Promise<boolean> {
    const argv = ["sh", "-c", READY, "sh", this.layout.bin, String(this.model.port)];
    return (await this.machine.run(argv, { accept: [0, 1, 2, 3], signal })).exitCode === 0;
  }

  /** Makes its data a copy of the primary's, which replaces all that is there. */
  async copy(): Promise<void> {
    const leads = connection(this.model, this.layout);
    const { bin, data } = this.layout;
    const args = [bin, data, leads, this.model.slot];
    try {
      await this.run(["sh", "-c", COPY, "sh", ...args]);
    } catch (cause) {
      if (!(cause instanceof CommandError) || cause.stopped) throw cause;
      if (!/replication slot .* already exists/.test(cause.stdout)) {
        throw new OperatorError(`the primary's data cannot be copied:\n${indented(cause.stdout)}`, { cause });
      }
      // Of a copy before that failed, or of a guest that is made anew.
      await this.run(["sh", "-c", DROP_SLOT, "sh", ...args]);
      await this.run(["sh", "-c", COPY, "sh", ...args]);
    }
  }

  async isCopy(): Promise<boolean> {
    return (await this.machine.status(`${this.layout.data}/standby.signal`, { signal: this.signal })) !== undefined;
  }

  /** What its log said last. */
  async log(): Promise<string> {
    const { version } = this.layout;
    const { stdout } = await this.machine.run(["sh", "-c", LOG, "sh", version, this.model.name]);
    return indented(stdout);
  }

  private run(argv: string[]) {
    return this.machine.run(argv, { signal: this.signal, env: { LC_ALL: "C" } });
  }
}

function indented(text: string): string {
  return text.trimEnd().replace(/^/gm, "  ");
}

function digest(content: string | undefined): string | undefined {
  return content === undefined ? undefined : createHash("sha256").update(content).digest("hex");
}
