import type { Context } from "../dynamic/contract";
import type { Machine, MachineSpec } from "../machine/machine";
import { open } from "../machine/open-machine";
import { machineOf } from "../schema/connection";
import type { DomainInputs } from "../schema/domain";
import { consoleLogPath } from "./domain-model";

/** virtlogd keeps so many older logs unless virtlogd.conf says otherwise (max_backups). */
const backups = [0, 1, 2];

/**
 * Removes what a guest that is gone had printed. libvirt has no call for that: it is done where the URI leads to a
 * machine, and a log that cannot be removed is told, and harms nobody.
 */
export async function removeConsoleLog(
  inputs: DomainInputs,
  context: Context,
  machine: (spec: MachineSpec) => Machine = open,
): Promise<void> {
  const { searchParams } = new URL(inputs.connection);
  // Behind a socket of its own libvirtd may see other files than this machine's.
  const host = searchParams.has("socket") ? undefined : machineOf(inputs.connection);
  if (!inputs.consoleLog || !host) return;
  const path = consoleLogPath(inputs.name);
  try {
    const all = [path, ...backups.map((number) => `${path}.${number}`)];
    await machine(host).run(["rm", "-f", "--", ...all], { signal: context.signal, timeout: 10_000 });
  } catch (error) {
    context.progress(`its console log stays on the host: ${(error as Error).message}`);
  }
}
