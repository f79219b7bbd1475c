import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import { OperatorError, PartialError } from "../dynamic/errors";
import type { Connection } from "../libvirt/connection";
import { VIR_STORAGE_POOL_CREATE_WITH_BUILD } from "../libvirt/constants";
import { ErrorCode, isLibvirtError } from "../libvirt/errors";
import type { StoragePool } from "../libvirt/handles";
import { open } from "../libvirt/open";
import { parsePool, poolXML } from "../libvirt/xml/pool";
import { storagePoolSchema, type StoragePoolInputs } from "../schema/storage-pool";
import { adoptable, adoptProblem, existsProblem, findBy, found } from "./adopt";
import { ownedUuid } from "./owned-uuid";
import { reachable } from "./reachable";

export interface StoragePoolState extends StoragePoolInputs {
  uuid: string;
  /** Whether the pool was there before us, and stays when we go. */
  adopted: boolean;
  /** Whether we made the folder, and may remove it when it is empty. */
  built: boolean;
  /** Bytes of the file system that the pool is on. */
  capacity: number;
}

function find(connection: Connection, key: string): Promise<StoragePool | undefined> {
  return findBy(
    key,
    (uuid) => connection.storagePoolLookupByUUID(uuid),
    (name) => connection.storagePoolLookupByName(name),
  );
}

/** Folders of volumes that libvirt manages. */
export class StoragePoolHandler implements Handler<StoragePoolInputs, StoragePoolState> {
  readonly kind = "StoragePool";
  readonly schema = storagePoolSchema;
  /** libvirt refuses two pools with one path. */
  readonly deleteBeforeReplace = true;

  readonly fields: DiffTable<StoragePoolInputs> = {
    connection: "replace",
    name: "replace",
    adopt: "ignored",
    owner: "ignored",
    type: "replace",
    path: () => ({ disruption: "replace", why: "a pool is its folder; the volumes stay where they are" }),
    build: "ignored",
    autostart: "live",
    active: "live",
  };

  constructor(private readonly connect: (uri: string) => Promise<Connection> = open) {}

  describe({ name, connection }: StoragePoolInputs): string {
    return `storage pool ${name} on ${connection}`;
  }

  lock({ name, connection }: StoragePoolInputs): string {
    return `storage pool ${connection} ${name}`;
  }

  async problems(
    news: StoragePoolInputs,
    olds: Partial<StoragePoolInputs> | undefined,
    _changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    const connection = olds ? undefined : await reachable(this.connected(news, context));
    if (!connection) return [];
    const existing = await find(connection, news.adopt ?? news.name);
    if (news.adopt !== undefined) {
      const reason = adoptProblem("storage pool", existing, news);
      return reason === undefined ? [] : [{ field: "adopt", reason }];
    }
    if (existing && !(await leftOver(connection, existing, news)))
      return [{ field: "name", reason: existsProblem("storage pool", news.name) }];
    const owner = await pathOwner(connection, news);
    return owner === undefined ? [] : [{ field: "path", reason: pathProblem(news.path, owner) }];
  }

  async create(inputs: StoragePoolInputs, context: Context): Promise<Created<StoragePoolState>> {
    const connection = await this.connected(inputs, context);
    const existing = await find(connection, inputs.adopt ?? inputs.name);
    if (inputs.adopt !== undefined) return this.takeOver(connection, existing, inputs);
    const left = existing && (await leftOver(connection, existing, inputs));
    if (existing && !left) throw new OperatorError(existsProblem("storage pool", inputs.name));
    if (left) context.progress("going on where an interrupted run ended");
    if (left && left.path !== inputs.path) await remove(connection, left.pool, left.built);
    const owner = await pathOwner(connection, inputs);
    if (owner !== undefined) throw new OperatorError(pathProblem(inputs.path, owner));

    const begun = left?.path === inputs.path ? left : await this.begin(connection, inputs);
    try {
      await connection.storagePoolDefineXML(await connection.storagePoolGetXMLDesc(begun.pool));
      if (!(await connection.storagePoolIsActive(begun.pool))) await connection.storagePoolCreate(begun.pool, 0);
      await connection.storagePoolSetAutostart(begun.pool, inputs.autostart);
      const state = await this.state(connection, begun.pool, inputs, { adopted: false, built: begun.built });
      if (!inputs.active) await connection.storagePoolDestroy(begun.pool);
      return { id: begun.pool.uuid, state };
    } catch (cause) {
      throw await this.undone(begun, inputs, cause as Error);
    }
  }

