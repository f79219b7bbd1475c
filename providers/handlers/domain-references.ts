import type { Problem } from "../dynamic/contract";
import { isDeclared } from "../dynamic/declared";
import type { Connection } from "../libvirt/connection";
import type { DomainInputs } from "../schema/domain";
import { found } from "./adopt";
import { volumeKey } from "./domain-volumes";
import { missingProblem } from "./missing";

/** Volumes that no disk had before, and that neither the host nor the program knows. */
export async function volumeProblems(
  connection: Connection,
  { connection: uri, disks = [] }: DomainInputs,
  olds: Partial<DomainInputs> | undefined,
): Promise<Problem[]> {
  const before = new Set(olds?.disks?.map(({ volume }) => volume && volumeKey(volume)));
  const asked = disks.map(async ({ volume }, at): Promise<Problem[]> => {
    if (!volume || before.has(volumeKey(volume)) || isDeclared("Volume", { connection: uri, ...volume })) return [];
    const field = `disks.${at}.volume`;
    const pool = await found(connection.storagePoolLookupByName(volume.pool));
    if (!pool) {
      if (isDeclared("StoragePool", { connection: uri, name: volume.pool })) return [];
      const there = (await connection.connectListAllStoragePools()).map(({ name }) => name);
      return [{ field, reason: missingProblem("storage pool", volume.pool, there, "StoragePool") }];
    }
    if (
      !(await connection.storagePoolIsActive(pool)) ||
      (await found(connection.storageVolLookupByName(pool, volume.name)))
    )
      return [];
    const there = (await connection.storagePoolListAllVolumes(pool)).map(({ name }) => name);
    return [{ field, reason: missingProblem(`volume in ${volume.pool}`, volume.name, there, "Volume") }];
  });
  return (await Promise.all(asked)).flat();
}
