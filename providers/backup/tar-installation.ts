import { jobPlaces, type Job } from "../job/job";
import type { TarBackupInputs } from "../schema/tar-backup";
import { jobConfig } from "./config";
import { jobScript } from "./job-script";

export const tarPlaces = (name: string) => jobPlaces("kvm-backup", name);

/** A TarBackup's job. */
export function tarJob(inputs: TarBackupInputs): Job {
  const { name, schedule, jitter, catchUp, nice, ioClass, target } = inputs;
  return {
    ...{ schedule, jitter, catchUp, nice, ioClass },
    places: tarPlaces(name),
    script: jobScript,
    config: jobConfig(inputs),
    description: `Backup ${name}`,
    needs: target.some(({ host, bucket }) => (host ?? bucket) !== undefined)
      ? "Wants=network-online.target\nAfter=network-online.target\n"
      : "",
  };
}
