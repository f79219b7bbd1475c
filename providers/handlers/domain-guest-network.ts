import type { Context, Problem } from "../dynamic/contract";
import { RunningGuest, type GivenNic } from "../guest/running-guest";
import type { Connection } from "../libvirt/connection";
import type { Domain } from "../libvirt/handles";
import { Readiness } from "../libvirt/readiness";
import { AgentMachine } from "../machine/agent-machine";
import { agentOf } from "../machine/libvirt-domain";
import type { DomainInputs } from "../schema/domain";
import { describeNic, macsOf, type NicInputs } from "../schema/domain-nic";
import { milliseconds } from "../schema/duration";
import { addressingOf, isAddressed, type Addressing } from "../schema/nic-addressing";
import type { DomainLook } from "./domain-look";
import { consoleLogPath, sameValue } from "./domain-model";

type Nics = Pick<DomainInputs, "name" | "nics">;

/** A guest whose agent is waited for is given its addresses through it. */
function byAgent({ ready, state = "running" }: DomainInputs): boolean {
  return ready?.agent === true && state === "running";
}

function givenNics({ name, nics = [] }: Nics): GivenNic[] {
  const macs = macsOf(name, nics);
  return nics.flatMap((nic, at) => (isAddressed(nic) ? [{ mac: macs[at]!, ...addressingOf(nic) }] : []));
}

/** Waits for the agent of a machine, and gives its NICs their addresses; those that they had from us before go. */
export async function giveAddresses(
  connection: Connection,
  domain: Domain,
  inputs: DomainInputs,
  before: Partial<Nics> | undefined,
  context: Context,
): Promise<void> {
  const given = givenNics(inputs);
  const had = givenNics({ name: before?.name ?? inputs.name, nics: before?.nics });
  if (!byAgent(inputs) || given.length + had.length === 0) return;
  await new Readiness(connection, domain, { agent: true }, []).wait({
    timeout: milliseconds(inputs.ready!.timeout),
    signal: context.signal,
    progress: (message) => context.progress(message),
    consoleLog: inputs.consoleLog ? consoleLogPath(inputs.name) : undefined,
  });
  await inside(connection, domain).setAddresses(given, context.signal);
}

/** The NICs of a running machine with what they really have of what they are given; as before where it does not tell. */
export async function withAddresses(
  connection: Connection,
  { domain, power }: DomainLook,
  inputs: DomainInputs,
  nics: NicInputs[],
  { signal }: Context,
): Promise<NicInputs[]> {
  const given = givenNics(inputs);
  if (given.length === 0 || inputs.ready?.agent !== true || power !== "running") return nics;
  let seen: Map<string, Addressing>;
  try {
    seen = await inside(connection, domain).addressing(given, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error)) throw error;
    return nics;
  }
  const macs = macsOf(inputs.name, nics);
  return nics.map((nic, at) => ({ ...nic, ...seen.get(macs[at]!) }));
}

function inside(connection: Connection, domain: Domain): RunningGuest {
  const label = `guest ${domain.name}`;
  return new RunningGuest(new AgentMachine(label, agentOf(label, connection, domain)));
}

/** Other addresses of a guest that has them from its image or its first boot: nobody would set them. */
export function fixedAddressProblems(news: DomainInputs, olds: Partial<DomainInputs> | undefined): Problem[] {
  if (!olds?.nics || news.agent !== false) return [];
  const before = givenNics({ name: olds.name ?? news.name, nics: olds.nics });
  const macs = macsOf(news.name, news.nics ?? []);
  return (news.nics ?? []).flatMap((nic, at) => {
    const { mac: _mac, ...old } = before.find(({ mac }) => mac === macs[at]) ?? { mac: "" };
    if (sameValue(addressingOf(old), addressingOf(nic))) return [];
    return [
      {
        field: `nics.${at}`,
        reason: `the guest has the addresses on ${describeNic(nic)} from its image or its first boot, and there is no agent to change them. Fix: install qemu-guest-agent in it and say ready: { agent: true } without agent: false; or make another guest`,
      },
    ];
  });
}
