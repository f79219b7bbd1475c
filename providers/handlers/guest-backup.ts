import { report, warning, type JobReport } from "../backup/health";
import { guestJob, guestPlaces } from "../backup/guest-installation";
import { guestJobScript } from "../backup/guest-job-script";
import type { Scheduler } from "../job/job";
import { lookAt, type JobLook } from "../job/look";
import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import type { Connection } from "../libvirt/connection";
import { open } from "../libvirt/open";
import type { DiskModel } from "../libvirt/xml/domain-disk";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open as openMachine } from "../machine/open-machine";
import { guestBackupSchema, type GuestBackupInputs } from "../schema/guest-backup";
import { look as lookAtDomain } from "./domain-look";
import { findDomain } from "./domain-problems";
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
import { reachable } from "./reachable";

export interface GuestBackupState extends GuestBackupInputs, JobReport {
  scheduler: Scheduler;
  points?: number;
  frozen?: boolean;
  note?: string;
  /** Digests of the files that were installed, by path. */
  files: { [path: string]: string };
}

const fullNext = { disruption: "live", why: "the next run is a full one" } as const;

/** Jobs that keep images of a guest's disks: program, configuration and schedule on its host. */
export class GuestBackupHandler implements Handler<GuestBackupInputs, GuestBackupState> {
  readonly kind = "GuestBackup";
  readonly schema = guestBackupSchema;

  readonly fields: DiffTable<GuestBackupInputs> = {
    connection: { disruption: "live", why: "the guest is asked for in another way" },
    machine: machineRule,
    guest: {
      disruption: "live",
      why: "the next run is that guest's: a full one, unless it is the same under another name",
    },
    name: "replace",
    target: { ...fullNext, why: "a new place begins with a full run; what is in the old one stays there" },
    full: "live",
    freeze: "live",
    keep: { disruption: "live", why: "the next run deletes what is not kept any more" },
    immutable: {
      disruption: "live",
      why: "the next run protects its images so; those that are there stay as they are",
    },
    drill: "live",
    check: "live",
    scratch: "live",
    metrics: "live",
    retain: "live",
    schedule: "live",
    jitter: "live",
    catchUp: "live",
    installed: ({ old }) => ({ disruption: "live", why: `${changed(old)}: it is written again`, hidden: true }),
  };

  /** The same name on the same host: the old job has to be gone. */
  readonly deleteBeforeReplace = true;

  constructor(
    private readonly machine: (spec: GuestBackupInputs["machine"]) => Machine = openMachine,
    private readonly connect: (uri: string) => Promise<Connection> = open,
  ) {}

  describe({ name, machine }: GuestBackupInputs): string {
    return `guest backup ${name} on ${machineLabel(machine)}`;
  }

  lock({ name, machine }: GuestBackupInputs): string {
    return `guest backup ${machineKey(machine)} ${name}`;
  }

  /** A new version of the program is a change that a preview shows. */
  generate(): Partial<GuestBackupInputs> {
    return { installed: digest(guestJobScript) };
  }

  async problems(
    inputs: GuestBackupInputs,
    olds: Partial<GuestBackupInputs> | undefined,
    changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    const problems: Problem[] = [];
    const disks = await this.disks(inputs, context);
    if (disks?.length === 0)
      problems.push({
        field: "guest",
        reason: `guest ${inputs.guest} has no disk to back up. Fix: give it one, or use BackupJob on the guest`,
      });
    const moved = changes.some(({ disruption }) => disruption === "replace");
    const isNew = !olds || moved;
    const full = fullOnly(disks ?? []);
    if (!olds && full) context.progress(full);
    const look = await this.look(inputs, context.signal).catch(() => undefined);
    return [...problems, ...obstacles(jobOf(inputs), look, isNew)];
  }

  async notices(inputs: GuestBackupInputs, context: Context): Promise<string[]> {
    const look = await this.look(inputs, context.signal).catch(() => undefined);
    const wrong = look && look.installed > 0 ? warning(report(inputs, look)) : undefined;
    const full = fullOnly((await this.disks(inputs, context)) ?? []);
    return [...(wrong ? [`warning: ${wrong}`] : []), ...(full ? [full] : [])];
  }

  async create(inputs: GuestBackupInputs, context: Context): Promise<Created<GuestBackupState>> {
    const scheduler = await add(this.machine(inputs.machine), jobOf(inputs), context.signal);
    const state = await this.state(inputs, scheduler, context);
    return { id: `${machineLabel(inputs.machine)}:${inputs.name}`, state };
  }

