import type { Context } from "./contract";

const defaultDeadline = 10 * 60_000;
/** How long what watches the signal gets to clean up before the caller stops waiting for it. */
const grace = 5000;

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

/** Makes an interrupt of this process abort what is under way, in the place of ending it at once. */
export function abortOnInterrupt(): void {
  if (!process.listeners("SIGINT").includes(interrupt)) process.on("SIGINT", interrupt);
}

/** Pulumi shows a plugin's standard output beside the stack while the run goes on. */
export function progress(message: string): void {
  console.log(message);
}

/** Runs `work` with a signal that aborts at the deadline and on interruption. */
export async function operation<T>(
  subject: string,
  work: (context: Context) => Promise<T>,
  deadline = defaultDeadline,
): Promise<T> {
  const expiry = new AbortController();
  const signal = AbortSignal.any([expiry.signal, interruption.signal]);
  const timer = setTimeout(() => expiry.abort(new Error(`not done after ${deadline / 1000} s`)), deadline);
  let abandon: NodeJS.Timeout | undefined;
  const abandoned = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => {
      abandon = setTimeout(() => reject(signal.reason), grace);
    });
  });
  running++;
  try {
    const context = { signal, progress: (message: string) => progress(`${subject}: ${message}`) };
    return await Promise.race([work(context), abandoned]);
  } finally {
    clearTimeout(timer);
    clearTimeout(abandon);
    running--;
    if (interruption.signal.aborted && running === 0) setTimeout(() => process.exit(1), 100).unref();
  }
}
