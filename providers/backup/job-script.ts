import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The program, where this file is part of a bundle: scripts/build.js puts it there. */
declare const KVM_BACKUP_JOB: string | undefined;

/**
 * The program that runs on a machine: one file of POSIX shell, put together from job/*.sh in the order of their names.
 * It needs no Node there.
 */
export const jobScript: string = typeof KVM_BACKUP_JOB === "string" ? KVM_BACKUP_JOB : assemble(join(__dirname, "job"));

/** The program from its parts in a folder. */
export function assemble(folder: string): string {
  const parts = readdirSync(folder).filter((name) => name.endsWith(".sh"));
  return parts
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("");
}
