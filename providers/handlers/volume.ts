import type { Change, Context, Created, DiffTable, Disruption, Handler, Problem } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import type { Connection } from "../libvirt/connection";
import { VIR_DOMAIN_BLOCK_RESIZE_BYTES, VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA } from "../libvirt/constants";
import { ErrorCode, isLibvirtError } from "../libvirt/errors";
import type { StoragePool, StorageVol } from "../libvirt/handles";
import { open } from "../libvirt/open";
import { volumeXML, type VolumeReport } from "../libvirt/xml/volume";
import { bytes, formatSize } from "../schema/size";
import { volumeSchema, type VolumeInputs } from "../schema/volume";
import { existsProblem, found } from "./adopt";
import { reachable } from "./reachable";
import { isAbandoned, markersOf } from "./upload-marker";
import { fill, unlessBusy } from "./volume-fill";
import { findVolume, isPristine, reportVolume, type FoundVolume } from "./volume-lookup";
import { adoptVolumeProblem, shrinkProblem, volumeProblems } from "./volume-problems";
import { nameUsers, volumeUsers } from "./volume-users";

export interface VolumeState extends VolumeInputs {
  /** Unique on the host; for files the path. */
  key: string;
  path: string;
  /** Whether the volume was there before us, and stays when we go. */
  adopted: boolean;
}

const uploadDeadline = 6 * 3_600_000;

/** Disks in storage pools: empty ones, overlays, and copies of files. */
export class VolumeHandler implements Handler<VolumeInputs, VolumeState> {
  readonly kind = "Volume";
  readonly schema = volumeSchema;
  readonly fields: DiffTable<VolumeInputs> = {
    connection: "replace",
    pool: "replace",
    name: "replace",
    adopt: "ignored",
    // A size that the program does not choose is the backing store's or the file's.
    capacity: ({ old, new: wanted }) => {
      if (wanted === undefined) return { disruption: "ignored" };
      const grows = old === undefined || bytes(wanted as string) >= bytes(old as string);
      return grows ? { disruption: "live" } : { disruption: "replace", why: "a volume cannot shrink" };
    },
    format: "replace",
    backing: { disruption: "replace", why: "an overlay means nothing on another backing store" },
    source: ({ old, new: wanted }) => {
      const [before, after] = [old, wanted] as VolumeInputs["source"][];
      const same = before?.sha256 !== undefined && before.sha256 === after?.sha256;
      return same ? { disruption: "ignored" } : { disruption: "replace", why: "its content is another file" };
    },
    preallocation: "ignored",
    retain: "live",
    disruption: "ignored",
  };

  constructor(private readonly connect: (uri: string) => Promise<Connection> = open) {}

  describe({ name, pool, connection }: VolumeInputs): string {
    return `volume ${pool}/${name} on ${connection}`;
  }

  lock({ name, pool, connection }: VolumeInputs): string {
    return `volume ${connection} ${pool}/${name}`;
  }

  limit({ disruption }: VolumeInputs): Disruption | undefined {
    return disruption;
  }

  deadline({ source }: VolumeInputs): number {
    return source ? uploadDeadline : 10 * 60_000;
  }

  async problems(
    news: VolumeInputs,
    olds: Partial<VolumeInputs> | undefined,
    changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    const before = { ...news, ...olds };
    const connection = await reachable(this.connected(before, context));
    return volumeProblems(connection, news, olds && before, changes);
  }

  async create(inputs: VolumeInputs, context: Context): Promise<Created<VolumeState>> {
    const connection = await this.connected(inputs, context);
    const pool = await this.pool(connection, inputs);
    if (inputs.adopt !== undefined) return this.takeOver(connection, pool, inputs);
    const left = await this.clearLeftOver(connection, pool, inputs, context);
    const volume = left ?? (await this.make(connection, pool, inputs, context));
    const report = await reportVolume(connection, volume);
    return { id: report.key, state: stateOf(inputs, report, false) };
  }

  private async make(
    connection: Connection,
    pool: StoragePool,
    inputs: VolumeInputs,
    context: Context,
  ): Promise<StorageVol> {
    if (inputs.source) return fill(connection, pool, inputs, context);
    const { name, format, backing, preallocation } = inputs;
    const capacity = inputs.capacity === undefined ? undefined : bytes(inputs.capacity);
    const allocation = preallocation === "full" ? capacity : 0;
    const metadata = format === "qcow2" && preallocation !== "off" ? VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA : 0;
    const xml = volumeXML({ name, format, capacity, allocation, backing });
    try {
      return await connection.storageVolCreateXML(pool, xml, metadata);
    } catch (error) {
      if (!isLibvirtError(error, ErrorCode.OPERATION_INVALID)) throw error;
      // A file that libvirt did not know of: the refresh makes it known, so that it can be adopted.
      await connection.storagePoolRefresh(pool).catch(unlessBusy);
      if (!(await findVolume(connection, pool, name))) throw error;
      throw new OperatorError(existsProblem(`volume in ${pool.name}`, name), { cause: error });
    }
  }

