import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type NodePlan, segments } from "./lab-layout";
import { processOf, runs } from "./lab-process";
import type { LabState } from "./lab-state";

const script = path.join(__dirname, "boot.sh");
const patience = 60_000;

/** Starts process 1 of the lab, which holds the switches: every other process of the lab ends with it. */
export async function launchSwitch(state: LabState): Promise<void> {
  const environment = { LAB_SEGMENTS: segments.join(" ") };
  const process = begin(state, "switch", [], ["switch"], environment);
  await until(state, "switch", process, () => runs(processOf(state.path("switch", "pid"))));
}

/** Boots a node; resolves when all its services have been started. */
export async function launchNode(state: LabState, plan: NodePlan): Promise<void> {
  const first = processOf(state.path("switch", "pid"));
  if (!runs(first)) throw new Error(`the lab ${state.name} is down`);
  const disk = path.join(state.disks, plan.name);
  mkdirSync(disk, { recursive: true, mode: 0o755 });
  rmSync(state.path(plan.name, "ready"), { force: true });
  const enter = ["nsenter", "--target", String(first.pid), "--mount", "--net", "--pid"];
  const process = begin(state, plan.name, enter, ["launch"], {
    LAB_NODE: plan.name,
    LAB_DISK: disk,
    LAB_DISK_SIZE: plan.disk === undefined ? "" : String(plan.disk),
    LAB_NICS: plan.nics.map(({ name, segment, mac }) => `${name}=${segment}=${mac}`).join(" "),
    LAB_SERVICES: plan.services.join(" "),
  });
  await until(state, plan.name, process, () => existsSync(state.path(plan.name, "ready")));
}

function begin(
  state: LabState,
  node: string,
  enter: readonly string[],
  words: readonly string[],
  environment: { [name: string]: string },
): ChildProcess {
  mkdirSync(state.path(node), { recursive: true, mode: 0o755 });
  const log = openSync(state.path(node, "log"), "w");
  const namespaces = ["unshare", "--mount", "--propagation", "slave", "--net", "--pid", "--fork", "--kill-child"];
  const [program, ...argv] = [...(words[0] === "switch" ? namespaces : enter), "bash", script, ...words];
  const child = spawn(program!, argv, {
    cwd: "/",
    detached: true,
    stdio: ["ignore", log, log],
    env: {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      LANG: "C.UTF-8",
      LAB: state.name,
      LAB_STATE: state.folder,
      ...environment,
    },
  });
  closeSync(log);
  child.unref();
  return child;
}

async function until(state: LabState, node: string, child: ChildProcess, ready: () => boolean): Promise<void> {
  let failure: Error | undefined;
  child.once("error", (error) => (failure = error));
  const deadline = Date.now() + patience;
  while (!ready()) {
    if (failure) throw failure;
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      const log = readFileSync(state.path(node, "log"), "utf8").slice(-2000);
      throw new Error(`${node} of the lab ${state.name} does not boot: ${log.trim() || "it says nothing"}`);
    }
    await sleep(10);
  }
}
