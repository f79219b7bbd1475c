import { isDeepStrictEqual } from "node:util";
import type { Connection } from "../libvirt/connection";
import type { StoragePool, StorageVol } from "../libvirt/handles";
import { parseVolume, type VolumeReport } from "../libvirt/xml/volume";
import { bytes } from "../schema/size";
import type { VolumeInputs } from "../schema/volume";
import { found } from "./adopt";
import { unlessBusy } from "./volume-fill";
import { nameUsers, volumeUsers } from "./volume-users";

export interface FoundVolume {
  volume: StorageVol;
  report: VolumeReport;
}

/** The volume, if its file is really there: libvirt's list is as old as the pool's last refresh. */
export async function findVolume(
  connection: Connection,
  pool: StoragePool,
  name: string,
): Promise<FoundVolume | undefined> {
  const volume = await found(connection.storageVolLookupByName(pool, name));
  if (!volume) return undefined;
  const report = await found(reportVolume(connection, volume));
  if (report) return { volume, report };
  // Only then does libvirt let a new one have the name.
  await connection.storagePoolRefresh(pool).catch(unlessBusy);
  return undefined;
}

export async function reportVolume(connection: Connection, volume: StorageVol): Promise<VolumeReport> {
  return parseVolume(await connection.storageVolGetXMLDesc(volume));
}

const cluster = 65536;

/**
 * Whether the volume is as `inputs` make it, was never written to, and is nobody's: then an interrupted run left it, and
 * nothing is lost by taking it. A fresh qcow2 file is its header, two clusters of reference counts and the first table.
 */
export async function isPristine(
  connection: Connection,
  { report }: FoundVolume,
  inputs: VolumeInputs,
): Promise<boolean> {
  if (inputs.source || inputs.preallocation !== "off" || report.format !== inputs.format) return false;
  if (!isDeepStrictEqual(report.backing ?? undefined, inputs.backing && { ...inputs.backing })) return false;
  if (inputs.capacity !== undefined && bytes(inputs.capacity) !== report.capacity) return false;
  const table = Math.ceil((Math.ceil(report.capacity / (cluster * (cluster / 8))) * 8) / cluster);
  const empty =
    report.format === "raw" ? report.allocation === 0 : (report.physical ?? Infinity) <= (3 + table) * cluster;
  return empty && nameUsers(await volumeUsers(connection, report.path)) === undefined;
}
