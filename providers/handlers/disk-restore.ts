import { createHash } from "node:crypto";
import { posix } from "node:path";
import { bring, neededFiles, said, type NeededFile } from "../backup/bring";
import { guestJobScript } from "../backup/guest-job-script";
import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { diskRestoreSchema, type DiskRestoreInputs } from "../schema/disk-restore";
import { milliseconds } from "../schema/duration";
import { formatSize } from "../schema/size";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";

export interface DiskRestoreState extends DiskRestoreInputs, Done {
  path: string;
}

interface Done {
  /** The point that was restored. */
  point: string;
  /** Of the disk. */
  capacity: string;
  /** When, ISO 8601 in UTC. */
  restoredAt: string;
}

/** Where a host keeps that an image is a restored one. */
const marks = "/var/lib/kvm-guest-backup/restored";
const again = { disruption: "replace", why: "restored anew" } as const;

/** Guests' disks of a point of their backup, brought to a host once. */
export class DiskRestoreHandler implements Handler<DiskRestoreInputs, DiskRestoreState> {
  readonly kind = "DiskRestore";
  readonly schema = diskRestoreSchema;

  readonly fields: DiffTable<DiskRestoreInputs> = {
    machine: machineRule,
    // Where it came from does not matter any more.
    from: "ignored",
    repository: "ignored",
    at: again,
    disk: again,
    to: again,
    format: again,
    retain: "live",
    timeout: "ignored",
  };

  constructor(private readonly machine: (spec: DiskRestoreInputs["machine"]) => Machine = open) {}

  describe({ repository, to, machine }: DiskRestoreInputs): string {
    return `restore of ${repository} to ${to} on ${machineLabel(machine)}`;
  }

  lock({ machine, to }: DiskRestoreInputs): string {
    return `restore ${machineKey(machine)} ${to}`;
  }

  deadline({ timeout }: DiskRestoreInputs): number {
    return milliseconds(timeout) + 60_000;
  }

  async problems(
    inputs: DiskRestoreInputs,
    olds: Partial<DiskRestoreInputs> | undefined,
    changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    const replaced = changes.find(({ disruption }) => disruption === "replace");
    if (olds && !replaced) return [];
    if (olds?.to === inputs.to && olds.retain !== "delete")
      return [
        {
          field: replaced!.field,
          reason: `it would be restored anew, and retain: "keep" leaves the image that is there, ${inputs.to}. Fix: name another place (to), or set retain: "delete" in an up of its own first`,
        },
      ];
    const from = this.machine(inputs.from);
    try {
      const found = await from.status(inputs.repository, { signal: context.signal });
      if (!found) return [{ field: "repository", reason: `${inputs.repository} is not on ${from.label}` }];
      await needed(from, inputs, context.signal);
      return await this.occupied(inputs, olds, context);
    } catch (error) {
      return error instanceof OperatorError ? [{ field: "at", reason: error.message }] : [];
    }
  }

  /** What is in the way, that is not to be removed and was not restored by a run that was cut off. */
  private async occupied(
    inputs: DiskRestoreInputs,
    olds: Partial<DiskRestoreInputs> | undefined,
    { signal }: Context,
  ): Promise<Problem[]> {
    const machine = this.machine(inputs.machine);
    if (olds?.to === inputs.to || !(await machine.status(inputs.to, { signal }))) return [];
    if (await machine.status(markOf(inputs), { signal })) return [];
    return [{ field: "to", reason: `${inputs.to} is there already. Fix: name another place, or move it away` }];
  }

  async create(inputs: DiskRestoreInputs, context: Context): Promise<Created<DiskRestoreState>> {
    const { signal } = context;
    const machine = this.machine(inputs.machine);
    const { point, capacity, files } = await needed(this.machine(inputs.from), inputs, signal);
    const done = { point, capacity, restoredAt: new Date().toISOString() };
    const made = (state: Done) => ({
      id: `${machineLabel(inputs.machine)}:${inputs.to}`,
      state: { ...inputs, ...state, path: inputs.to },
    });
    // The image appears whole, after the mark: one that has a mark was restored by a run that was cut off afterwards.
    const mark = markOf(inputs);
    if (await machine.status(mark, { signal })) {
      if (await machine.status(inputs.to, { signal }))
        return made(JSON.parse((await machine.read(mark, context)).toString()) as Done);
    } else if (await machine.status(inputs.to, { signal })) {
      throw new OperatorError(`${inputs.to} is there already`, { fix: "name another place (to), or move it away" });
    }
    await machine.run(["mkdir", "-p", "-m", "700", "--", marks], { signal });
    await machine.write(mark, `${JSON.stringify(done)}\n`, { mode: 0o600, signal });
    try {
      await this.restore(inputs, machine, point, files, context);
    } catch (error) {
      // Not with the signal: it may be what ended the restore.
      if (!(await machine.status(inputs.to).catch(() => undefined))) await machine.remove(mark).catch(() => {});
      throw error;
    }
    return made(done);
  }

