import { report, warning, type JobReport } from "../backup/health";
import { tarJob, tarPlaces } from "../backup/tar-installation";
import type { Scheduler } from "../job/job";
import { lookAt, type JobLook } from "../job/look";
import { jobScript } from "../backup/job-script";
import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { tarBackupSchema, type TarBackupInputs } from "../schema/tar-backup";
import {
  add,
  changed,
  digest,
  digests,
  drift,
  obstacles,
  prometheus,
  replace,
  uninstall,
  type InstalledJob,
} from "./installed-job";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";

export interface TarBackupState extends TarBackupInputs, JobReport {
  scheduler: Scheduler;
  /** Digests of the files that were installed, by path. */
  files: { [path: string]: string };
}

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
    const look = await this.look(inputs, context.signal).catch(() => undefined);
    return obstacles(jobOf(inputs), look, isNew);
  }

  async notices(inputs: TarBackupInputs, context: Context): Promise<string[]> {
    const look = await this.look(inputs, context.signal).catch(() => undefined);
    const wrong = look && look.installed > 0 ? warning(report(inputs, look)) : undefined;
    return wrong ? [`warning: ${wrong}`] : [];
  }

  async create(inputs: TarBackupInputs, context: Context): Promise<Created<TarBackupState>> {
    const scheduler = await add(this.machine(inputs.machine), jobOf(inputs), context.signal);
    const state = await this.state(inputs, scheduler, context);
    return { id: `${machineLabel(inputs.machine)}:${inputs.name}`, state };
  }

  read(_id: string, state: TarBackupState, context: Context): Promise<TarBackupState | undefined> {
    return lookOnMachine(state, context, async () => {
      const look = await this.look(state, context.signal);
      if (Object.keys(look.digests).length === 0) return undefined;
      const found = {
        ...state,
        ...report(state, look),
        installed: drift(jobOf(state), state.files, look) ?? state.installed,
      };
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
    const scheduler = await replace(this.machine(news.machine), jobOf(news), context.signal);
    return this.state(news, scheduler, context);
  }

  /** Removes the job. What it backed up stays where it is. */
  delete(_id: string, state: TarBackupState, context: Context): Promise<void> {
    return undoOnMachine(context, async () => {
      await uninstall(this.machine(state.machine), jobOf(state), context.signal);
      context.progress(
        `its backups stay: ${state.target.map(({ host, bucket, path }) => [host ?? bucket, `${path}/${state.name}`].filter(Boolean).join(":")).join(", ")}`,
      );
    });
  }

  private look({ machine, name }: TarBackupInputs, signal: AbortSignal): Promise<JobLook> {
    return lookAt(this.machine(machine), tarPlaces(name), signal);
  }

  private async state(inputs: TarBackupInputs, scheduler: Scheduler, context: Context): Promise<TarBackupState> {
    const look = await this.look(inputs, context.signal);
    return { ...inputs, ...report(inputs, look), scheduler, files: digests(jobOf(inputs), scheduler) };
  }
}

function jobOf(inputs: TarBackupInputs): InstalledJob {
  const { name, metrics } = inputs;
  return { ...tarJob(inputs), name, notes: [tarPlaces(name).state, prometheus("kvm-backup", name, metrics)] };
}
