import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A process that no other one is taken for when its id is used again. */
export interface ProcessId {
  pid: number;
  /** Clock ticks after the machine's boot. */
  started: number;
}

export function ownProcess(): ProcessId {
  return { pid: process.pid, started: startOf(process.pid)! };
}

/** What a file with "PID START" names; undefined where there is none. */
export function processOf(file: string): ProcessId | undefined {
  try {
    const [pid, started] = readFileSync(file, "utf8").trim().split(" ").map(Number);
    return pid && started ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}

export function runs(id: ProcessId | undefined): id is ProcessId {
  return id !== undefined && startOf(id.pid) === id.started;
}

/** Ends it and, where it is process 1 of a namespace, all that are in there; resolves when they are gone. */
export async function end(id: ProcessId | undefined): Promise<void> {
  if (!runs(id)) return;
  process.kill(id.pid, "SIGKILL");
  while (runs(id)) await sleep(5);
}

/** Undefined when no such process runs; one that only waits to be reaped does not. */
function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : Number(fields[18]);
  } catch {
    return undefined;
  }
}
