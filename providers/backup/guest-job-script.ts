import { assemble } from "./job-script";

/** The program, where this file is part of a bundle: scripts/build.js puts it there. */
declare const KVM_GUEST_BACKUP_JOB: string | undefined;

/** The program that backs up a guest's disks on its host: one file of POSIX shell, put together from guest-job/*.sh and both-jobs/*.sh. */
export const guestJobScript: string =
  typeof KVM_GUEST_BACKUP_JOB === "string" ? KVM_GUEST_BACKUP_JOB : assemble("guest-job");
