import { createHash } from "node:crypto";
import { posix } from "node:path";
import { filesOf, type Job, type JobFile, type Scheduler } from "../job/job";
import { lookAt, type JobLook } from "../job/look";
import type { Problem } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";

/** A backup job as it is put on a machine. */
export interface InstalledJob extends Job {
  name: string;
  /** What it writes beside its backups, and goes with it; its state's folder is the first. */
  notes: string[];
}

/** Where a job writes its figures for Prometheus. */
export const prometheus = (family: string, name: string, folder = "/var/lib/prometheus/node-exporter") =>
  `${folder}/${family}-${name}.prom`;

export const digest = (content: string) => createHash("sha256").update(content).digest("hex");

/** Digests of the job's files, by path. */
export function digests(job: Job, scheduler: Scheduler): { [path: string]: string } {
  return Object.fromEntries(filesOf(job, scheduler).map(({ path, content }) => [path, digest(content)]));
}

/** Puts a new job on the machine, or nothing of it. Resolves to what runs it there. */
export async function add(machine: Machine, job: InstalledJob, signal: AbortSignal): Promise<Scheduler> {
  const look = await lookAt(machine, job.places, signal);
  refuse(job, look, true);
  try {
    await install(machine, job, look, signal);
  } catch (error) {
    // Not with the signal: it may be what ended the installation.
    await uninstall(machine, job).catch(() => {});
    throw error;
  }
  return look.scheduler;
}

/** Puts another version of the job in its place. Resolves to what runs it there. */
export async function replace(machine: Machine, job: InstalledJob, signal: AbortSignal): Promise<Scheduler> {
  const look = await lookAt(machine, job.places, signal);
  refuse(job, look, false);
  await install(machine, job, look, signal);
  return look.scheduler;
}

function refuse(job: InstalledJob, look: JobLook, isNew: boolean): void {
  const wrong = obstacle(job, look, isNew);
  if (wrong) throw new OperatorError(wrong.problem, wrong);
}

/** What a preview says against the job; nothing where the machine could not be looked at, as create will tell. */
export function obstacles(job: InstalledJob, look: JobLook | undefined, isNew: boolean): Problem[] {
  const wrong = look && obstacle(job, look, isNew);
  return wrong ? [{ field: wrong.field, reason: `${wrong.problem}. Fix: ${wrong.fix}` }] : [];
}

/** Why the job cannot be on the machine. A configuration that is there belongs to another job where this one is new. */
function obstacle(
  job: InstalledJob,
  look: JobLook,
  isNew: boolean,
): { field: string; problem: string; fix: string } | undefined {
  const { name, schedule, places } = job;
  if (schedule !== "never" && look.scheduler === "none")
    return {
      field: "schedule",
      problem: "the machine has neither systemd nor cron to run it",
      fix: `have a Package install cron (dependsOn), or set schedule: "never" and run ${places.program} run by other means`,
    };
  const there = look.digests[places.config];
  if (isNew && there !== undefined && there !== digest(job.config))
    return {
      field: "name",
      problem: `the machine has another job ${name} (${places.config})`,
      fix: "choose another name, or remove that job",
    };
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
async function install(machine: Machine, job: InstalledJob, look: JobLook, signal: AbortSignal): Promise<void> {
  const { schedule, places } = job;
  const files = filesOf(job, look.scheduler);
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
      throw new OperatorError(error.stderr.trim().replace(/^kvm-[a-z-]+ \S+: /gm, ""), { cause: error });
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
