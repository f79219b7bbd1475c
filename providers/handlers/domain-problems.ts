import { closest } from "fastest-levenshtein";
import type { Context, Problem } from "../dynamic/contract";
import { acceleration } from "../libvirt/accelerator";
import { parseCapabilities, parseDomainCapabilities } from "../libvirt/capabilities";
import type { Connection } from "../libvirt/connection";
import type { Domain } from "../libvirt/handles";
import { parse } from "../libvirt/xml/document";
import { ownerOf } from "../libvirt/xml/owner";
import type { DomainInputs } from "../schema/domain";
import { bytes, formatSize } from "../schema/size";
import { adoptProblem, existsProblem, findBy } from "./adopt";
import { fixedAddressProblems } from "./domain-guest-network";
import type { DomainKind } from "./domain-kind";
import { nicProblems } from "./domain-nic-problems";
import { volumeProblems } from "./domain-references";
import type { Connect } from "./guest-drivers";

/** What keeps a guest from being made or changed as declared, as far as it shows before anything is. */
export async function domainProblems(
  kind: DomainKind,
  connection: Connection,
  news: DomainInputs,
  olds: Partial<DomainInputs> | undefined,
  context: Context,
  connect?: Connect,
): Promise<Problem[]> {
  const problems = await Promise.all([
    isNew(news, olds) ? nameProblem(connection, news) : undefined,
    memoryProblem(connection, news, olds),
    nicProblems(connection, news, olds, connect),
    kind.problems(connection, news, olds, context),
  ]);
  return problems.flat(2).filter((problem) => problem !== undefined);
}

export function isNew(news: DomainInputs, olds: Partial<DomainInputs> | undefined): boolean {
  return olds === undefined || olds.connection !== news.connection;
}

/** What keeps a machine from being made or changed. */
export async function machineProblems(
  connection: Connection,
  news: DomainInputs,
  olds: Partial<DomainInputs> | undefined,
): Promise<(Problem | Problem[] | undefined)[]> {
  return Promise.all([
    acceleratorProblem(connection, news, olds),
    machineProblem(connection, news, olds),
    firmwareProblem(connection, news, olds),
    volumeProblems(connection, news, olds),
    fixedAddressProblems(news, olds),
  ]);
}

export function findDomain(connection: Connection, key: string): Promise<Domain | undefined> {
  return findBy(
    key,
    (uuid) => connection.domainLookupByUUID(uuid),
    (name) => connection.domainLookupByName(name),
  );
}

/** Whether an earlier `create` of the same resource made the guest, and was interrupted before it was recorded. */
export async function isLeftOver(connection: Connection, existing: Domain, { owner }: DomainInputs): Promise<boolean> {
  return owner !== undefined && ownerOf(parse(await connection.domainGetXMLDesc(existing))) === owner;
}

async function nameProblem(connection: Connection, news: DomainInputs): Promise<Problem | undefined> {
  const existing = await findDomain(connection, news.adopt ?? news.name);
  if (news.adopt !== undefined) {
    const reason = adoptProblem("domain", existing, news);
    return reason === undefined ? undefined : { field: "adopt", reason };
  }
  if (!existing || (await isLeftOver(connection, existing, news))) return undefined;
  return { field: "name", reason: existsProblem("domain", news.name) };
}

async function acceleratorProblem(
  connection: Connection,
  news: DomainInputs,
  olds: Partial<DomainInputs> | undefined,
): Promise<Problem | undefined> {
  if (news.accelerator !== "kvm" || olds?.accelerator === "kvm") return undefined;
  const { accelerator, reason } = await acceleration(connection);
  if (accelerator === "kvm") return undefined;
  return { field: "accelerator", reason: `"kvm" does not work there: ${reason}. Allowed: "auto" or "tcg"` };
}

/** A host's whole memory; what other guests take of it may be given back. */
async function memoryProblem(
  connection: Connection,
  news: DomainInputs,
  olds: Partial<DomainInputs> | undefined,
): Promise<Problem | undefined> {
  if (news.memory === undefined || news.memory === olds?.memory) return undefined;
  const memory = (await connection.nodeGetInfo()).memory * 1024;
  if (bytes(news.memory) <= memory) return undefined;
  return {
    field: "memory",
    reason: `${news.memory} is more than the host has: ${formatSize(memory)}. Fix: ask for less`,
  };
}

/** libvirt itself says "No PCI buses available" of a machine type that it does not know. */
async function machineProblem(
  connection: Connection,
  news: DomainInputs,
  olds: Partial<DomainInputs> | undefined,
): Promise<Problem | undefined> {
  if (news.machine === undefined || news.machine === olds?.machine) return undefined;
  const { cpu, guests } = parseCapabilities(await connection.connectGetCapabilities());
  const machines = guests.filter(({ arch }) => arch === cpu.arch).flatMap((guest) => guest.machines);
  const names = [...new Set(machines.flatMap(({ name, canonical }) => [name, canonical ?? name]))];
  if (names.length === 0 || names.includes(news.machine)) return undefined;
  return {
    field: "machine",
    reason: `${JSON.stringify(news.machine)} is not known there; did you mean "${closest(news.machine, names)}"? Allowed: what virsh capabilities lists`,
  };
}

async function firmwareProblem(
  connection: Connection,
  news: DomainInputs,
  olds: Partial<DomainInputs> | undefined,
): Promise<Problem | undefined> {
  if (news.firmware !== "uefi" || olds?.firmware === "uefi") return undefined;
  const type = news.accelerator === "kvm" ? "kvm" : "qemu";
  const xml = await connection.connectGetDomainCapabilities(null, null, news.machine ?? "q35", type);
  if (parseDomainCapabilities(xml).firmware.includes("efi")) return undefined;
  return {
    field: "firmware",
    reason: 'the host has no UEFI firmware. Fix: apt-get install ovmf there, or firmware: "bios"',
  };
}
