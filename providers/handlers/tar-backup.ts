import { createHash } from "node:crypto";
import { posix } from "node:path";
import { report, warning, type JobReport } from "../backup/health";
import {
  configPath,
  jobFiles,
  possiblePaths,
  programPath,
  statePath,
  unitName,
  type JobFile,
  type Scheduler,
} from "../backup/installation";
import { lookAtJob, type JobLook } from "../backup/job-look";
import { jobScript } from "../backup/job-script";
import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { tarBackupSchema, type TarBackupInputs } from "../schema/tar-backup";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";

export interface TarBackupState extends TarBackupInputs, JobReport {
  scheduler: Scheduler;
  /** Digests of the files that were installed, by path. */
  files: { [path: string]: string };
}

const digest = (content: string) => createHash("sha256").update(content).digest("hex");
const fullNext = { disruption: "live", why: "the next run is a full one" } as const;

/** Jobs that back up a machine's files: program, configuration and schedule on the machine. */
export class TarBackupHandler implements Handler<TarBackupInputs, TarBackupState> {
  readonly kind = "TarBackup";
  readonly schema = tarBackupSchema;

  readonly fields: DiffTable<TarBackupInputs> = {
    machine: machineRule,
    name: "replace",
    paths: fullNext,
    exclude: fullNext,
    root: fullNext,
    oneFileSystem: fullNext,
    target: { disruption: "live", why: "a new place begins with a full run; what is in the old one stays there" },
    level: "live",
    full: "live",
    compress: "live",
    compressLevel: "live",
    split: "live",
    encrypt: fullNext,
    keep: { disruption: "live", why: "the next run deletes what is not kept any more" },
    immutable: "live",
    hashes: "live",
    before: "live",
    after: "live",
    schedule: "live",
    jitter: "live",
    catchUp: "live",
    nice: "live",
    ioClass: "live",
    drill: "live",
    check: "live",
    scratch: "live",
    verify: "live",
    metrics: "live",
    installed: ({ old }) => ({ disruption: "live", why: `${changed(old)}: it is written again`, hidden: true }),
  };

  constructor(private readonly machine: (spec: TarBackupInputs["machine"]) => Machine = open) {}

  describe({ name, machine }: TarBackupInputs): string {
    return `backup ${name} on ${machineLabel(machine)}`;
  }

  lock({ name, machine }: TarBackupInputs): string {
    return `backup ${machineKey(machine)} ${name}`;
  }

  /** A new version of the program is a change that a preview shows. */
  generate(): Partial<TarBackupInputs> {
    return { installed: digest(jobScript) };
  }

  async problems(
    inputs: TarBackupInputs,
    olds: Partial<TarBackupInputs> | undefined,
    changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    const isNew = !olds || changes.some(({ disruption }) => disruption === "replace");
    const look = await lookAtJob(this.machine(inputs.machine), inputs.name, context.signal).catch(() => undefined);
    // Create will tell; the machine may not be up yet.
    if (!look) return [];
    const problem = obstacle(inputs, look, isNew ? {} : undefined);
    return problem ? [{ field: problem.field, reason: `${problem.problem}. Fix: ${problem.fix}` }] : [];
  }

  async notices(inputs: TarBackupInputs, context: Context): Promise<string[]> {
    const look = await lookAtJob(this.machine(inputs.machine), inputs.name, context.signal).catch(() => undefined);
    const wrong = look && look.installed > 0 ? warning(report(inputs, look)) : undefined;
    return wrong ? [`warning: ${wrong}`] : [];
  }

  async create(inputs: TarBackupInputs, context: Context): Promise<Created<TarBackupState>> {
    const machine = this.machine(inputs.machine);
    const look = await lookAtJob(machine, inputs.name, context.signal);
    const wrong = obstacle(inputs, look, {});
    if (wrong) throw new OperatorError(wrong.problem, wrong);
    try {
      await install(machine, inputs, look, context);
    } catch (error) {
      // Not with the context's signal: it may be what ended the installation.
      await uninstall(machine, inputs.name).catch(() => {});
      throw error;
    }
    const state = await this.state(inputs, look.scheduler, context);
    return { id: `${machineLabel(inputs.machine)}:${inputs.name}`, state };
  }

  read(_id: string, state: TarBackupState, context: Context): Promise<TarBackupState | undefined> {
    return lookOnMachine(state, context, async () => {
      const look = await lookAtJob(this.machine(state.machine), state.name, context.signal);
      if (Object.keys(look.digests).length === 0) return undefined;
      const found = { ...state, ...report(state, look), installed: drift(state, look) ?? state.installed };
      const wrong = warning(found);
      if (wrong) context.progress(`warning: ${wrong}`);
      return found;
    });
  }

  async update(
    _id: string,
    _olds: TarBackupState,
    news: TarBackupInputs,
    _changes: Change[],
    context: Context,
  ): Promise<TarBackupState> {
    const machine = this.machine(news.machine);
    const look = await lookAtJob(machine, news.name, context.signal);
    const wrong = obstacle(news, look);
    if (wrong) throw new OperatorError(wrong.problem, wrong);
    await install(machine, news, look, context);
    return this.state(news, look.scheduler, context);
  }

  /** Removes the job. What it backed up stays where it is. */
  delete(_id: string, state: TarBackupState, context: Context): Promise<void> {
    return undoOnMachine(context, async () => {
      await uninstall(this.machine(state.machine), state.name, state.metrics, context.signal);
      context.progress(
        `its backups stay: ${state.target.map(({ host, bucket, path }) => [host ?? bucket, `${path}/${state.name}`].filter(Boolean).join(":")).join(", ")}`,
      );
    });
  }