  /** Removes what an interrupted upload left; hands back an empty volume that an interrupted run had already made. */
  private async clearLeftOver(
    connection: Connection,
    pool: StoragePool,
    inputs: VolumeInputs,
    context: Context,
  ): Promise<StorageVol | undefined> {
    const markers = inputs.source ? await markersOf(connection, pool, inputs.name) : [];
    const busy = markers.find((marker) => !isAbandoned(marker, inputs.name));
    if (busy)
      throw new OperatorError(`another run is uploading it (${busy.name})`, {
        fix: `wait for it; if it is gone, run virsh vol-delete --pool ${pool.name} ${busy.name}`,
      });
    const existing = await findVolume(connection, pool, inputs.name);
    if (existing && markers.length === 0) {
      if (!(await isPristine(connection, existing, inputs)))
        throw new OperatorError(existsProblem(`volume in ${pool.name}`, inputs.name));
      context.progress("going on with the empty volume that an interrupted run made");
      return existing.volume;
    }
    if (markers.length > 0) context.progress("removing what an interrupted upload left");
    for (const volume of [...(existing ? [existing.volume] : []), ...markers])
      await found(connection.storageVolDelete(volume));
    return undefined;
  }

  private async takeOver(
    connection: Connection,
    pool: StoragePool,
    inputs: VolumeInputs,
  ): Promise<Created<VolumeState>> {
    const existing = await findVolume(connection, pool, inputs.name);
    const problem = adoptVolumeProblem(existing, inputs);
    if (problem !== undefined) throw new OperatorError(problem);
    await this.grow(connection, existing!, inputs);
    const report = await reportVolume(connection, existing!.volume);
    return { id: report.key, state: stateOf(inputs, report, true) };
  }

  async read(id: string, state: VolumeState, context: Context): Promise<VolumeState | undefined> {
    const connection = await this.connected(state, context);
    const pool = await found(connection.storagePoolLookupByName(state.pool));
    if (!pool || !(await connection.storagePoolIsActive(pool))) {
      context.progress(`storage pool ${state.pool} is not running: what became of the volume cannot be seen`);
      return state;
    }
    const existing = await findVolume(connection, pool, state.name);
    if (!existing) return undefined;
    const { report } = existing;
    const now: VolumeState = { ...state, ...located(report), capacity: formatSize(report.capacity) };
    now.format = report.format as VolumeState["format"];
    if (state.backing) now.backing = report.backing as VolumeState["backing"];
    return now;
  }

  async update(
    id: string,
    olds: VolumeState,
    news: VolumeInputs,
    _changes: Change[],
    context: Context,
  ): Promise<VolumeState> {
    const connection = await this.connected(news, context);
    const pool = await this.pool(connection, news);
    const existing = await findVolume(connection, pool, news.name);
    if (!existing)
      throw new OperatorError("it is gone since the last up", { fix: 'run "pulumi refresh", then up makes it anew' });
    await this.grow(connection, existing, news);
    return stateOf(news, await reportVolume(connection, existing.volume), olds.adopted);
  }

  private async grow(connection: Connection, { volume, report }: FoundVolume, inputs: VolumeInputs): Promise<void> {
    const wanted = inputs.capacity === undefined ? report.capacity : bytes(inputs.capacity);
    if (wanted === report.capacity) return;
    const shrinks = shrinkProblem(inputs, report);
    if (shrinks !== undefined) throw new OperatorError(shrinks);
    const users = await volumeUsers(connection, report.path);
    const below = users.disks.some((disk) => disk.running && disk.layer > 0);
    if (users.overlays.length > 0 || below)
      throw new OperatorError(`it is the backing store of others: ${nameUsers(users)}`, {
        fix: "grow those instead, or make a new base",
      });
    const disk = users.disks.find((use) => use.running);
    if (disk) await connection.domainBlockResize(disk.domain, disk.target, wanted, VIR_DOMAIN_BLOCK_RESIZE_BYTES);
    else await connection.storageVolResize(volume, wanted);
  }

  async delete(_id: string, state: VolumeState, context: Context): Promise<void> {
    if (state.adopted) return;
    const connection = await this.connected(state, context);
    const pool = await found(connection.storagePoolLookupByName(state.pool));
    if (!pool) return context.progress(`storage pool ${state.pool} is gone; ${state.path} is left as it is`);
    const existing = await findVolume(connection, pool, state.name);
    if (!existing) return;
    if (state.retain === "keep") return context.progress(`${state.path} stays on the host`);
    if (state.retain === "refuse")
      throw new OperatorError('it may hold data, and retain is "refuse"', {
        fix: 'set retain: "delete" to lose the data, or "keep" to leave the file on the host, and run up first',
      });
    const users = nameUsers(await volumeUsers(connection, existing.report.path));
    if (users !== undefined) throw new OperatorError(`it is in use: ${users}`, { fix: "remove these first" });
    await found(connection.storageVolDelete(existing.volume));
  }

  private async pool(connection: Connection, { pool }: VolumeInputs): Promise<StoragePool> {
    const known = await found(connection.storagePoolLookupByName(pool));
    if (!known)
      throw new OperatorError(`there is no storage pool ${JSON.stringify(pool)}`, {
        fix: "declare it as a StoragePool and use its name, or correct the name",
      });
    return known;
  }

  private async connected(inputs: VolumeInputs, context: Context): Promise<Connection> {
    return (await this.connect(inputs.connection)).with({ signal: context.signal });
  }
}

function located({ key, path }: VolumeReport): { key: string; path: string } {
  return { key, path };
}

function stateOf(inputs: VolumeInputs, report: VolumeReport, adopted: boolean): VolumeState {
  return { ...inputs, ...located(report), capacity: formatSize(report.capacity), adopted };
}
