import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The program, where this file is part of a bundle: scripts/build.js puts it there. */
declare const KVM_ACME_JOB: string | undefined;

/** The program that obtains and renews certificates on a machine: one file of POSIX shell. */
export const acmeJobScript: string =
  typeof KVM_ACME_JOB === "string" ? KVM_ACME_JOB : readFileSync(join(__dirname, "job.sh"), "utf8");