  /** Started before it is defined, it vanishes by itself when it ends, and shows that its maker had not finished. */
  private async begin(
    connection: Connection,
    inputs: StoragePoolInputs,
  ): Promise<{ pool: StoragePool; built: boolean }> {
    return buildIfMissing(inputs, async (flags) =>
      connection.storagePoolCreateXML(poolXML({ ...inputs, uuid: uuidOf(inputs, flags !== 0) }), flags),
    );
  }

  /** Removes what `create` made; where that fails too, the pool is kept in the state as it is. */
  private async undone(
    { pool, built }: { pool: StoragePool; built: boolean },
    inputs: StoragePoolInputs,
    cause: Error,
  ): Promise<Error> {
    try {
      await remove(await this.connect(inputs.connection), pool, built);
      return cause;
    } catch {
      const state: StoragePoolState = { ...inputs, uuid: pool.uuid, adopted: false, built, capacity: 0 };
      return new PartialError(pool.uuid, state, cause);
    }
  }

  private async takeOver(
    connection: Connection,
    existing: StoragePool | undefined,
    inputs: StoragePoolInputs,
  ): Promise<Created<StoragePoolState>> {
    const pool = adoptable("storage pool", existing, inputs);
    const { path, type } = parsePool(await connection.storagePoolGetXMLDesc(pool));
    if (path !== inputs.path || type !== inputs.type)
      throw new OperatorError(`the storage pool to adopt has type ${type} and path ${path}, not ${inputs.path}`, {
        fix: "declare what it is, or leave adopt out and choose another name",
      });
    await this.converge(connection, pool, inputs);
    return { id: pool.uuid, state: await this.state(connection, pool, inputs, { adopted: true, built: false }) };
  }

  async read(id: string, state: StoragePoolState, context: Context): Promise<StoragePoolState | undefined> {
    const connection = await this.connected(state, context);
    const pool = await find(connection, id);
    if (!pool) return undefined;
    const [{ path }, active, persistent] = await Promise.all([
      connection.storagePoolGetXMLDesc(pool).then(parsePool),
      connection.storagePoolIsActive(pool),
      connection.storagePoolIsPersistent(pool),
    ]);
    // Undefined behind our back while it ran, it has no settings of its own any more.
    const autostart = (persistent ? await connection.storagePoolGetAutostart(pool) : undefined) as boolean;
    return { ...state, path: path ?? state.path, active, autostart };
  }

  async update(
    id: string,
    olds: StoragePoolState,
    news: StoragePoolInputs,
    _changes: Change[],
    context: Context,
  ): Promise<StoragePoolState> {
    const connection = await this.connected(news, context);
    const pool = await find(connection, id);
    if (!pool)
      throw new OperatorError("it is gone since the last up", { fix: 'run "pulumi refresh", then up makes it anew' });
    const built = await this.converge(connection, pool, news);
    return this.state(connection, pool, news, { adopted: olds.adopted, built: olds.built || built });
  }

  /** Volumes stay in the folder: only libvirt forgets about them. */
  async delete(id: string, state: StoragePoolState, context: Context): Promise<void> {
    if (state.adopted) return;
    const connection = await this.connected(state, context);
    const pool = await find(connection, id);
    if (!pool) return;
    const kept = await remove(connection, pool, state.built);
    if (kept) context.progress(`${state.path} is not empty and stays`);
  }

  /** Brings definition and run state to `news`; whether the folder had to be made. */
  private async converge(connection: Connection, pool: StoragePool, news: StoragePoolInputs): Promise<boolean> {
    let built = false;
    if (!(await connection.storagePoolIsPersistent(pool)))
      await connection.storagePoolDefineXML(await connection.storagePoolGetXMLDesc(pool));
    const active = await connection.storagePoolIsActive(pool);
    if (!active && news.active)
      ({ built } = await buildIfMissing(news, async (flags) => {
        await connection.storagePoolCreate(pool, flags);
        return pool;
      }));
    if (active && !news.active) await connection.storagePoolDestroy(pool);
    if ((await connection.storagePoolGetAutostart(pool)) !== news.autostart)
      await connection.storagePoolSetAutostart(pool, news.autostart);
    return built;
  }

