import { createHash } from "node:crypto";
import { posix } from "node:path";
import { bring, neededFiles, said } from "../backup/bring";
import { jobScript } from "../backup/job-script";
import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { milliseconds } from "../schema/duration";
import { restoreSchema, type RestoreInputs } from "../schema/restore";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";

export interface RestoreState extends RestoreInputs {
  /** The point that was restored. */
  point: string;
  /** When, ISO 8601 in UTC. */
  restoredAt: string;
}

/** Where a machine keeps that something was restored to it. */
const marks = "/var/lib/kvm-backup/restored";
const again = { disruption: "replace", why: "restored anew, where none of it may be" } as const;

/** Restore points brought to a machine, once. */
export class RestoreHandler implements Handler<RestoreInputs, RestoreState> {
  readonly kind = "Restore";
  readonly schema = restoreSchema;
  readonly deleteBeforeReplace = true;

  readonly fields: DiffTable<RestoreInputs> = {
    machine: machineRule,
    // Where it came from does not matter any more.
    from: "ignored",
    repository: "ignored",
    at: again,
    paths: again,
    to: again,
    identity: "ignored",
    timeout: "ignored",
  };

  constructor(private readonly machine: (spec: RestoreInputs["machine"]) => Machine = open) {}

  describe({ repository, to, machine }: RestoreInputs): string {
    return `restore of ${repository} to ${to} on ${machineLabel(machine)}`;
  }

  lock({ machine, to }: RestoreInputs): string {
    return `restore ${machineKey(machine)} ${to}`;
  }

  deadline({ timeout }: RestoreInputs): number {
    return milliseconds(timeout) + 60_000;
  }

  async problems(
    inputs: RestoreInputs,
    olds: Partial<RestoreInputs> | undefined,
    changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    if (olds && !changes.some(({ disruption }) => disruption === "replace")) return [];
    const from = this.machine(inputs.from);
    try {
      const found = await from.status(inputs.repository, { signal: context.signal });
      if (!found) return [{ field: "repository", reason: `${inputs.repository} is not on ${from.label}` }];
      await needed(from, inputs, context.signal);
      return [];
    } catch (error) {
      return error instanceof OperatorError ? [{ field: "at", reason: error.message }] : [];
    }
  }

  async create(inputs: RestoreInputs, context: Context): Promise<Created<RestoreState>> {
    const machine = this.machine(inputs.machine);
    const id = `${machineLabel(inputs.machine)}:${inputs.to}`;
    const mark = markOf(inputs);
    // An earlier run may have been cut off after it.
    if (await machine.status(mark, { signal: context.signal }))
      return { id, state: { ...inputs, ...(JSON.parse((await machine.read(mark, context)).toString()) as Done) } };
    const folder = (
      await machine.run(["mktemp", "-d", "/var/tmp/kvm-restore.XXXXXX"], { signal: context.signal })
    ).stdout.trim();
    try {
      const repository = await this.bring(inputs, machine, folder, context);
      const done = await restore(machine, inputs, folder, repository, context);
      await machine.run(["mkdir", "-p", "-m", "700", "--", marks], { signal: context.signal });
      await machine.write(mark, `${JSON.stringify(done)}\n`, { mode: 0o600, signal: context.signal });
      return { id, state: { ...inputs, ...done } };
    } finally {
      await machine.remove(folder).catch(() => {});
    }
  }

  read(_id: string, state: RestoreState, context: Context): Promise<RestoreState | undefined> {
    return lookOnMachine(state, context, async () =>
      (await this.machine(state.machine).status(markOf(state), { signal: context.signal })) ? state : undefined,
    );
  }

  async update(_id: string, olds: RestoreState, news: RestoreInputs): Promise<RestoreState> {
    return { ...news, point: olds.point, restoredAt: olds.restoredAt };
  }

  /** Lets go of it: what was restored is data, and stays. */
  delete(_id: string, state: RestoreState, context: Context): Promise<void> {
    return undoOnMachine(context, async () => {
      const machine = this.machine(state.machine);
      await machine.remove(markOf(state), { signal: context.signal });
      await machine.run(["rmdir", "--", marks, posix.dirname(marks)], { signal: context.signal, accept: [0, 1] });
    });
  }

  /** The repository on the machine itself: where it is, or what is needed of it, brought into `folder`. */
  private async bring(inputs: RestoreInputs, machine: Machine, folder: string, context: Context): Promise<string> {
    const { signal } = context;
    await machine.write(posix.join(folder, "kvm-backup"), jobScript, { mode: 0o700, signal });
    if (machineKey(inputs.from) === machineKey(inputs.machine)) return inputs.repository;
    const from = this.machine(inputs.from);
    const copy = posix.join(folder, posix.basename(inputs.repository));
    const { files } = await needed(from, inputs, signal);
    const all = [{ path: "README", size: 0 }, ...files];
    await bring(from, inputs.repository, machine, copy, all, context);
    return copy;
  }
}

interface Done {
  point: string;
  restoredAt: string;
}

function markOf({ at, paths, to }: RestoreInputs): string {
  return posix.join(
    marks,
    `${createHash("sha256")
      .update(JSON.stringify([at, paths, to]))
      .digest("hex")
      .slice(0, 16)}.json`,
  );
}

/** The point that is meant, and the files that a restore of it reads. */
async function needed(
  from: Machine,
  { repository, at }: RestoreInputs,
  signal: AbortSignal,
  program = posix.join(repository, "kvm-backup"),
) {
  const words = ["files", "--repository", repository, ...(at === "latest" ? [] : ["--at", at])];
  const { stdout } = await said(from.run(["sh", program, ...words], { signal }));
  const [point, ...lines] = stdout.trim().split("\n") as [string, ...string[]];
  const files = neededFiles(lines);
  return { point, files };
}

async function restore(
  machine: Machine,
  inputs: RestoreInputs,
  folder: string,
  repository: string,
  context: Context,
): Promise<Done> {
  const { point } = await needed(machine, { ...inputs, repository }, context.signal, posix.join(folder, "kvm-backup"));
  await machine.run(["mkdir", "-p", "--", inputs.to], { signal: context.signal });
  const words = [
    ...["restore", "--repository", repository, "--at", point, "--to", inputs.to, "--add"],
    ...inputs.paths.flatMap((path) => ["--path", path]),
    ...(inputs.identity === undefined ? [] : ["--identity", "-"]),
  ];
  await said(
    machine.run(["sh", posix.join(folder, "kvm-backup"), ...words], {
      signal: context.signal,
      stdin: inputs.identity,
      timeout: milliseconds(inputs.timeout),
    }),
  );
  return { point, restoredAt: new Date().toISOString() };
}