  private async restore(
    inputs: DiskRestoreInputs,
    machine: Machine,
    point: string,
    files: NeededFile[],
    context: Context,
  ): Promise<void> {
    const { repository, disk, format, to } = inputs;
    const { signal } = context;
    const timeout = milliseconds(inputs.timeout);
    const words = ["restore", "--at", point, "--format", format, "--to", to, ...diskWords(disk)];
    await machine.run(["mkdir", "-p", "-m", "711", "--", posix.dirname(to)], { signal });
    if (machineKey(inputs.from) === machineKey(inputs.machine)) {
      await said(machine.run(program(repository, words), { signal, timeout }));
      return;
    }
    const place = posix.join(posix.dirname(to), ".kvm-restore.XXXXXX");
    const folder = (await machine.run(["mktemp", "-d", "--", place], { signal })).stdout.trim();
    try {
      const copy = posix.join(folder, posix.basename(repository));
      await bring(this.machine(inputs.from), repository, machine, copy, files, context);
      await said(machine.run(program(copy, words), { signal, timeout }));
    } finally {
      await machine.remove(folder).catch(() => {});
    }
  }

  read(_id: string, state: DiskRestoreState, context: Context): Promise<DiskRestoreState | undefined> {
    return lookOnMachine(state, context, async () =>
      (await this.machine(state.machine).status(state.to, { signal: context.signal })) ? state : undefined,
    );
  }

  async update(_id: string, olds: DiskRestoreState, news: DiskRestoreInputs): Promise<DiskRestoreState> {
    const { path, point, capacity, restoredAt } = olds;
    return { ...news, path, point, capacity, restoredAt };
  }

  delete(_id: string, state: DiskRestoreState, context: Context): Promise<void> {
    return undoOnMachine(context, async () => {
      const { signal } = context;
      const machine = this.machine(state.machine);
      if (state.retain === "delete") {
        await refuseUsed(machine, state, signal);
        await machine.remove(state.to, { signal });
      } else {
        context.progress(`the image stays: ${state.to}`);
      }
      await machine.remove(markOf(state), { signal });
      await machine.run(["rmdir", "--", marks, posix.dirname(marks)], { signal, accept: [0, 1] });
    });
  }
}

/** QEMU locks what it works on, backing files too. */
async function refuseUsed(machine: Machine, { to, format }: DiskRestoreState, signal: AbortSignal): Promise<void> {
  if (!(await machine.status(to, { signal }))) return;
  const { stderr } = await machine.run(["qemu-io", "-f", format, "-c", "quit", to], { signal, accept: [0, 1] });
  if (/ lock\b/.test(stderr))
    throw new OperatorError(`a guest runs on ${to}`, { fix: 'delete the guest first, or set retain: "keep"' });
}

/** One image, one mark. */
function markOf({ to }: DiskRestoreInputs): string {
  return posix.join(marks, `${createHash("sha256").update(to).digest("hex").slice(0, 16)}.json`);
}

const diskWords = (disk: string | undefined) => (disk === undefined ? [] : ["--disk", disk]);

function program(repository: string, words: string[]): string[] {
  return ["sh", "-c", guestJobScript, "kvm-guest-backup", "--repository", repository, ...words];
}

/** The point that is meant, the disk's size, and the files that a restore of it reads. */
async function needed(from: Machine, { repository, at, disk }: DiskRestoreInputs, signal: AbortSignal) {
  const words = ["files", ...(at === "latest" ? [] : ["--at", at]), ...diskWords(disk)];
  const { stdout } = await said(from.run(program(repository, words), { signal }));
  const [first, ...lines] = stdout.trim().split("\n") as [string, ...string[]];
  const [point, , capacity] = first.split(" ") as [string, string, string];
  return { point, capacity: formatSize(Number(capacity)), files: neededFiles(lines) };
}
