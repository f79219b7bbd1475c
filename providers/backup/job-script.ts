import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The program, where this file is part of a bundle: scripts/build.js puts it there. */
declare const KVM_BACKUP_JOB: string | undefined;

/**
 * The program that runs on a machine: one file of POSIX shell, put together from job/*.sh and both-jobs/*.sh in the order of
 * their names. It needs no Node there.
 */
export const jobScript: string = typeof KVM_BACKUP_JOB === "string" ? KVM_BACKUP_JOB : assemble("job");

/** The program from its parts: those in its own folder, and those of both. */
export function assemble(name: string): string {
  const folders = [name, "both-jobs"].map((folder) => join(__dirname, folder));
  const parts = folders.flatMap((folder) => readdirSync(folder).map((part) => ({ folder, part })));
  return parts
    .sort((one, other) => (one.part < other.part ? -1 : 1))
    .map(({ folder, part }) => readFileSync(join(folder, part), "utf8"))
    .join("");
}
