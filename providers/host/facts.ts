import { firewallBackend, type FirewallBackend } from "./firewall";
import type { Inspection } from "./inspection";
import { driverOf } from "./target";
import { formatVersion } from "./versions";

/** What is so on a host. Facts change by themselves and are never drift. */
export interface HostFacts {
  hostname: string;
  /** "9.0.0" */
  libvirtVersion: string;
  /** "7.2.22"; only of QEMU hosts, as are the accelerator and its reason. */
  qemuVersion?: string;
  /** "x86_64" */
  architecture: string;
  /** Processors that are on-line, threads counted. */
  cpus: number;
  /** Bytes. */
  memory: number;
  accelerator?: "kvm" | "tcg";
  /** Why that accelerator, in words. */
  acceleratorReason?: string;
  /** What libvirt writes its firewall rules with; undefined where it cannot be known. */
  firewall?: FirewallBackend;
}

/** The facts that an inspection saw, or why libvirt could not tell. */
export function hostFacts({ target, libvirt, machine }: Inspection): HostFacts | Error {
  if (libvirt instanceof Error) return libvirt;
  const { report, acceleration } = libvirt;
  const firewall =
    machine === undefined || machine instanceof Error ? undefined : firewallBackend(machine.survey, report);
  return {
    hostname: report.hostname,
    libvirtVersion: formatVersion(report.libvirtVersion),
    architecture: report.architecture,
    cpus: report.cpus,
    memory: report.memory,
    ...(driverOf(target.connection) === "qemu" && { qemuVersion: formatVersion(report.hypervisorVersion) }),
    ...(acceleration && { accelerator: acceleration.accelerator, acceleratorReason: acceleration.reason }),
    ...(firewall && { firewall }),
  };
}
