import type { Context } from "./contract";
import { watchEngine } from "./engine-watch";

const defaultDeadline = 10 * 60_000;
/** How long what watches the signal gets to clean up before the caller stops waiting: Pulumi kills us 5 s after an interrupt. */
let grace = 4000;
/** As `grace`, where nobody waits any more. */
const leisure = 60_000;

const interruption = new AbortController();
let running = 0;

/**
 * Pulumi interrupts the provider process when a run has ended and at the second Ctrl-C (the first only keeps new work
 * from starting). What is under way is aborted then and undoes itself; the process ends with the last of it.
 */
function interrupt(): void {
  interruption.abort(new Error("interrupted"));
  if (running === 0) process.exit(0);
}

/** The engine was killed: what is under way undoes itself, or the next run would have to find it. */
function abandon(): void {
  grace = leisure;
  interrupt();
}

/** Makes an interrupt of this process, or the end of the engine, abort what is under way; an interrupt would end it at once. */
export function abortOnInterrupt(): void {
  if (process.listeners("SIGINT").includes(interrupt)) return;
  process.on("SIGINT", interrupt);
  watchEngine(abandon);
}

/** Pulumi shows a plugin's standard output beside the stack while the run goes on. */
export function progress(message: string): void {
  console.log(message);
}

/** Runs `work` with a signal that aborts at the deadline and on interruption; `say` takes its words of progress. */
export async function operation<T>(
  say: (message: string) => void,
  work: (context: Context) => Promise<T>,
  deadline = defaultDeadline,
): Promise<T> {
  const expiry = new AbortController();
  const signal = AbortSignal.any([expiry.signal, interruption.signal]);
  const timer = setTimeout(() => expiry.abort(new Error(`not done after ${deadline / 1000} s`)), deadline);
  let giveUp: NodeJS.Timeout | undefined;
  const abandoned = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => {
      giveUp = setTimeout(() => reject(signal.reason), grace);
    });
  });
  running++;
  try {
    return await Promise.race([work({ signal, progress: say }), abandoned]);
  } finally {
    clearTimeout(timer);
    clearTimeout(giveUp);
    running--;
    if (interruption.signal.aborted && running === 0) setTimeout(() => process.exit(1), 100).unref();
  }
}
