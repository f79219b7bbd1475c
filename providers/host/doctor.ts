import { acceleration as findAcceleration } from "../libvirt/accelerator";
import { open as openLibvirt } from "../libvirt/open";
import { open as openMachine } from "../machine/open-machine";
import { accelerator } from "./checks/accelerator";
import { appArmor, seLinux } from "./checks/confinement";
import { connection, machine } from "./checks/connection";
import { emulator } from "./checks/emulator";
import { firewallRules } from "./checks/firewall-rules";
import { permissions, space } from "./checks/folders";
import { forwarding, routerAdvertisements } from "./checks/forwarding";
import { libvirtVersion } from "./checks/libvirt-version";
import { lxcDriver } from "./checks/lxc-driver";
import { programs } from "./checks/programs";
import { subnets } from "./checks/subnets";
import type { Finding } from "./finding";
import type { Check, Inspection, LibvirtSide, MachineSide } from "./inspection";
import { libvirtReport } from "./libvirt-report";
import { survey } from "./survey";
import { driverOf, type Target } from "./target";

/** Everything that is looked at, in the order of the report. */
export const checks: readonly Check[] = [
  ...[connection, machine, libvirtVersion, emulator, accelerator, lxcDriver, programs],
  ...[permissions, appArmor, seLinux, space],
  ...[subnets, forwarding, routerAdvertisements, firewallRules],
];

/** How one check went: what it found, or why it was left out. */
export interface Result {
  check: string;
  findings: Finding[];
  skipped?: string;
}

export interface Diagnosis {
  inspection: Inspection;
  results: Result[];
  errors: Finding[];
  warnings: Finding[];
}

/**
 * Looks at a host for what would fail later. It changes nothing, reports everything at once, and never throws for what
 * the host is like: libvirt and the machine are asked at the same time, once each, and no check needs another.
 */
export async function diagnose(target: Target, signal?: AbortSignal): Promise<Diagnosis> {
  const [libvirt, machine] = await Promise.all([
    settled(libvirtSide(target, signal), signal),
    target.machine && settled(machineSide(target, signal), signal),
  ]);
  return judge({ target, libvirt, machine, signal });
}

/** Runs the checks on what was seen. */
export async function judge(inspection: Inspection, among: readonly Check[] = checks): Promise<Diagnosis> {
  const results = await Promise.all(among.map((check) => run(check, inspection)));
  const findings = results.flatMap((result) => result.findings);
  return {
    inspection,
    results,
    errors: findings.filter(({ level }) => level === "error"),
    warnings: findings.filter(({ level }) => level === "warning"),
  };
}

async function run({ name, look }: Check, inspection: Inspection): Promise<Result> {
  try {
    const outcome = await look(inspection);
    return "skipped" in outcome ? { check: name, findings: [], ...outcome } : { check: name, findings: outcome };
  } catch (error) {
    inspection.signal?.throwIfAborted();
    return { check: name, findings: [], skipped: `could not look: ${(error as Error).message}` };
  }
}

async function libvirtSide({ connection: uri }: Target, signal?: AbortSignal): Promise<LibvirtSide> {
  const connection = (await openLibvirt(uri)).with({ signal });
  const [report, acceleration] = await Promise.all([
    libvirtReport(connection),
    driverOf(uri) === "qemu" ? findAcceleration(connection) : undefined,
  ]);
  return { connection, report, acceleration };
}

async function machineSide({ machine: spec, directories }: Target, signal?: AbortSignal): Promise<MachineSide> {
  const machine = openMachine(spec!);
  return { machine, survey: await survey(machine, directories, signal) };
}

/** The value or the error, except that being told to stop is no answer. */
async function settled<T>(asking: Promise<T>, signal?: AbortSignal): Promise<T | Error> {
  try {
    return await asking;
  } catch (error) {
    signal?.throwIfAborted();
    return error instanceof Error ? error : new Error(String(error));
  }
}
