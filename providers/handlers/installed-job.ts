import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { JobFile, Scheduler } from "../backup/installation";
import { lookAt, type JobLook, type JobPlaces } from "../backup/job-look";
import type { Problem } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";

/** A backup job as it is put on a machine. */
export interface InstalledJob {
  name: string;
  schedule: string;
  /** Where its program is. */
  program: string;
  places: JobPlaces;
  /** Its files, the program first, then its configuration, and what starts it last. */
  files: (scheduler: Scheduler) => JobFile[];
  /** What it writes beside its backups, and goes with it; its state's folder is the first. */
  notes: string[];
}

export const digest = (content: string) => createHash("sha256").update(content).digest("hex");

/** Why the job cannot be on the machine. A configuration that is there belongs to another job where this one is new. */
export function obstacle(
  { name, schedule, program, places, files }: InstalledJob,
  look: JobLook,
  isNew: boolean,
): (Problem & { problem: string; fix: string }) | undefined {
  const say = (field: string, problem: string, fix: string) => ({ field, problem, fix, reason: problem });
  if (schedule !== "never" && look.scheduler === "none")
    return say(
      "schedule",
      "the machine has neither systemd nor cron to run it",
      `have a Package install cron (dependsOn), or set schedule: "never" and run ${program} run by other means`,
    );
  const config = look.digests[places.config];
  const wanted = files(look.scheduler).find(({ path }) => path === places.config)!;
  if (isNew && config !== undefined && config !== digest(wanted.content))
    return say(
      "name",
      `the machine has another job ${name} (${places.config})`,
      "choose another name, or remove that job",
    );
  return undefined;
}

/** How what is on the machine differs from what was installed, by its digests; undefined when it does not. */
export function drift(
  { schedule, places }: InstalledJob,
  installed: { [path: string]: string },
  look: JobLook,
): string | undefined {
  const path = Object.keys(installed).find((file) => look.digests[file] !== installed[file]);
  if (path) return `${path} ${look.digests[path] === undefined ? "is missing" : "was changed"}`;
  if (look.scheduler !== "systemd" || schedule === "never") return undefined;
  if (!look.timer?.enabled) return `${places.unit}.timer is not enabled`;
  return look.timer.active ? undefined : `${places.unit}.timer is not active`;
}

/** What a value of `installed` says in words. */
export function changed(old: unknown): string {
  return typeof old === "string" && !/^[0-9a-f]{64}$/.test(old) ? old : "another version of the program";
}

/** Puts the job on the machine: proves first that it could work, and then replaces what differs. */
export async function install(machine: Machine, job: InstalledJob, look: JobLook, signal: AbortSignal): Promise<void> {
  const { schedule, places } = job;
  const files = job.files(look.scheduler);
  const folders = [...new Set(files.map(({ path }) => posix.dirname(path)))];
  await machine.run(["mkdir", "-p", "--", ...folders], { signal });
  await prove(machine, files as [JobFile, JobFile], signal);
  const timer = `${places.unit}.timer`;
  const stale = places.possible.filter((path) => path in look.digests && !files.some((file) => file.path === path));
  const differing = files.filter(({ path, content }) => look.digests[path] !== digest(content));
  if (look.scheduler === "systemd" && stale.some((path) => path.endsWith(".timer")))
    await machine.run(["systemctl", "disable", "--now", timer], { signal, accept: [0, 1, 5] });
  for (const path of stale) await machine.remove(path, { signal });
  for (const { path, content, mode } of differing) await machine.write(path, content, { mode, signal });
  if (look.scheduler !== "systemd") return;
  const units = [...stale, ...differing.map(({ path }) => path)].some((path) => /\.(service|timer)$/.test(path));
  if (units) await machine.run(["systemctl", "daemon-reload"], { signal });
  if (schedule === "never") return;
  await machine.run(["systemctl", "enable", timer], { signal });
  // A timer that waits goes on with the old time until it is started again.
  if (units || !look.timer?.active) await machine.run(["systemctl", "restart", timer], { signal });
}

/** Has the new program look whether it could work with its new configuration. */
async function prove(machine: Machine, [program, config]: [JobFile, JobFile], signal: AbortSignal): Promise<void> {
  const [newProgram, newConfig] = [`${program.path}.new`, `${config.path}.new`];
  try {
    await machine.write(newProgram, program.content, { mode: program.mode, signal });
    await machine.write(newConfig, config.content, { mode: config.mode, signal });
    await machine.run([newProgram, "--config", newConfig, "check"], { signal });
  } catch (error) {
    if (error instanceof CommandError && error.exitCode !== undefined && error.argv.includes("check"))
      throw new OperatorError(error.stderr.trim().replace(/^kvm-(guest-)?backup \S+: /gm, ""), { cause: error });
    throw error;
  } finally {
    for (const path of [newProgram, newConfig]) await machine.remove(path).catch(() => {});
  }
}

/** Takes the job from the machine, with its notes, and leaves its backups. `stopped` is done when it runs no more. */
export async function uninstall(
  machine: Machine,
  { places, notes }: InstalledJob,
  signal?: AbortSignal,
  stopped: (look: JobLook) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const look = await lookAt(machine, places, signal);
  const units = Object.keys(look.digests).filter((path) => /\.(service|timer)$/.test(path));
  for (const unit of units
    .map((path) => posix.basename(path))
    .sort()
    .reverse())
    if (look.scheduler === "systemd")
      await machine.run(["systemctl", ...(unit.endsWith(".timer") ? ["disable", "--now"] : ["stop"]), unit], {
        signal,
        accept: [0, 1, 5],
      });
  await stopped(look);
  for (const path of places.possible) await machine.remove(path, { signal });
  if (units.length > 0 && look.scheduler === "systemd") await machine.run(["systemctl", "daemon-reload"], { signal });
  for (const path of notes) await machine.remove(path, { signal });
  await machine.run(["rmdir", "--", posix.dirname(places.config), posix.dirname(notes[0]!)], {
    signal,
    accept: [0, 1],
  });
}
