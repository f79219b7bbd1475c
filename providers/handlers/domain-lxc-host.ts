import { RunningContainer } from "../container/running-container";
import type { Connection } from "../libvirt/connection";
import type { Domain } from "../libvirt/handles";
import type { MachineSpec } from "../machine/machine";
import { open } from "../machine/open-machine";
import type { PosixMachine } from "../machine/posix-machine";
import { machineOf } from "../schema/connection";
import type { DomainInputs } from "../schema/domain";

type OfContainer = Pick<DomainInputs, "host" | "connection">;

/** Where the commands of a container's host run; undefined where neither the program nor the URI tells. */
export function hostOf({ host, connection }: OfContainer): MachineSpec | undefined {
  if (host) return host;
  // Behind a socket of its own libvirtd may see other processes and files than this machine's.
  return new URL(connection).searchParams.has("socket") ? undefined : machineOf(connection);
}

/** The host of a container, where it is known. */
export function hostMachine(inputs: OfContainer): PosixMachine | undefined {
  const spec = hostOf(inputs);
  return spec && open(spec);
}

/** The way into a container that runs, where its host is known. */
export function inside(
  connection: Connection,
  domain: Domain,
  inputs: OfContainer & { name: string },
): RunningContainer | undefined {
  const host = hostMachine(inputs);
  const leader = async () => (await connection.domainLookupByUUID(domain.uuid)).id;
  return host && new RunningContainer(inputs.name, host, leader);
}
