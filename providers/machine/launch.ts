import { spawn, type ChildProcess } from "node:child_process";
import type { Writable } from "node:stream";
import { Deadline } from "./deadline";
import type { Envelope } from "./envelope";
import type { Feed } from "./feed";
import { TailBuffer } from "./tail-buffer";
import { Trailer } from "./trailer";

/** Output kept of each stream. */
export const outputLimit = 8 * 1024 * 1024;

/** How long a stopped command may take to die on its own (the keeper gives it 2 s) before what we see of it is killed. */
const stopGrace = 15_000;
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
  const trailers = { stdout: new Trailer(envelope.token), stderr: new Trailer(envelope.token) };
  const ended = () => trailers.stdout.ending !== undefined && trailers.stderr.ending !== undefined;
  const kept = { stdout: new TailBuffer(options.limit), stderr: new TailBuffer(options.limit) };
  const launched: Pick<Launched, "stopped" | "launcher"> = { launcher: { exitCode: null, signal: null } };
  const deadline = new Deadline(options.timeout, options.signal);

  return new Promise((resolve) => {
    const timers = new Set<NodeJS.Timeout>();
    const after = (ms: number, action: () => void) => timers.add(setTimeout(action, ms));
    const keep = (stream: "stdout" | "stderr", data: Buffer) => {
      if (data.length === 0) return;
      kept[stream].append(data);
      options.onOutput?.(stream, data);
    };
    const stop = (stopped = deadline.stopped) => {
      if (ended()) return;
      launched.stopped ??= stopped;
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
    const finish = () => {
      timers.forEach(clearTimeout);
      deadline.signal.removeEventListener("abort", onAbort);
      deadline.close();
      keep("stdout", trailers.stdout.rest());
      keep("stderr", trailers.stderr.rest());
      const [stdout, stderr] = [kept.stdout.bytes(), kept.stderr.bytes()];
      const truncated = kept.stdout.truncated || kept.stderr.truncated;
      resolve({ ...launched, stdout, stderr, truncated, exitCode: trailers.stderr.ending?.exitCode });
    };

    const onAbort = () => stop();
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].on("data", (data: Buffer) => {
        keep(stream, trailers[stream].filter(data));
        if (ended()) drain();
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

    deadline.signal.addEventListener("abort", onAbort, { once: true });
    // Standard input stays open: its end is what kills the command, also when this process dies.
    child.stdin.write(envelope.bytes);
    if (envelope.feed)
      feed(child.stdin, envelope.feed).catch((cause: unknown) => stop({ reason: "its input failed", cause }));
    if (deadline.signal.aborted) stop();
  });
}

/** Writes as fast as it is read, until all is written or nobody reads any more. */
async function feed(stdin: Writable, { length, chunks }: Feed): Promise<void> {
  let left = length;
  for await (const chunk of chunks) {
    if (!stdin.writable) return;
    left -= chunk.length;
    if (left < 0) throw new RangeError(`the input is longer than the ${length} bytes that were announced`);
    if (stdin.write(chunk)) continue;
    await new Promise<void>((resolve) => {
      const go = () => {
        stdin.off("drain", go).off("close", go);
        resolve();
      };
      stdin.on("drain", go).on("close", go);
    });
  }
  if (left > 0 && stdin.writable) throw new RangeError(`the input ended ${left} bytes early`);
}

function kill(child: ChildProcess, group: boolean): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(group ? -child.pid : child.pid, "SIGKILL");
  } catch {
    // It ended in between.
  }
}
