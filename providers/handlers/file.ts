import { createHash, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import type { Change, Context, Created, DiffTable, Handler } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import type { FileStatus, Machine } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { fileSchema, type FileInputs } from "../schema/file";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";

export interface FileState extends FileInputs {
  /** A new one for every content that was written. */
  revision: string;
  /** Where the file that was there before us is kept. */
  backup?: string;
  /** Folders that we made, the innermost first. */
  madeFolders: string[];
}

/** Files on machines. */
export class FileHandler implements Handler<FileInputs, FileState> {
  readonly kind = "File";
  readonly schema = fileSchema;
  /** Old and new may be the same path on the same machine, seen differently. */
  readonly deleteBeforeReplace = true;

  readonly fields: DiffTable<FileInputs> = {
    machine: machineRule,
    path: "replace",
    // The hash tells of a change of either, and shows no content.
    content: "ignored",
    source: "ignored",
    sha256: { disruption: "live", why: "the content differs", hidden: true },
    mode: "live",
    owner: "live",
    group: "live",
    overwrite: "ignored",
    parents: "ignored",
  };

  constructor(private readonly machine: (spec: FileInputs["machine"]) => Machine = open) {}

  describe({ path, machine }: FileInputs): string {
    return `file ${path} on ${machineLabel(machine)}`;
  }

  lock({ path, machine }: FileInputs): string {
    return `file ${machineKey(machine)} ${path}`;
  }

  async problems(inputs: FileInputs, olds: Partial<FileInputs> | undefined, changes: Change[], context: Context) {
    if (olds && !changes.some(({ disruption }) => disruption === "replace")) return [];
    try {
      const found = await this.machine(inputs.machine).status(inputs.path, { digest: true, signal: context.signal });
      const taken = found && obstacle(found, inputs);
      return taken ? [{ field: "path", reason: `${taken.problem}. Fix: ${taken.fix}` }] : [];
    } catch {
      // Create will tell; the machine may not be up yet.
      return [];
    }
  }

  async create(inputs: FileInputs, context: Context): Promise<Created<FileState>> {
    const machine = this.machine(inputs.machine);
    const content = await contentOf(inputs);
    const found = await machine.status(inputs.path, { digest: true, signal: context.signal });
    const id = `${machineLabel(inputs.machine)}:${inputs.path}`;
    const state: FileState = { ...inputs, revision: randomUUID(), madeFolders: [] };
    const taken = found && obstacle(found, inputs);
    if (taken) throw new OperatorError(taken.problem, taken);
    // Exactly what was asked for is there: an earlier run may have been cut off after writing it.
    if (found && !inputs.overwrite) return { id, state };
    const kept = found && (await keep(machine, inputs, context.signal));
    if (kept) state.backup = kept.path;
    else state.madeFolders = await makeFolders(machine, inputs, context.signal);
    try {
      await write(machine, inputs, content, context.signal);
    } catch (error) {
      // Not with the context's signal: it may be what ended the write.
      if (kept?.made) await machine.remove(kept.path);
      await removeFolders(machine, state.madeFolders);
      throw error;
    }
    return { id, state };
  }

  read(_id: string, state: FileState, context: Context): Promise<FileState | undefined> {
    return lookOnMachine(state, context, async () => {
      const machine = this.machine(state.machine);
      const found = await machine.status(state.path, { digest: true, signal: context.signal });
      return found && { ...state, ...drift(found, state) };
    });
  }

  async update(
    _id: string,
    olds: FileState,
    news: FileInputs,
    changes: Change[],
    context: Context,
  ): Promise<FileState> {
    const { revision, backup, madeFolders } = olds;
    const state: FileState = { ...news, revision, madeFolders, ...(backup && { backup }) };
    if (!changes.some(({ field }) => ["sha256", "mode", "owner", "group"].includes(field))) return state;
    await write(this.machine(news.machine), news, await contentOf(news), context.signal);
    return changes.some(({ field }) => field === "sha256") ? { ...state, revision: randomUUID() } : state;
  }

  delete(_id: string, state: FileState, context: Context): Promise<void> {
    return undoOnMachine(context, async () => {
      const machine = this.machine(state.machine);
      const { signal } = context;
      if (state.backup && (await machine.status(state.backup, { signal })))
        await machine.run(["mv", "-fT", "--", state.backup, state.path], { signal });
      else await machine.remove(state.path, { signal });
      await removeFolders(machine, state.madeFolders, signal);
    });
  }
}

async function contentOf({ content, source, sha256 }: FileInputs): Promise<Buffer> {
  if (content !== undefined) return Buffer.from(content);
  const bytes = await readFile(source!).catch((cause) => {
    throw new OperatorError(`source ${source} cannot be read: ${(cause as Error).message}`, { cause });
  });
  if (createHash("sha256").update(bytes).digest("hex") === sha256) return bytes;
  throw new OperatorError(`source ${source} changed while pulumi ran`, { fix: "run pulumi up again" });
}

async function write(machine: Machine, inputs: FileInputs, content: Buffer, signal: AbortSignal): Promise<void> {
  const { path, mode, owner, group } = inputs;
  await machine.write(path, content, { mode: parseInt(mode, 8), owner, group, signal });
}

/** The fields in which the file there is not what the inputs say, as it is there. */
function drift(found: FileStatus, inputs: FileInputs): Partial<FileInputs> {
  if (found.type !== "file") return { sha256: `a ${found.type}, not a file` };
  const owned = (wanted: string | undefined, name: string, number: number) =>
    wanted === undefined || wanted === name || wanted === String(number) ? wanted : name;
  return {
    sha256: found.sha256,
    mode: found.mode.toString(8).padStart(4, "0"),
    ...(inputs.owner !== undefined && { owner: owned(inputs.owner, found.owner, found.uid) }),
    ...(inputs.group !== undefined && { group: owned(inputs.group, found.group, found.gid) }),
  };
}

function differences(found: FileStatus, inputs: FileInputs): string[] {
  const there = drift(found, inputs);
  return Object.keys(there).filter((field) => there[field as keyof FileInputs] !== inputs[field as keyof FileInputs]);
}

/** Why what is at the path cannot be replaced; undefined when it can. */
function obstacle(found: FileStatus, inputs: FileInputs): { problem: string; fix: string } | undefined {
  if (found.type === "directory") return { problem: "there is a folder at this path", fix: "choose another path" };
  if (inputs.overwrite || differences(found, inputs).length === 0) return undefined;
  return {
    problem: "the path is taken by a file that is not ours",
    fix: "set overwrite: true to replace it (it is kept, and put back on delete), or remove it",
  };
}

/** Keeps the file that was there before us. A backup that is there already is the older truth. */
async function keep(machine: Machine, { path }: FileInputs, signal: AbortSignal) {
  const name = createHash("sha256").update(path).digest("hex").slice(0, 12);
  // Hidden, so that nothing takes it for a part of a conf.d folder.
  const backup = posix.join(posix.dirname(path), `.pulumi-backup-${name}`);
  if (await machine.status(backup, { signal })) return { path: backup, made: false };
  await machine.run(["cp", "-a", "--", path, `${backup}.new`], { signal });
  await machine.run(["mv", "-fT", "--", `${backup}.new`, backup], { signal });
  return { path: backup, made: true };
}

/** Makes the folders that are missing; returns them, the innermost first. */
async function makeFolders(machine: Machine, inputs: FileInputs, signal: AbortSignal): Promise<string[]> {
  const folder = posix.dirname(inputs.path);
  const missing: string[] = [];
  for (let at = folder; !(await machine.status(at, { signal })); at = posix.dirname(at)) missing.push(at);
  if (missing.length === 0) return [];
  if (!inputs.parents)
    throw new OperatorError(`folder ${folder} does not exist`, {
      fix: "set parents: true to make it, or have it made first, by a Package or a Command",
    });
  await machine.run(["mkdir", "-p", "-m", "0755", "--", folder], { signal });
  return missing;
}

async function removeFolders(machine: Machine, folders: string[], signal?: AbortSignal): Promise<void> {
  // Those that others have put something into stay, with a complaint of rmdir's.
  if (folders.length > 0) await machine.run(["rmdir", "--", ...folders], { accept: [0, 1], signal });
}
