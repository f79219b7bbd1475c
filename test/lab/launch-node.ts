import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type NodePlan, segments } from "./lab-layout";
import { processOf, runs } from "./lab-process";
import type { LabState } from "./lab-state";

/** Milliseconds. A boot takes one or two seconds, and many times as long where the machine is busy. */
const patience = 120_000;

/** Starts process 1 of the lab, which holds the switches: every other process of the lab ends with it. */
export async function launchSwitch(state: LabState): Promise<void> {
  const namespaces = ["unshare", "--mount", "--propagation", "slave", "--net", "--pid", "--fork", "--kill-child"];
  const child = begin(state, "switch", namespaces, "switch", { LAB_SEGMENTS: segments.join(" ") });
  await until(state, "switch", child, () => processOf(state.path("switch", "pid")) !== undefined);
}

/** Boots a node unless it is on; resolves when all its services have been started. */
export async function launchNode(state: LabState, plan: NodePlan): Promise<void> {
  const first = processOf(state.path("switch", "pid"));
  if (!runs(first)) throw new Error(`the lab ${state.name} is down`);
  const booted = (): boolean => existsSync(state.path(plan.name, "ready"));
  if (runs(processOf(state.path(plan.name, "pid")))) return until(state, plan.name, undefined, booted);
  const disk = path.join(state.disks, plan.name);
  mkdirSync(disk, { recursive: true, mode: 0o755 });
  rmSync(state.path(plan.name, "ready"), { force: true });
  const enter = ["nsenter", "--target", String(first.pid), "--mount", "--net", "--pid"];
  const child = begin(state, plan.name, enter, "launch", {
    LAB_NODE: plan.name,
    LAB_DISK: disk,
    LAB_DISK_SIZE: plan.disk === undefined ? "" : String(plan.disk),
    LAB_NICS: plan.nics.map(({ name, segment, mac }) => `${name}=${segment}=${mac}`).join(" "),
    LAB_SERVICES: plan.services.join(" "),
  });
  await until(state, plan.name, child, booted);
}

function begin(
  state: LabState,
  node: string,
  enter: readonly string[],
  phase: string,
  environment: { [name: string]: string },
): ChildProcess {
  mkdirSync(state.path(node), { recursive: true, mode: 0o755 });
  rmSync(state.path(node, "pid"), { force: true });
  const log = openSync(state.path(node, "log"), "w");
  const [program, ...argv] = [...enter, "bash", state.path("boot.sh"), phase];
  const common = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", LAB: state.name, LAB_STATE: state.folder };
  const child = spawn(program!, argv, {
    cwd: "/",
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...common, ...environment },
  });
  closeSync(log);
  child.unref();
  return child;
}

/** `child` is what boots it, unless another process began that. */
async function until(
  state: LabState,
  node: string,
  child: ChildProcess | undefined,
  done: () => boolean,
): Promise<void> {
  let failure: Error | undefined;
  child?.once("error", (error) => (failure = error));
  const deadline = Date.now() + patience;
  const gone = (): boolean =>
    child ? child.exitCode !== null || child.signalCode !== null : !runs(processOf(state.path(node, "pid")));
  while (!done()) {
    if (failure) throw failure;
    if (gone() || Date.now() > deadline) {
      const log = readFileSync(state.path(node, "log"), "utf8").trim().slice(-2000);
      throw new Error(`${node} of the lab ${state.name} does not boot: ${log || "it says nothing"}`);
    }
    await sleep(10);
  }
}
