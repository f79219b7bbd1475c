import type { Context } from "../dynamic/contract";
import type { Connection } from "../libvirt/connection";
import {
  VIR_DOMAIN_AFFECT_LIVE,
  VIR_DOMAIN_MEM_LIVE,
  VIR_DOMAIN_METADATA_DESCRIPTION,
  VIR_DOMAIN_METADATA_TITLE,
  VIR_DOMAIN_VCPU_LIVE,
} from "../libvirt/constants";
import type { Domain } from "../libvirt/handles";
import type { DomainModel } from "../libvirt/xml/domain";
import { bytes } from "../schema/size";
import { balloonIsEmpty, untilBallooned } from "./domain-balloon";
import { convergeDisks, convergeNics } from "./domain-devices";
import type { Declares } from "./domain-kind";
import type { DomainLook } from "./domain-look";

/**
 * Brings a running guest to what is wanted, as far as that goes while it runs. The rest waits for its next start.
 * Returns whether devices were changed, in the configuration too.
 *
 * @param declares whether the program sets the field, or did so before
 */
export async function convergeLive(
  connection: Connection,
  seen: DomainLook,
  wanted: DomainModel,
  declares: Declares,
  context: Context,
): Promise<boolean> {
  const { domain } = seen;
  const live = seen.live!.model;
  const nics = declares("nics") && (await convergeNics(connection, seen, wanted.nics, context));
  const disks = declares("disks") && (await convergeDisks(connection, seen, wanted.disks, context));
  if (declares("memory") && bytes(wanted.memory) <= bytes(live.maxMemory))
    await setMemory(connection, seen, wanted, context);
  if (declares("vcpus") && wanted.vcpus > live.vcpus && wanted.vcpus <= live.maxVcpus)
    await connection.domainSetVcpusFlags(domain, wanted.vcpus, VIR_DOMAIN_VCPU_LIVE);
  await setTexts(connection, seen, wanted, declares);
  return nics || disks;
}

/** Title and description of a running guest. */
export async function setTexts(
  connection: Connection,
  { domain, live }: DomainLook,
  wanted: DomainModel,
  declares: Declares,
): Promise<void> {
  if (declares("title") && wanted.title !== live!.model.title)
    await setText(connection, domain, VIR_DOMAIN_METADATA_TITLE, wanted.title);
  if (declares("description") && wanted.description !== live!.model.description)
    await setText(connection, domain, VIR_DOMAIN_METADATA_DESCRIPTION, wanted.description);
}

async function setText(connection: Connection, domain: Domain, type: number, text: string | undefined): Promise<void> {
  await connection.domainSetMetadata(domain, type, text ?? null, null, null, VIR_DOMAIN_AFFECT_LIVE);
}

async function setMemory(
  connection: Connection,
  seen: DomainLook,
  wanted: DomainModel,
  context: Context,
): Promise<void> {
  const { domain, power } = seen;
  const live = seen.live!.model;
  const asked = seen.config.model.memory === wanted.memory;
  if (live.memory === wanted.memory || (asked && balloonIsEmpty(live))) return;
  await connection.domainSetMemoryFlags(domain, bytes(wanted.memory) / 1024, VIR_DOMAIN_MEM_LIVE);
  // A guest that stands still, or has not loaded its balloon driver, answers later.
  if (power === "paused" || (balloonIsEmpty(live) && seen.config.model.memory !== live.memory)) return;
  if (!(await untilBallooned(connection, domain, wanted.memory, context.signal)))
    context.progress(`memory: the guest has not come to ${wanted.memory} in time, and goes on with it`);
}
