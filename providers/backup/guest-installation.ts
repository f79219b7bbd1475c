import type { GuestBackupInputs } from "../schema/guest-backup";
import { guestJobScript } from "./guest-job-script";
import { escaped, seconds } from "./config";
import { jobPlaces, type Job } from "../job/job";

export const guestPlaces = (name: string) => jobPlaces("kvm-guest-backup", name);

/** A GuestBackup's job. */
export function guestJob(inputs: GuestBackupInputs): Job {
  const { name, guest, schedule, jitter, catchUp } = inputs;
  return {
    ...{ schedule, jitter, catchUp },
    places: guestPlaces(name),
    script: guestJobScript,
    config: guestJobConfig(inputs),
    description: `Backup ${name} of guest ${guest}'s disks`,
    needs: "After=libvirtd.service\n",
    nice: 10,
    ioClass: "best-effort",
  };
}

/** The configuration: a setting a line, as guest-job/00-base.sh reads it. */
function guestJobConfig({ name, guest, connection, target, ...inputs }: GuestBackupInputs): string {
  const { full, freeze, keep = {}, immutable, drill, check = [], scratch, metrics } = inputs;
  const lines: [string, string | number | undefined][] = [
    ["name", name],
    ["guest", guest],
    ["connection", onHost(connection)],
    ["target", target],
    ["full", full],
    ["freeze", freeze],
    ...Object.entries(keep).map(([what, many]): [string, string] => ["keep", `${what} ${many}`]),
    ["immutable", immutable || undefined],
    ["drill", drill === undefined || drill === "never" ? undefined : seconds(drill)],
    ...check.map((word): [string, string] => ["check", escaped(word)]),
    ["scratch", scratch],
    ["metrics", metrics],
  ];
  return lines
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key} ${value}\n`)
    .join("");
}

/** The same libvirtd as its own host reaches it: "qemu:///system" of "qemu+ssh://root@kvm1/system". */
export function onHost(connection: string): string {
  const { protocol, pathname, searchParams } = new URL(connection);
  const socket = searchParams.get("socket");
  return `${protocol.replace(/\+.*/, "").replace(/:$/, "")}://${pathname}${socket === null ? "" : `?socket=${socket}`}`;
}
