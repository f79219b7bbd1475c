import type { Context, Runnable, Suite } from "mocha";

/**
 * Skips the test, or in a `before` hook every test of its suite, with the reason that the run's closing list shows.
 *
 * @example
 * before(function () {
 *   if (process.getuid?.() !== 0) skip(this, "needs root");
 * });
 */
export function skip(context: Context, reason: string): never {
  const runnable = context.runnable();
  const skipped: Runnable | Suite | undefined = runnable.type === "hook" ? runnable.parent : runnable;
  Object.assign(skipped ?? runnable, { skipReason: reason });
  return context.skip();
}
