import type { Change, Context, Created, DiffTable, Disruption, Handler, Problem } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { RootFolder } from "../container/root-folder";
import type { Machine, MachineSpec } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { rootFilesystemSchema, rootInit, type RootFilesystemInputs } from "../schema/root-filesystem";
import { reachableHost } from "./kept-image";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";

export interface RootFilesystemState extends RootFilesystemInputs {
  path: string;
  /** What a container in it starts as its process 1. */
  init: string;
}

const next = "the container takes it up when it is started next";

/** Folders on hosts that are the roots of containers. */
export class RootFilesystemHandler implements Handler<RootFilesystemInputs, RootFilesystemState> {
  readonly kind = "RootFilesystem";
  readonly schema = rootFilesystemSchema;

  readonly fields: DiffTable<RootFilesystemInputs> = {
    machine: machineRule,
    directory: "replace",
    name: "replace",
    owner: "ignored",
    source: { disruption: "replace", why: "it is copied from another one, and what was written in it is lost" },
    hostname: { disruption: "live", why: next },
    dns: "live",
    idmap: { disruption: "replace", why: "its files belong to other users" },
    retain: "live",
    disruption: "ignored",
  };

  constructor(private readonly openMachine: (spec: MachineSpec) => Machine = open) {}

  describe({ name, directory, machine }: RootFilesystemInputs): string {
    return `root folder ${directory}/${name} on ${machineLabel(machine)}`;
  }

  lock({ name, directory, machine }: RootFilesystemInputs): string {
    return `root ${machineKey(machine)} ${directory} ${name}`;
  }

  limit({ disruption }: RootFilesystemInputs): Disruption | undefined {
    return disruption;
  }

  deadline(): number {
    return 30 * 60_000;
  }

  async problems(
    news: RootFilesystemInputs,
    olds: Partial<RootFilesystemInputs> | undefined,
    changes: Change[],
    { signal }: Context,
  ): Promise<Problem[]> {
    const isNew = olds === undefined || changes.some(({ field }) => field === "name" || field === "directory");
    if (!isNew) return [];
    const seen = await reachableHost(this.folder(news).inspect(signal));
    if (!seen || seen.found === "none" || (seen.found === "ours" && seen.maker === makerOf(news))) return [];
    const reason = `${pathOf(news)} is there already, and is not ours. Fix: choose another name, or remove it`;
    return [{ field: "name", reason }];
  }

  async create(inputs: RootFilesystemInputs, { signal, progress }: Context): Promise<Created<RootFilesystemState>> {
    const made = await this.folder(inputs).make(makerOf(inputs), inputs.source, inputs, signal);
    if (!made) progress("going on with the folder that an interrupted run made");
    return { id: pathOf(inputs), state: stateOf(inputs) };
  }

  /** What is in the folder is the container's; only who it says that it is, is ours. */
  async read(_id: string, state: RootFilesystemState, context: Context): Promise<RootFilesystemState | undefined> {
    return lookOnMachine(state, context, async () => {
      const { found, hostname, dns } = await this.folder(state).inspect(context.signal);
      if (found !== "ours") return undefined;
      return { ...state, hostname, ...(state.dns && { dns }) };
    });
  }

  async update(
    _id: string,
    _olds: RootFilesystemState,
    news: RootFilesystemInputs,
    _changes: Change[],
    { signal }: Context,
  ): Promise<RootFilesystemState> {
    await this.folder(news).configure(news, signal);
    return stateOf(news);
  }

  async delete(_id: string, state: RootFilesystemState, context: Context): Promise<void> {
    const { signal, progress } = context;
    if (state.retain === "keep") return progress(`${state.path} stays on the host`);
    await undoOnMachine(context, async () => {
      const folder = this.folder(state);
      if (state.retain === "refuse" && (await folder.inspect(signal)).found === "ours")
        throw new OperatorError('it may hold data, and retain is "refuse"', {
          fix: 'set retain: "delete" to lose the data, or "keep" to leave the folder on the host, and run up first',
        });
      const kept = await folder.remove(signal);
      if (kept === "it is not the folder that was made") return progress(`${state.path} is left as it is: ${kept}`);
      if (kept !== undefined)
        throw new OperatorError(`cannot remove ${state.path}: ${kept}`, { fix: "see to that first" });
    });
  }

  private folder({ machine, directory, name, idmap }: RootFilesystemInputs): RootFolder {
    return new RootFolder(this.openMachine(machine), directory, name, idmap?.start);
  }
}

function pathOf({ directory, name }: RootFilesystemInputs): string {
  return `${directory}/${name}`;
}

/** Who makes which one, as one line. */
function makerOf({ owner, directory, name, source, idmap }: RootFilesystemInputs): string {
  return JSON.stringify([owner ?? `${directory}/${name}`, source, idmap?.start ?? 0]);
}

function stateOf(inputs: RootFilesystemInputs): RootFilesystemState {
  return { ...inputs, path: pathOf(inputs), init: rootInit };
}
