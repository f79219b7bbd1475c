import { Limiter } from "../machine/limiter";
import type { Machine } from "../machine/machine";

/** What a build takes at most, in kB, while it has a system and its disk in memory. */
const memory = 2 * 1024 * 1024;

const PROBE = `nproc || echo 1; sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo; :`;

const slots = new Map<string, Promise<Limiter>>();

/** Runs a build when its host has a processor and memory for it beside those that this process has under way there. */
export async function inSlot<T>(machine: Machine, waiting: () => void, build: () => Promise<T>): Promise<T> {
  let probed = slots.get(machine.label);
  if (!probed) {
    probed = limiterOf(machine);
    slots.set(machine.label, probed);
    probed.catch(() => slots.delete(machine.label));
  }
  return (await probed).run(build, waiting);
}

async function limiterOf(machine: Machine): Promise<Limiter> {
  const { stdout } = await machine.run(["sh", "-c", PROBE]);
  const [processors = 1, available = 0] = stdout.trim().split("\n").map(Number);
  return new Limiter(Math.max(1, Math.min(processors, Math.floor(available / memory))));
}
