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
  const runnable = context.runnable() as Runnable & { type: "test" | "hook" };
  const skipped: Runnable | Suite = (runnable.type === "hook" && runnable.parent) || runnable;
  Object.assign(skipped, { skipReason: reason });
  return context.skip();
}
