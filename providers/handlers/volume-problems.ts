import { isDeepStrictEqual } from "node:util";
import type { Change, Problem } from "../dynamic/contract";
import { isDeclared } from "../dynamic/declared";
import { OperatorError } from "../dynamic/errors";
import type { Connection } from "../libvirt/connection";
import type { StoragePool } from "../libvirt/handles";
import { parsePool } from "../libvirt/xml/pool";
import { parseVolume, type VolumeReport } from "../libvirt/xml/volume";
import { bytes, formatSize } from "../schema/size";
import type { VolumeInputs } from "../schema/volume";
import { existsProblem, found } from "./adopt";
import { missingProblem } from "./missing";
import { inspectSource } from "./source-file";
import { markersOf } from "./upload-marker";
import { imageProblem, roomProblem } from "./volume-fill";
import { findVolume, isPristine, type FoundVolume } from "./volume-lookup";
import { nameUsers, volumeUsers, type DiskUse } from "./volume-users";

/** What stands against a volume: the file it is filled from, its name, its size, or what its replacement would destroy. */
export async function volumeProblems(
  connection: Connection | undefined,
  news: VolumeInputs,
  olds: VolumeInputs | undefined,
  changes: readonly Change[],
): Promise<Problem[]> {
  const replaced = changes.some((change) => change.disruption === "replace");
  const problems = olds && !replaced ? [] : await sourceProblems(news);
  const lookAt = olds ?? news;
  const pool = connection && (await found(connection.storagePoolLookupByName(lookAt.pool)));
  if (connection && !pool && !olds) problems.push(...(await poolProblems(connection, news)));
  // A pool that the same up makes or starts cannot be asked yet.
  if (!connection || !pool || !(await connection.storagePoolIsActive(pool))) return problems;
  const existing = await findVolume(connection, pool, lookAt.name);
  if (!olds) return [...problems, ...(await newProblems(connection, pool, existing, news))];
  if (!existing) return problems;
  const shrinks = changes.some((change) => change.field === "capacity") && shrinkProblem(news, existing.report);
  if (shrinks) return [{ field: "capacity", reason: shrinks }, ...problems];
  return replaced ? [...(await replaceProblems(connection, existing, olds, news, changes)), ...problems] : problems;
}

async function poolProblems(connection: Connection, { connection: uri, pool }: VolumeInputs): Promise<Problem[]> {
  if (isDeclared("StoragePool", { connection: uri, name: pool })) return [];
  const there = (await connection.connectListAllStoragePools()).map(({ name }) => name);
  return [{ field: "pool", reason: missingProblem("storage pool", pool, there, "StoragePool") }];
}

async function sourceProblems(news: VolumeInputs): Promise<Problem[]> {
  if (!news.source) return [];
  try {
    const problem = imageProblem(news, await inspectSource(news.source.path));
    return problem ? [problem] : [];
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return [{ field: "source", reason: error.message }];
  }
}

async function newProblems(
  connection: Connection,
  pool: StoragePool,
  existing: FoundVolume | undefined,
  news: VolumeInputs,
): Promise<Problem[]> {
  if (news.adopt !== undefined) {
    const reason = adoptVolumeProblem(existing, news);
    return reason === undefined ? [] : [{ field: "adopt", reason }];
  }
  if (existing && (await markersOf(connection, pool, news.name)).length === 0) {
    if (await isPristine(connection, existing, news)) return [];
    return [{ field: "name", reason: existsProblem(`volume in ${pool.name}`, news.name) }];
  }
  const found = [orphanProblems, spaceProblems, backingProblems].map((ask) => ask(connection, news, pool));
  return (await Promise.all(found)).flat();
}

/** A deleted file lives on until the last guest that has it open stops: only then may another take its place. */
async function orphanProblems(connection: Connection, news: VolumeInputs, pool: StoragePool): Promise<Problem[]> {
  const { path } = parsePool(await connection.storagePoolGetXMLDesc(pool));
  const { disks } = await volumeUsers(connection, `${path}/${news.name}`);
  const running = disks.filter((disk) => disk.running);
  if (running.length === 0) return [];
  const [{ domain, target }] = running as [DiskUse];
  return [
    {
      field: "name",
      reason:
        `its file is gone, and still open: ${nameUsers({ disks: running, overlays: [] })}; the data is lost when the guest stops. ` +
        `Fix: rescue it with virsh blockcopy ${domain.name} ${target} --dest FILE --transient-job --wait --finish, ` +
        `stop the guest, and run up again`,
    },
  ];
}

