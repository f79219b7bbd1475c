import type { Acceleration } from "../libvirt/accelerator";
import type { Connection } from "../libvirt/connection";
import type { Machine } from "../machine/machine";
import type { Finding } from "./finding";
import type { LibvirtReport } from "./libvirt-report";
import type { Survey } from "./survey";
import type { Target } from "./target";

/** A side of the host that could be asked, with its answers. */
export interface LibvirtSide {
  connection: Connection;
  report: LibvirtReport;
  /** How guests run; undefined where there is no choice (containers). */
  acceleration?: Acceleration;
}

export interface MachineSide {
  machine: Machine;
  survey: Survey;
}

/** What the checks look at. A side that could not be asked holds the error. */
export interface Inspection {
  target: Target;
  libvirt: LibvirtSide | Error;
  /** Undefined where the target names no machine. */
  machine: MachineSide | Error | undefined;
  signal?: AbortSignal;
}

/** Why a check was left out: the host could not be asked, or nothing asks for it. */
export interface Skipped {
  skipped: string;
}

/** One thing that is looked at. It changes nothing, needs no other check, and never throws for what the host is like. */
export interface Check {
  /** A few words: "IP forwarding". */
  name: string;
  look(inspection: Inspection): Finding[] | Skipped | Promise<Finding[] | Skipped>;
}

/** A check that needs libvirt's answers. */
export function ofLibvirt(
  name: string,
  look: (libvirt: LibvirtSide, inspection: Inspection) => ReturnType<Check["look"]>,
): Check {
  return {
    name,
    look: (inspection) =>
      inspection.libvirt instanceof Error
        ? { skipped: "libvirt did not answer" }
        : look(inspection.libvirt, inspection),
  };
}

/** A check that needs the machine's answers, and takes libvirt's where there are some. */
export function ofMachine(
  name: string,
  look: (machine: MachineSide, libvirt: LibvirtSide | undefined, inspection: Inspection) => ReturnType<Check["look"]>,
): Check {
  return {
    name,
    look: (inspection) => {
      const { machine, libvirt } = inspection;
      if (machine === undefined) return { skipped: "no machine is declared" };
      if (machine instanceof Error) return { skipped: "the machine did not answer" };
      return look(machine, libvirt instanceof Error ? undefined : libvirt, inspection);
    },
  };
}

/** A check that needs the answers of both. */
export function ofBoth(
  name: string,
  look: (machine: MachineSide, libvirt: LibvirtSide, inspection: Inspection) => ReturnType<Check["look"]>,
): Check {
  return ofMachine(name, (machine, libvirt, inspection) =>
    libvirt ? look(machine, libvirt, inspection) : { skipped: "libvirt did not answer" },
  );
}
