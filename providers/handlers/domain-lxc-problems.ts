import type { Context, Problem } from "../dynamic/contract";
import { groupsProblem } from "../host/control-groups";
import type { Connection } from "../libvirt/connection";
import { ConnectError } from "../libvirt/errors";
import { withDriver } from "../schema/connection";
import type { DomainInputs } from "../schema/domain";
import { reachableHost } from "./kept-image";
import { hostMachine } from "./domain-lxc-host";
import { isNew } from "./domain-problems";

/** What keeps a container from being made or changed. */
export async function containerProblems(
  _connection: Connection,
  news: DomainInputs,
  olds: Partial<DomainInputs> | undefined,
  { signal }: Context,
): Promise<(Problem | undefined)[]> {
  const host = hostMachine(news);
  const fix = 'Fix: say where its commands run, host: { kind: "ssh", host: "..." }';
  const asked = (["booted", "command", "port", "http"] as const).find((part) => news.ready?.[part]);
  if (!host)
    return asked
      ? [
          {
            field: "ready",
            reason: `${asked} is asked on the host, and the connection does not tell how to get there. ${fix}`,
          },
        ]
      : [];
  if (!isNew(news, olds)) return [];
  const reason = await reachableHost(groupsProblem(host, signal));
  return [reason === undefined ? undefined : { field: "kind", reason }];
}

/**
 * That libvirt lacks the driver, where it answers for another one; undefined where it does not answer at all.
 *
 * @param refusal what came of connecting to the driver
 */
export async function driverProblem(
  { connection }: DomainInputs,
  refusal: ConnectError,
  connect: (uri: string) => Promise<Connection>,
): Promise<Problem | undefined> {
  try {
    await connect(withDriver(connection, "qemu"));
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    return undefined;
  }
  const reason = `libvirt runs no containers there: ${refusal.problem}. Fix: apt-get install libvirt-daemon-driver-lxc (Fedora, openSUSE: libvirt-daemon-lxc), then restart libvirtd`;
  return { field: "kind", reason };
}
