import type { Change, Context, Created, DiffTable, Handler } from "../dynamic/contract";
import { OperatorError, PartialError } from "../dynamic/errors";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { packageSchema, type PackageInputs } from "../schema/package";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";
import { findPackageManager } from "./package-manager/find-package-manager";
import { fits, parsePackage, type PackageManager } from "./package-manager/package-manager";

export interface PackageState extends PackageInputs {
  versions: { [name: string]: string };
  /** The packages that were not there before us. */
  added: string[];
}

/** Packages on machines. */
export class PackageHandler implements Handler<PackageInputs, PackageState> {
  readonly kind = "Package";
  readonly schema = packageSchema;

  readonly fields: DiffTable<PackageInputs> = {
    machine: machineRule,
    names: "live",
    state: "replace",
  };

  constructor(private readonly machine: (spec: PackageInputs["machine"]) => Machine = open) {}

  describe({ names, machine }: PackageInputs): string {
    return `package ${Array.isArray(names) ? names.join(", ") : ""} on ${machineLabel(machine)}`;
  }

  /** One transaction at a time: the package manager allows no more. */
  lock({ machine }: PackageInputs): string {
    return `packages ${machineKey(machine)}`;
  }

  deadline(): number {
    return 30 * 60_000;
  }

  async create(inputs: PackageInputs, context: Context): Promise<Created<PackageState>> {
    const manager = await this.manager(inputs, context);
    const before = await manager.installed(inputs.names.map(nameOf), context);
    const id = `${machineLabel(inputs.machine)}:${inputs.names.map(nameOf).join(",")}`;
    if (inputs.state === "absent") {
      await removeAll(manager, Object.keys(before), context);
      return { id, state: { ...inputs, versions: {}, added: [] } };
    }
    const state: PackageState = { ...inputs, versions: before, added: [] };
    try {
      return { id, state: await install(manager, inputs, state, context) };
    } catch (error) {
      // What a failed transaction left behind is ours: it is kept in the state, so that delete removes it.
      const there = await manager.installed(inputs.names.map(nameOf), context).catch(() => before);
      const added = Object.keys(there).filter((name) => !(name in before));
      if (added.length === 0) throw error;
      throw new PartialError(id, { ...state, versions: there, added }, error as Error);
    }
  }

  read(_id: string, state: PackageState, context: Context): Promise<PackageState | undefined> {
    return lookOnMachine(state, context, async () => {
      const manager = await this.manager(state, context);
      const there = await manager.installed(state.names.map(nameOf), context);
      const asWished = (text: string) => {
        const { name, version } = parsePackage(text);
        const installed = there[name];
        return state.state === "absent" ? installed === undefined : installed !== undefined && fits(installed, version);
      };
      // Those that are not as wished are left out, and so differ from what the program names.
      return { ...state, names: state.names.filter(asWished), versions: there };
    });
  }

  async update(
    _id: string,
    olds: PackageState,
    news: PackageInputs,
    _changes: Change[],
    context: Context,
  ): Promise<PackageState> {
    const manager = await this.manager(news, context);
    const wanted = news.names.map(nameOf);
    const there = await manager.installed([...new Set([...wanted, ...olds.added])], context);
    if (news.state === "absent") {
      await removeAll(
        manager,
        wanted.filter((name) => name in there),
        context,
      );
      return { ...news, versions: {}, added: [] };
    }
    const superfluous = olds.added.filter((name) => !wanted.includes(name) && name in there);
    await letGo(manager, superfluous, context);
    const added = olds.added.filter((name) => wanted.includes(name));
    return install(manager, news, { ...news, versions: there, added }, context);
  }

  delete(_id: string, state: PackageState, context: Context): Promise<void> {
    return undoOnMachine(context, async () => {
      if (state.added.length === 0) return;
      const manager = await this.manager(state, context);
      await letGo(manager, Object.keys(await manager.installed(state.added, context)), context);
    });
  }

  private manager(inputs: PackageInputs, context: Context): Promise<PackageManager> {
    return findPackageManager(this.machine(inputs.machine), context.signal);
  }
}

function nameOf(text: string): string {
  return parsePackage(text).name;
}

/** Installs what is missing or of another version; `state` tells what is there and what of it is ours. */
async function install(
  manager: PackageManager,
  inputs: PackageInputs,
  state: PackageState,
  context: Context,
): Promise<PackageState> {
  const packages = inputs.names.map(parsePackage);
  const lacking = (there: { [name: string]: string }) =>
    packages.filter(({ name, version }) => there[name] === undefined || !fits(there[name], version));
  const missing = lacking(state.versions);
  if (missing.length > 0) await manager.install(missing, context);
  const versions = missing.length > 0 ? await manager.installed(inputs.names.map(nameOf), context) : state.versions;
  const still = lacking(versions);
  if (still.length > 0)
    throw new OperatorError(
      `${manager.name} reported success, but ${still.map(({ name }) => name).join(", ")} is not installed`,
      {
        fix: "name the package itself, not what it provides",
      },
    );
  const fresh = missing.map(({ name }) => name).filter((name) => !(name in state.versions));
  const ours = Object.fromEntries(
    Object.entries(versions).filter(([name]) => packages.some((one) => one.name === name)),
  );
  return { ...inputs, versions: ours, added: [...state.added, ...fresh.filter((name) => !state.added.includes(name))] };
}

/** Removes packages that the program wants to be absent: all of them, or nothing is done. */
async function removeAll(manager: PackageManager, names: string[], context: Context): Promise<void> {
  if (names.length === 0) return;
  const needed = Object.entries(await manager.needed(names, context));
  if (needed.length > 0)
    throw new OperatorError(needed.map(([name, reason]) => `${name} cannot be removed: ${reason}`).join("; "), {
      fix: "name what needs it as well, or leave it out",
    });
  await manager.remove(names, context);
}

/** Removes packages that we brought, but for those that something else needs by now. */
async function letGo(manager: PackageManager, names: string[], context: Context): Promise<void> {
  if (names.length === 0) return;
  const needed = await manager.needed(names, context);
  for (const [name, reason] of Object.entries(needed)) context.progress(`${name} stays: ${reason}`);
  const free = names.filter((name) => !(name in needed));
  if (free.length > 0) await manager.remove(free, context);
}