async function spaceProblems(connection: Connection, news: VolumeInputs, pool: StoragePool): Promise<Problem[]> {
  const image = news.source && (await inspectSource(news.source.path).catch(() => undefined));
  const needed = image?.length ?? (news.preallocation === "full" ? bytes(news.capacity!) : 0);
  if (needed === 0) return [];
  const { available } = await connection.storagePoolGetInfo(pool);
  if (needed <= available) return [];
  return [{ field: "pool", reason: roomProblem(pool.name, available, needed) }];
}

/** An overlay smaller than what it lies on shows the guest a cut disk; a wrong format shows it nonsense. */
async function backingProblems(connection: Connection, news: VolumeInputs): Promise<Problem[]> {
  const { backing, capacity } = news;
  const volume = backing && (await found(connection.storageVolLookupByPath(backing.path)));
  const xml = volume && (await found(connection.storageVolGetXMLDesc(volume)));
  if (xml === undefined) return [];
  const reason = backingProblem(parseVolume(xml), backing!, capacity);
  return reason === undefined ? [] : [reason];
}

function backingProblem(
  base: VolumeReport,
  backing: NonNullable<VolumeInputs["backing"]>,
  capacity: string | undefined,
): Problem | undefined {
  if (base.format !== backing.format)
    return {
      field: "backing",
      reason: `${backing.path} is ${base.format}, not ${backing.format}. Fix: correct backing.format`,
    };
  if (capacity !== undefined && bytes(capacity) < base.capacity)
    return {
      field: "capacity",
      reason: `${capacity} is less than the ${formatSize(base.capacity)} of ${backing.path}. Fix: leave it out, or give that or more`,
    };
  return undefined;
}

/** Replacing destroys: only where the program allowed it in an earlier run, and nobody would miss it. */
async function replaceProblems(
  connection: Connection,
  { report }: FoundVolume,
  olds: VolumeInputs,
  news: VolumeInputs,
  changes: readonly Change[],
): Promise<Problem[]> {
  if (olds.adopt !== undefined) return [];
  const field = changes.find((change) => change.disruption === "replace")!.field;
  if (olds.retain === "refuse")
    return [
      {
        field,
        reason: `the volume would be replaced and its data lost, and retain is "refuse". Fix: undo the change, or set retain: "delete" and run up before it`,
      },
    ];
  const samePlace = (["connection", "pool", "name"] as const).every((part) => olds[part] === news[part]);
  if (olds.retain === "keep")
    return samePlace
      ? [
          {
            field,
            reason: `the volume would be replaced, and retain is "keep": it is in its own way. Fix: choose another name`,
          },
        ]
      : [];
  const users = nameUsers(await volumeUsers(connection, report.path));
  if (users === undefined) return [];
  return [
    {
      field,
      reason: `the volume would be replaced while it is in use: ${users}. Fix: undo the change, or remove these first`,
    },
  ];
}

/** Why the size cannot be; undefined when it can. */
export function shrinkProblem({ capacity }: VolumeInputs, { capacity: now }: VolumeReport): string | undefined {
  if (capacity === undefined || bytes(capacity) >= now) return undefined;
  return `${formatSize(now)} -> ${capacity} would cut off data; volumes only grow. Fix: set capacity: "${formatSize(now)}", or copy the data to a new, smaller volume`;
}

/** Why the volume cannot be taken over; undefined when it can. */
export function adoptVolumeProblem(existing: FoundVolume | undefined, inputs: VolumeInputs): string | undefined {
  if (!existing)
    return `there is no volume ${JSON.stringify(inputs.name)} in ${inputs.pool} to adopt. Fix: leave adopt out to make a new one`;
  const { report } = existing;
  if (inputs.adopt !== report.name && inputs.adopt !== report.key)
    return `adopt names ${JSON.stringify(inputs.adopt)}, name ${JSON.stringify(inputs.name)}. Fix: leave name out, or make them agree`;
  if (report.format !== inputs.format)
    return `the volume to adopt is ${report.format}, not ${inputs.format}. Fix: set format: "${report.format}"`;
  if (inputs.backing && !isDeepStrictEqual({ ...inputs.backing }, report.backing))
    return `the volume to adopt lies on ${report.backing?.path ?? "nothing"}, not on ${inputs.backing.path}. Fix: correct backing, or leave it out`;
  return shrinkProblem(inputs, report);
}