  read(_id: string, state: GuestBackupState, context: Context): Promise<GuestBackupState | undefined> {
    return lookOnMachine(state, context, async () => {
      const look = await this.look(state, context.signal);
      if (Object.keys(look.digests).length === 0) return undefined;
      const installed = drift(jobOf(state), state.files, look) ?? state.installed;
      const found = { ...state, ...reported(state, look), installed };
      const wrong = warning(found);
      if (wrong) context.progress(`warning: ${wrong}`);
      return found;
    });
  }

  async update(
    _id: string,
    olds: GuestBackupState,
    news: GuestBackupInputs,
    changes: Change[],
    context: Context,
  ): Promise<GuestBackupState> {
    // The old guest, where there still is one of that name, keeps nothing of the job.
    if (changes.some(({ field }) => field === "guest"))
      await this.forget(olds, await this.look(olds, context.signal), [], context);
    const scheduler = await replace(this.machine(news.machine), jobOf(news), context.signal);
    return this.state(news, scheduler, context);
  }

  /** Removes the job and its checkpoints. The images stay where they are, unless the program says otherwise. */
  delete(_id: string, state: GuestBackupState, context: Context): Promise<void> {
    return undoOnMachine(context, async () => {
      const machine = this.machine(state.machine);
      await uninstall(machine, jobOf(state), context.signal, (look) =>
        this.forget(state, look, state.retain === "delete" ? ["--images"] : [], context),
      );
      if (state.retain === "keep") context.progress(`its images stay: ${state.target}/${state.name}`);
    });
  }

  /** Has the job remove its checkpoints from its guest. */
  private async forget(
    { machine, name }: GuestBackupState,
    { digests: there }: JobLook,
    options: string[],
    { signal, progress }: Context,
  ): Promise<void> {
    const { program, config } = guestPlaces(name);
    if (there[program] === undefined || there[config] === undefined) return;
    const argv = [program, "forget", ...options];
    const { exitCode, stderr } = await this.machine(machine).run(argv, { signal, accept: [0, 1, 75] });
    if (exitCode === 75)
      throw new OperatorError("a run is under way", { fix: `wait for it, or end it, and try again` });
    const said = stderr.trim().replace(/^kvm-guest-backup \S+: /gm, "");
    if (exitCode !== 0) progress(`warning: its checkpoints stay: ${said}`);
    else if (said !== "") progress(`warning: ${said}`);
  }

  /** The guest's disks; undefined where they cannot be known yet. */
  private async disks(inputs: GuestBackupInputs, context: Context): Promise<DiskModel[] | undefined> {
    const connected = await reachable(this.connect(inputs.connection));
    const connection = connected?.with({ signal: context.signal });
    const domain = connection && (await findDomain(connection, inputs.guest));
    const seen = domain && (await lookAtDomain(connection, domain));
    return seen?.config.model.disks.filter(({ device, readonly }) => device === "disk" && !readonly);
  }

  private look({ machine, name }: GuestBackupInputs, signal: AbortSignal): Promise<JobLook> {
    return lookAt(this.machine(machine), guestPlaces(name), signal);
  }

  private async state(inputs: GuestBackupInputs, scheduler: Scheduler, context: Context): Promise<GuestBackupState> {
    const look = await this.look(inputs, context.signal);
    return { ...inputs, ...reported(inputs, look), scheduler, files: digests(jobOf(inputs), scheduler) };
  }
}

/** What is said of a guest that has full images each time. */
function fullOnly(disks: readonly DiskModel[]): string | undefined {
  const others = disks.filter(({ format }) => format !== "qcow2").map(({ target, format }) => `${target} is ${format}`);
  if (others.length === 0) return undefined;
  return `warning: every run is a full one: ${others.join(", ")}, and only qcow2 disks keep track of what changes`;
}

function reported(inputs: GuestBackupInputs, look: JobLook) {
  const { points, frozen, note } = look.status?.success ?? {};
  return { ...report(inputs, look), points, frozen, note: note === "" ? undefined : note };
}

function jobOf(inputs: GuestBackupInputs): InstalledJob {
  const { name, metrics } = inputs;
  return { ...guestJob(inputs), name, notes: [guestPlaces(name).state, prometheus("kvm-guest-backup", name, metrics)] };
}
