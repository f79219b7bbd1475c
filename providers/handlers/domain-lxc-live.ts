import type { Context } from "../dynamic/contract";
import type { Connection } from "../libvirt/connection";
import { VIR_DOMAIN_AFFECT_LIVE } from "../libvirt/constants";
import type { DomainModel } from "../libvirt/xml/domain";
import type { DomainInputs } from "../schema/domain";
import { bytes } from "../schema/size";
import type { Declares } from "./domain-kind";
import { setTexts } from "./domain-live";
import type { DomainLook } from "./domain-look";
import { convergeContainerNics } from "./domain-lxc-nics";
import { sameValue } from "./domain-model";

/** What the kernel gives a control group that nobody gave a share. */
const usualShares = 1024;
const usualPeriod = 100_000;

/** Brings a running container to what is wanted: its limits and its NICs. The rest waits for its next start. */
export async function convergeContainer(
  connection: Connection,
  seen: DomainLook,
  wanted: DomainModel,
  declares: Declares,
  inputs: DomainInputs,
  context: Context,
): Promise<boolean> {
  const replugged = declares("nics") && (await convergeContainerNics(connection, seen, wanted.nics, inputs, context));
  if (declares("memory") || declares("memtune")) await limitMemory(connection, seen, wanted);
  if (declares("vcpus") || declares("cputune")) await limitProcessors(connection, seen, wanted);
  await setTexts(connection, seen, wanted, declares);
  return replugged;
}

async function limitMemory(connection: Connection, { domain, live }: DomainLook, wanted: DomainModel): Promise<void> {
  const { memory, memtune } = live!.model;
  if (memory === wanted.memory && sameValue(memtune, wanted.memtune)) return;
  const kib = (size: string | undefined) => (size === undefined ? unlimited : bytes(size) / 1024);
  const limits: { [name: string]: number } = { hard_limit: bytes(wanted.memory) / 1024 };
  if (memtune?.softLimit !== wanted.memtune?.softLimit) limits["soft_limit"] = kib(wanted.memtune?.softLimit);
  // Where both change, libvirt sets them in the order that the kernel takes.
  const swap = wanted.memtune?.swapHardLimit;
  if (memtune?.swapHardLimit !== swap) limits["swap_hard_limit"] = kib(swap);
  await connection.domainSetMemoryParameters(domain, limits, VIR_DOMAIN_AFFECT_LIVE);
}

/** libvirt's VIR_DOMAIN_MEMORY_PARAM_UNLIMITED. */
const unlimited = 9007199254740991;

async function limitProcessors(
  connection: Connection,
  { domain, live }: DomainLook,
  wanted: DomainModel,
): Promise<void> {
  const before = live!.model.cputune;
  const { shares, quota, period } = wanted.cputune ?? {};
  const tuned: { [name: string]: number } = {};
  if (before?.shares !== shares) tuned["cpu_shares"] = shares ?? usualShares;
  if (before?.period !== period) tuned["vcpu_period"] = period ?? usualPeriod;
  if (before?.quota !== quota) tuned["vcpu_quota"] = quota ?? -1;
  if (Object.keys(tuned).length > 0)
    await connection.domainSetSchedulerParametersFlags(domain, tuned, VIR_DOMAIN_AFFECT_LIVE);
}
