import type { Context } from "../dynamic/contract";
import type { Connection } from "../libvirt/connection";
import {
  addressesFrom,
  bootId,
  hasAddress,
  orGiven,
  type AddressSource,
  type NicAddresses,
} from "../libvirt/readiness-sources";
import type { ReadyFacts } from "../libvirt/readiness";
import { agentConnected } from "../libvirt/xml/domain-console";
import type { DomainInputs } from "../schema/domain";
import { macsOf } from "../schema/domain-nic";
import type { DomainKind } from "./domain-kind";
import type { DomainLook } from "./domain-look";
import { consoleLogPath } from "./domain-model";
import type { DomainState } from "./domain-state";

/** What is computed from nothing but the inputs. */
export function plainOutputs(inputs: DomainInputs): Pick<DomainState, "consoleLogPath"> {
  return { consoleLogPath: inputs.consoleLog ? consoleLogPath(inputs.name) : undefined };
}

/** The addresses, the first of each family, and the boot id. */
export function addressOutputs(
  facts: ReadyFacts | undefined,
): Pick<DomainState, "addresses" | "ipv4" | "ipv6" | "bootId"> {
  const addresses = facts?.addresses ?? [];
  return {
    addresses,
    ipv4: addresses.flatMap((nic) => nic.ipv4)[0],
    ipv6: addresses.flatMap((nic) => nic.ipv6)[0],
    bootId: facts?.bootId,
  };
}

/** What the live document tells. */
export function liveOutputs(
  kind: DomainKind,
  seen: DomainLook,
): Pick<DomainState, "power" | "acceleratorInUse" | "vncPort"> {
  return { power: seen.power, ...kind.outputs(seen) };
}

/**
 * What a guest says of itself now. Where it does not answer, because it is off, paused or busy, what it said before
 * stands, so that nothing downstream changes for that.
 */
export async function currentFacts(
  kind: DomainKind,
  connection: Connection,
  seen: DomainLook,
  state: DomainState,
  context: Context,
): Promise<ReadyFacts> {
  const before = { addresses: state.addresses ?? [], bootId: state.bootId };
  const asked = before.addresses.length > 0 || before.bootId !== undefined || state.ready !== undefined;
  if (!asked || !seen.live || seen.power !== "running") return before;
  const { addresses, bootId } = await kind.facts(connection, seen, state, context);
  return { addresses: addresses ?? before.addresses, bootId: bootId ?? before.bootId };
}

/** What a machine says of itself now, by its agent or else by the networks' leases. */
export async function machineFacts(
  connection: Connection,
  seen: DomainLook,
  { name, nics = [] }: DomainState,
): Promise<Partial<ReadyFacts>> {
  const channel = seen.live && agentConnected(seen.live.root);
  const answers = channel === true;
  const macs = macsOf(name, nics);
  const [told, boot] = await Promise.all([
    currentAddresses(connection, seen, macs, answers ? ["agent", "leases"] : ["leases"]),
    answers ? bootId(connection, seen.domain) : undefined,
  ]);
  const given = nics.map((nic) => nic.addresses);
  if (channel !== undefined || given.every((own) => own === undefined)) return { addresses: told, bootId: boot };
  const nobodys = macs.map((mac, nic): NicAddresses => ({ nic, mac, ipv4: [], ipv6: [] }));
  return { addresses: orGiven(told ?? nobodys, given), bootId: boot };
}

async function currentAddresses(
  connection: Connection,
  { domain }: DomainLook,
  macs: readonly string[],
  sources: readonly AddressSource[],
): Promise<NicAddresses[] | undefined> {
  for (const source of sources) {
    const found = await addressesFrom(connection, domain, source, macs);
    if (found?.some(hasAddress)) return found;
  }
  return undefined;
}