  private async state(
    connection: Connection,
    { uuid }: StoragePool,
    inputs: StoragePoolInputs,
    made: { adopted: boolean; built: boolean },
  ): Promise<StoragePoolState> {
    const { capacity } = await connection.storagePoolGetInfo({ name: inputs.name, uuid });
    return { ...inputs, ...made, uuid, capacity };
  }

  private async connected(inputs: StoragePoolInputs, context: Context): Promise<Connection> {
    return (await this.connect(inputs.connection)).with({ signal: context.signal });
  }
}

/** Starts the pool; where its folder cannot be opened, once more with leave to make it. */
async function buildIfMissing(
  { path, build }: StoragePoolInputs,
  start: (flags: number) => Promise<StoragePool>,
): Promise<{ pool: StoragePool; built: boolean }> {
  try {
    return { pool: await start(0), built: false };
  } catch (error) {
    if (!isLibvirtError(error, ErrorCode.SYSTEM_ERROR)) throw error;
    if (!build)
      throw new OperatorError(error.message, { fix: `make ${path} on the host, or set build: true`, cause: error });
    return { pool: await start(VIR_STORAGE_POOL_CREATE_WITH_BUILD).catch(withPathFix), built: true };
  }
}

function withPathFix(error: unknown): never {
  if (!isLibvirtError(error, ErrorCode.SYSTEM_ERROR)) throw error;
  throw new OperatorError(error.message, { fix: "name a folder, or where one can be made, on the host", cause: error });
}

/** Ends and undefines the pool; true when its folder was ours and had to stay. */
async function remove(connection: Connection, pool: StoragePool, built: boolean): Promise<boolean> {
  let kept = false;
  if (!(await connection.storagePoolIsPersistent(pool)))
    await connection.storagePoolDefineXML(await connection.storagePoolGetXMLDesc(pool));
  if (await connection.storagePoolIsActive(pool)) await connection.storagePoolDestroy(pool);
  if (built)
    await connection.storagePoolDelete(pool).catch((error) => {
      // libvirt removes the folder with rmdir, which refuses where anything is left in it.
      if (!isLibvirtError(error, ErrorCode.SYSTEM_ERROR)) throw error;
      kept = true;
    });
  await found(connection.storagePoolUndefine(pool));
  return kept;
}

/** A pool has no room for notes, so that its UUID says whose it is and whether we made its folder. */
function uuidOf(inputs: StoragePoolInputs, built: boolean): string {
  return built ? ownedUuid(inputs, "built") : ownedUuid(inputs);
}

interface LeftOver {
  pool: StoragePool;
  path: string | undefined;
  built: boolean;
}

/** The pool, where an interrupted `create` of the same resource left it. */
async function leftOver(
  connection: Connection,
  pool: StoragePool,
  inputs: StoragePoolInputs,
): Promise<LeftOver | undefined> {
  if (inputs.owner === undefined) return undefined;
  const built = [false, true].find((made) => uuidOf(inputs, made) === pool.uuid);
  if (built === undefined) return undefined;
  return { pool, path: parsePool(await connection.storagePoolGetXMLDesc(pool)).path, built };
}

/** The other pool that has the path: libvirt refuses two with one. */
async function pathOwner(connection: Connection, { name, path }: StoragePoolInputs): Promise<string | undefined> {
  for (const pool of await connection.connectListAllStoragePools()) {
    if (pool.name === name) continue;
    const xml = await found(connection.storagePoolGetXMLDesc(pool));
    if (xml !== undefined && parsePool(xml).path === path) return pool.name;
  }
  return undefined;
}

function pathProblem(path: string, owner: string): string {
  const name = JSON.stringify(owner);
  return `${path} already belongs to the storage pool ${name}, and libvirt takes a path once. Fix: use that pool (adopt: ${name}), or choose another path`;
}
