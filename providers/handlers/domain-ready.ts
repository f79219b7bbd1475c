import type { Context } from "../dynamic/contract";
import type { Connection } from "../libvirt/connection";
import type { Domain } from "../libvirt/handles";
import { Readiness, type ReadinessGoal, type ReadinessNic, type ReadyFacts } from "../libvirt/readiness";
import type { DomainInputs } from "../schema/domain";
import { describeNic, macsOf } from "../schema/domain-nic";
import type { ReadyInputs } from "../schema/domain-ready";
import { milliseconds } from "../schema/duration";
import { consoleLogPath } from "./domain-model";

function goalOf({ agent, addresses, port, http }: ReadyInputs): ReadinessGoal {
  return { agent, addresses, port: typeof port === "number" ? { port } : port, http };
}

/** The NICs, as they are waited for. */
export function waitedNics({ name, nics = [] }: DomainInputs): ReadinessNic[] {
  const macs = macsOf(name, nics);
  return nics.map((nic, at) => ({
    mac: macs[at]!,
    label: describeNic(nic),
    network: nic.network,
    given: nic.addresses,
    down: nic.linkState === "down",
  }));
}

/** Waits as the program asks; undefined where it asks for nothing. `fresh`: the guest has just been started. */
export async function waitUntilReady(
  connection: Connection,
  domain: Domain,
  inputs: DomainInputs,
  fresh: boolean,
  context: Context,
): Promise<ReadyFacts | undefined> {
  if (!inputs.ready || (inputs.state ?? "running") !== "running") return undefined;
  return new Readiness(connection, domain, goalOf(inputs.ready), waitedNics(inputs)).wait({
    timeout: milliseconds(inputs.ready.timeout),
    signal: context.signal,
    fresh,
    progress: (message) => context.progress(message),
    consoleLog: inputs.consoleLog ? consoleLogPath(inputs.name) : undefined,
  });
}
