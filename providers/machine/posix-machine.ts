import { posix } from "node:path";
import { CommandError } from "./command-error";
import { MISSING, READ, REMOVE, STATUS, WRITE } from "./file-scripts";
import { outputLimit } from "./launch";
import type { FileStatus, Machine, RunOptions, RunResult, StatusOptions, WriteOptions } from "./machine";
import { NotFoundError } from "./not-found-error";

const defaultTimeout = 10 * 60_000;

/** What a kind of machine is asked to run. */
export interface Execution extends Omit<RunOptions, "accept"> {
  timeout: number;
  /** Bytes kept of each stream. */
  limit: number;
}

/** How it went. Without `exitCode` the command was stopped. */
export interface Executed {
  exitCode?: number;
  stopped?: { reason: string; cause?: unknown };
  stdout: Buffer;
  stderr: Buffer;
  truncated: boolean;
}

/** The part that all machines with a POSIX shell share: files are worked on by constant scripts. */
export abstract class PosixMachine implements Machine {
  constructor(readonly label: string) {}

  /** Runs argv to its end; throws UnreachableError where the machine itself failed. */
  abstract execute(argv: readonly string[], execution: Execution): Promise<Executed>;

  /**
   * Runs one of our own scripts that is over at once, starts nothing that outlives it and prints little. A kind of
   * machine on which supervision is dear does without.
   */
  protected brief(script: string, args: readonly string[], execution: Execution): Promise<Executed> {
    return this.execute(["sh", "-c", script, "sh", ...args], execution);
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const { accept, ...execution } = { timeout: defaultTimeout, limit: outputLimit, ...options };
    const done = await this.execute(argv, execution);
    const result = { stdout: done.stdout.toString(), stderr: done.stderr.toString(), truncated: done.truncated };
    if (done.stopped || done.exitCode === undefined || !(accept ?? [0]).includes(done.exitCode)) {
      const { exitCode, stopped } = done;
      const failure = { argv, machine: this.label, ...result, exitCode: stopped ? undefined : exitCode };
      throw new CommandError({ ...failure, stopped: stopped?.reason, cause: stopped?.cause });
    }
    return { exitCode: done.exitCode, ...result };
  }

  async read(path: string, options: { signal?: AbortSignal } = {}): Promise<Buffer> {
    const execution = { timeout: defaultTimeout, limit: Infinity, ...options };
    const done = await this.execute(["sh", "-c", READ, "sh", absolute(path)], execution);
    this.accept(done, ["read", path]);
    if (done.exitCode === MISSING) throw new NotFoundError(path, this.label);
    return done.stdout;
  }

  async write(path: string, data: Buffer | string, options: WriteOptions = {}): Promise<void> {
    const { mode = 0o644, owner = "", group = "", ...rest } = options;
    const stdin = Buffer.from(data);
    const args = [movable(path), String(stdin.length), mode.toString(8), owner, group];
    await this.script(WRITE, ["write", ...args], { ...rest, stdin });
  }

  async status(path: string, options: StatusOptions = {}): Promise<FileStatus | undefined> {
    const { digest, ...rest } = options;
    const done = await this.script(STATUS, ["status", absolute(path), digest ? "digest" : ""], rest);
    return done.exitCode === MISSING ? undefined : parseStatus(done.stdout.toString());
  }

  async remove(path: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.script(REMOVE, ["remove", movable(path)], options);
  }

  private async script(text: string, [name, ...args]: [string, ...string[]], options: Partial<Execution>) {
    const done = await this.brief(text, args, { timeout: defaultTimeout, limit: Infinity, ...options });
    this.accept(done, [name, args[0]!]);
    return done;
  }

  /** Throws unless the script did its work or found nothing; an error names what was done, "write /etc/hosts", not its text. */
  private accept(done: Executed, argv: string[]): void {
    if (done.exitCode === 0 || done.exitCode === MISSING) return;
    throw new CommandError({
      argv,
      machine: this.label,
      exitCode: done.exitCode,
      stopped: done.stopped?.reason,
      // Never the content of a file that was only half read.
      stdout: "",
      stderr: done.stderr.toString(),
      cause: done.stopped?.cause,
    });
  }
}

function absolute(path: string): string {
  if (path.startsWith("/") && !path.includes("\0")) return posix.normalize(path);
  throw new TypeError(`a path on a machine must be absolute, got "${path}"`);
}

/** A path that can be replaced or removed: absolute, no trailing slash (it would follow a symlink), not the root. */
function movable(path: string): string {
  const normal = absolute(path).replace(/\/+$/, "");
  if (normal === "") throw new TypeError(`"${path}" is the root folder: it cannot be written or removed`);
  return normal;
}

function parseStatus(text: string): FileStatus {
  const [raw = "", size, uid, user, gid, group, digest] = text.split("\n");
  const mode = parseInt(raw, 16);
  const types: { [bits: number]: FileStatus["type"] } = { 0o10: "file", 0o4: "directory", 0o12: "symlink" };
  return {
    type: types[mode >> 12] ?? "other",
    mode: mode & 0o7777,
    owner: named(user, uid),
    group: named(group, gid),
    uid: Number(uid),
    gid: Number(gid),
    size: Number(size),
    ...(digest && { sha256: digest.slice(0, 64) }),
  };
}

function named(name: string | undefined, number: string | undefined): string {
  return !name || name === "UNKNOWN" ? number! : name;
}
