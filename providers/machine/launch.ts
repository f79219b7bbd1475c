import { spawn, type ChildProcess } from "node:child_process";
import type { Envelope } from "./envelope";
import { TailBuffer } from "./tail-buffer";
import { Trailer } from "./trailer";

/** Output kept of each stream. */
export const outputLimit = 8 * 1024 * 1024;

/** How long a stopped command may take to die on its own (the keeper gives it 2 s) before what we see of it is killed. */
const stopGrace = 5_000;
/** How long output is awaited after the command ended, where a process it left behind holds the streams open. */
const drainGrace = 500;

export interface LaunchOptions {
  timeout: number;
  signal?: AbortSignal;
  onOutput?(stream: "stdout" | "stderr", data: Buffer): void;
  /** Bytes kept of each stream. */
  limit: number;
  /** Whether a last resort kill takes the whole process group: not with ssh, whose group may hold a shared connection. */
  killGroup: boolean;
}

/** What came of it. Without `exitCode` the command did not run to its end: `launcher` tells what became of the process. */
export interface Launched {
  exitCode?: number;
  stdout: Buffer;
  stderr: Buffer;
  truncated: boolean;
  /** Why we stopped it. */
  stopped?: { reason: string; cause?: unknown };
  launcher: { exitCode: number | null; signal: string | null; error?: NodeJS.ErrnoException };
}

/** Runs a process that ends in BOOTSTRAP, hands it the envelope, and waits for the command's end. */
export function launch(argv: readonly string[], envelope: Envelope, options: LaunchOptions): Promise<Launched> {
  const [program, ...rest] = argv as [string, ...string[]];
  // A process group of its own: Ctrl-C in the terminal reaches the operator's program alone, which then stops us.
  const child = spawn(program, rest, { detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const trailer = new Trailer(envelope.token);
  const kept = { stdout: new TailBuffer(options.limit), stderr: new TailBuffer(options.limit) };
  const launched: Pick<Launched, "stopped" | "launcher"> = { launcher: { exitCode: null, signal: null } };

  return new Promise((resolve) => {
    const timers = new Set<NodeJS.Timeout>();
    const after = (ms: number, action: () => void) => timers.add(setTimeout(action, ms));
    const keep = (stream: "stdout" | "stderr", data: Buffer) => {
      if (data.length === 0) return;
      kept[stream].append(data);
      options.onOutput?.(stream, data);
    };
    const stop = (reason: string, cause?: unknown) => {
      if (launched.stopped || trailer.ending) return;
      launched.stopped = { reason, cause };
      child.stdin.end();
      after(stopGrace, () => {
        kill(child, options.killGroup);
        drain();
      });
    };
    const drain = () => {
      child.stdin.destroy();
      after(drainGrace, () => {
        child.stdout.destroy();
        child.stderr.destroy();
        kill(child, options.killGroup);
      });
    };
    const aborted = () => stop(`stopped: ${reasonOf(options.signal!)}`, options.signal!.reason);
    const finish = () => {
      timers.forEach(clearTimeout);
      options.signal?.removeEventListener("abort", aborted);
      keep("stderr", trailer.rest());
      const [stdout, stderr] = [kept.stdout.bytes(), kept.stderr.bytes()];
      const truncated = kept.stdout.truncated || kept.stderr.truncated;
      resolve({ ...launched, stdout, stderr, truncated, exitCode: trailer.ending?.exitCode });
    };

    child.stdout.on("data", (data: Buffer) => keep("stdout", data));
    child.stderr.on("data", (data: Buffer) => {
      keep("stderr", trailer.filter(data));
      if (trailer.ending) drain();
    });
    child.stdin.on("error", () => {}); // The process ended first; its exit tells more than EPIPE.
    child.on("error", (error) => {
      launched.launcher.error = error;
      finish();
    });
    child.on("exit", (exitCode, signal) => {
      Object.assign(launched.launcher, { exitCode, signal });
      drain();
    });
    child.on("close", finish);

    after(options.timeout, () => stop(`timed out after ${options.timeout / 1000} s`));
    options.signal?.addEventListener("abort", aborted, { once: true });
    // Standard input stays open: its end is what kills the command, also when this process dies.
    child.stdin.write(envelope.bytes);
    if (options.signal?.aborted) aborted();
  });
}

function kill(child: ChildProcess, group: boolean): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(group ? -child.pid : child.pid, "SIGKILL");
  } catch {
    // It ended in between.
  }
}

/** What an AbortSignal says of why it fired. */
export function reasonOf(signal: AbortSignal): string {
  return signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
}
