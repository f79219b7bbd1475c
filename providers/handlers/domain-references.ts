import type { Problem } from "../dynamic/contract";
import { isDeclared } from "../dynamic/declared";
import type { Connection } from "../libvirt/connection";
import type { DomainInputs } from "../schema/domain";
import { found } from "./adopt";
import { volumeKey } from "./domain-volumes";
import { missingProblem } from "./missing";

/** Networks that no NIC had before, and that neither the host nor the program knows. */
export async function networkProblems(
  connection: Connection,
  { connection: uri, nics = [] }: DomainInputs,
  olds: Partial<DomainInputs> | undefined,
): Promise<Problem[]> {
  const before = new Set(olds?.nics?.map(({ network }) => network));
  const asked = nics.map(async ({ network }, at): Promise<Problem[]> => {
    if (network === undefined || before.has(network) || isDeclared("Network", { connection: uri, name: network }))
      return [];
    if (await found(connection.networkLookupByName(network))) return [];
    const there = (await connection.connectListAllNetworks()).map(({ name }) => name);
    return [{ field: `nics.${at}.network`, reason: missingProblem("network", network, there, "Network") }];
  });
  return (await Promise.all(asked)).flat();
}

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
