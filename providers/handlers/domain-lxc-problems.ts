import type { Context, Problem } from "../dynamic/contract";
import { groupsProblem } from "../container/control-groups";
import type { Connection } from "../libvirt/connection";
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
  const unknown =
    'host is not known from the connection. Fix: say where its commands run, host: { kind: "ssh", host: "..." }';
  const asked = (["booted", "command", "port", "http"] as const).find((part) => news.ready?.[part]);
  if (!host) return asked ? [{ field: "ready", reason: `${asked} is asked on the host, and its ${unknown}` }] : [];
  if (!isNew(news, olds)) return [];
  const reason = await reachableHost(groupsProblem(host, signal));
  return [reason === undefined ? undefined : { field: "kind", reason }];
}
