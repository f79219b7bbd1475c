import { readFileSync, readdirSync, rmdirSync } from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Removes the cgroups of a lab, or of one of its nodes, whose processes have ended. */
export async function removeCgroups(...below: string[]): Promise<void> {
  for (const labs of hierarchies().map((folder) => path.join(folder, "pulumi-kvm-lab"))) {
    await removeTree(path.join(labs, ...below));
    removeEmpty(labs);
  }
}

/** The last one turns off the light. */
function removeEmpty(labs: string): void {
  try {
    rmdirSync(labs);
  } catch {
    // Other labs are there, or none ever was.
  }
}

function hierarchies(): string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , type]) => type === "cgroup" || type === "cgroup2")
    .map(([, folder]) => folder!);
}

async function removeTree(folder: string): Promise<void> {
  let entries: string[];
  try {
    entries = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return;
  }
  for (const entry of entries) await removeTree(path.join(folder, entry));
  // A process counts for a moment after its end.
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return rmdirSync(folder);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return;
      if (code !== "EBUSY") throw error;
      await sleep(20);
    }
  }
}
