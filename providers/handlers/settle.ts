import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../dynamic/contract";

/** A second more than a web tier's proxy leaves a server alone that refused a request (`pause`, by default). */
const pause = 6000;

/**
 * After a server's restart: until those in front of it use it again. The next server of its tier may be restarted then, and
 * they would have none.
 */
export async function settle({ progress, signal }: Context): Promise<void> {
  progress("it serves again: waiting until those in front know it");
  await sleep(pause, undefined, { signal });
}
