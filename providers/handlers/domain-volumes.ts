import { OperatorError } from "../dynamic/errors";
import type { Connection } from "../libvirt/connection";
import { ErrorCode, isLibvirtError } from "../libvirt/errors";
import type { DiskInputs } from "../schema/domain-disk";

/** { "pool/volume": path on the host }; a volume of a network pool has none and is left out. */
export type VolumePaths = { [volume: string]: string };

export function volumeKey({ pool, name }: NonNullable<DiskInputs["volume"]>): string {
  return `${pool}/${name}`;
}

/**
 * Where the volumes of the disks are on the host. Guests get paths, because a guest's AppArmor profile lists files and
 * knows nothing of pools, and so that a guest starts before its pool does.
 */
export async function volumePaths(connection: Connection, disks: readonly DiskInputs[]): Promise<VolumePaths> {
  const volumes = disks.flatMap((disk) => (disk.volume ? [disk.volume] : []));
  const paths = await Promise.all(volumes.map((volume) => volumePath(connection, volume)));
  return Object.fromEntries(
    volumes.flatMap((volume, at) => (paths[at]?.startsWith("/") ? [[volumeKey(volume), paths[at]]] : [])),
  );
}

async function volumePath(connection: Connection, volume: NonNullable<DiskInputs["volume"]>): Promise<string> {
  try {
    const pool = await connection.storagePoolLookupByName(volume.pool);
    return await connection.storageVolGetPath(await connection.storageVolLookupByName(pool, volume.name));
  } catch (cause) {
    if (isLibvirtError(cause, ErrorCode.NO_STORAGE_POOL))
      throw new OperatorError(`disks: there is no pool ${JSON.stringify(volume.pool)}`, {
        fix: "declare it as a StoragePool, or name one that virsh pool-list --all shows",
        cause,
      });
    if (isLibvirtError(cause, ErrorCode.NO_STORAGE_VOL))
      throw new OperatorError(`disks: there is no volume ${JSON.stringify(volume.name)} in pool ${volume.pool}`, {
        fix: `declare it as a Volume, or name one that virsh vol-list ${volume.pool} shows`,
        cause,
      });
    if (isLibvirtError(cause, ErrorCode.OPERATION_INVALID))
      throw new OperatorError(`disks: pool ${volume.pool} is not active`, {
        fix: `virsh pool-start ${volume.pool}`,
        cause,
      });
    throw cause;
  }
}
