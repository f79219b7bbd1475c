import { survey, type Survey } from "../host/survey";
import { CommandError } from "../machine/command-error";
import type { MachineSpec } from "../machine/machine";
import { machineKey, open } from "../machine/open-machine";
import { UnreachableError } from "../machine/unreachable-error";
import { machineOf } from "../schema/connection";
import { sayUnreachable } from "./reachable";
import { shared } from "./surveyor";

export type LookAtHost = (host: { connection: string; machine?: MachineSpec }) => Promise<Survey | undefined>;

const look = shared((spec: MachineSpec) => survey(open(spec), []), machineKey);

/**
 * Where commands on the host of a libvirt connection run: as given, else where the URI points, unless it reaches libvirt
 * in a way that only libvirt's client knows.
 */
export function hostMachine({
  connection,
  machine,
}: {
  connection: string;
  machine?: MachineSpec;
}): MachineSpec | undefined {
  if (machine) return machine;
  return /[?&](socket|command|keyfile|proxy|netcat)=/.test(connection) ? undefined : machineOf(connection);
}

/** The host's interfaces and routes, seen at preview; undefined where its machine is not known or does not answer. */
export const lookAtHost: LookAtHost = async (host) => {
  const spec = hostMachine(host);
  if (!spec) return undefined;
  try {
    return await look(spec);
  } catch (error) {
    if (!(error instanceof UnreachableError || error instanceof CommandError)) throw error;
    sayUnreachable(error);
    return undefined;
  }
};
