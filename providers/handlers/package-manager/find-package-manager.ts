import { OperatorError } from "../../dynamic/errors";
import type { Machine } from "../../machine/machine";
import { Apt } from "./apt";
import { Dnf } from "./dnf";
import type { PackageManager } from "./package-manager";

/** Fedora may have apt-get installed, and Debian dnf: the one with a package database of its own counts. */
const FIND = `
if [ -s /var/lib/dpkg/status ] && command -v apt-get >/dev/null; then echo apt
elif command -v dnf >/dev/null; then echo dnf
elif command -v yum >/dev/null; then echo yum
fi`;

/** The package manager of the machine. */
export async function findPackageManager(machine: Machine, signal?: AbortSignal): Promise<PackageManager> {
  const program = (await machine.run(["sh", "-c", FIND], { signal })).stdout.trim();
  if (program === "apt") return new Apt(machine);
  if (program !== "") return new Dnf(machine, program);
  throw new OperatorError("the machine has no package manager that is known: neither apt-get nor dnf nor yum", {
    fix: "install by a Command",
  });
}