  private async state(inputs: TarBackupInputs, scheduler: Scheduler, context: Context): Promise<TarBackupState> {
    const look = await lookAtJob(this.machine(inputs.machine), inputs.name, context.signal);
    const files = Object.fromEntries(jobFiles(inputs, scheduler).map(({ path, content }) => [path, digest(content)]));
    return { ...inputs, ...report(inputs, look), scheduler, files };
  }
}

/** Why the job cannot be on the machine. `owned` are digests of files that are ours; without it all are. */
function obstacle(
  inputs: TarBackupInputs,
  look: JobLook,
  owned?: { [path: string]: string },
): (Problem & { problem: string; fix: string }) | undefined {
  const { name, schedule } = inputs;
  const say = (field: string, problem: string, fix: string) => ({ field, problem, fix, reason: problem });
  if (schedule !== "never" && look.scheduler === "none")
    return say(
      "schedule",
      "the machine has neither systemd nor cron to run it",
      `have a Package install cron (dependsOn), or set schedule: "never" and run ${programPath(name)} run by other means`,
    );
  const config = look.digests[configPath(name)];
  const wanted = jobFiles(inputs, look.scheduler).find(({ path }) => path === configPath(name))!;
  if (owned && config !== undefined && config !== digest(wanted.content))
    return say(
      "name",
      `the machine has another job ${name} (${configPath(name)})`,
      "choose another name, or remove that job",
    );
  return undefined;
}

/** How what is on the machine differs from what was installed; undefined when it does not. */
function drift({ name, files, schedule, scheduler }: TarBackupState, look: JobLook): string | undefined {
  const path = Object.keys(files).find((file) => look.digests[file] !== files[file]);
  if (path) return `${path} ${look.digests[path] === undefined ? "is missing" : "was changed"}`;
  if (scheduler !== "systemd" || schedule === "never") return undefined;
  if (!look.timer?.enabled) return `${unitName(name)}.timer is not enabled`;
  return look.timer.active ? undefined : `${unitName(name)}.timer is not active`;
}

/** What a value of `installed` says in words. */
function changed(old: unknown): string {
  return typeof old === "string" && !/^[0-9a-f]{64}$/.test(old) ? old : "another version of the program";
}

/** Puts the job on the machine: proves first that it could work, and then replaces what differs. */
async function install(machine: Machine, inputs: TarBackupInputs, look: JobLook, { signal }: Context): Promise<void> {
  const { name, schedule } = inputs;
  const files = jobFiles(inputs, look.scheduler);
  const folders = [...new Set(files.map(({ path }) => posix.dirname(path)))];
  await machine.run(["mkdir", "-p", "--", ...folders], { signal });
  const [program, config] = files as [JobFile, JobFile];
  const [newProgram, newConfig] = [`${program.path}.new`, `${config.path}.new`];
  try {
    await machine.write(newProgram, program.content, { mode: program.mode, signal });
    await machine.write(newConfig, config.content, { mode: config.mode, signal });
    await machine.run([newProgram, "--config", newConfig, "check"], { signal });
  } catch (error) {
    if (error instanceof CommandError && error.exitCode !== undefined && error.argv.includes("check"))
      throw new OperatorError(error.stderr.trim().replace(/^kvm-backup \S+: /gm, ""), { cause: error });
    throw error;
  } finally {
    for (const path of [newProgram, newConfig]) await machine.remove(path).catch(() => {});
  }
  const stale = possiblePaths(name).filter((path) => path in look.digests && !files.some((file) => file.path === path));
  const differing = files.filter(({ path, content }) => look.digests[path] !== digest(content));
  if (look.scheduler === "systemd" && stale.some((path) => path.endsWith(".timer")))
    await machine.run(["systemctl", "disable", "--now", `${unitName(name)}.timer`], { signal, accept: [0, 1, 5] });
  for (const path of stale) await machine.remove(path, { signal });
  for (const { path, content, mode } of differing) await machine.write(path, content, { mode, signal });
  if (look.scheduler !== "systemd") return;
  const units = [...stale, ...differing.map(({ path }) => path)].some((path) => /\.(service|timer)$/.test(path));
  if (units) await machine.run(["systemctl", "daemon-reload"], { signal });
  if (schedule === "never") return;
  await machine.run(["systemctl", "enable", `${unitName(name)}.timer`], { signal });
  // A timer that waits goes on with the old time until it is started again.
  if (units || !look.timer?.active) await machine.run(["systemctl", "restart", `${unitName(name)}.timer`], { signal });
}

/** Takes the job from the machine, with its notes and metrics, and leaves its backups. */
async function uninstall(machine: Machine, name: string, metrics?: string, signal?: AbortSignal): Promise<void> {
  const look = await lookAtJob(machine, name, signal);
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
  for (const path of possiblePaths(name)) await machine.remove(path, { signal });
  if (units.length > 0 && look.scheduler === "systemd") await machine.run(["systemctl", "daemon-reload"], { signal });
  await machine.remove(statePath(name), { signal });
  await machine.remove(`${metrics ?? "/var/lib/prometheus/node-exporter"}/kvm-backup-${name}.prom`, { signal });
  await machine.run(["rmdir", "--", posix.dirname(configPath(name)), posix.dirname(statePath(name))], {
    signal,
    accept: [0, 1],
  });
}
