import { parseSchedule } from "../schema/backup-schedule";
import type { GuestBackupInputs } from "../schema/guest-backup";
import { guestJobScript } from "./guest-job-script";
import { cronTable, timerUnit, type JobFile, type Scheduler } from "./installation";
import type { JobPlaces } from "./job-look";
import { onCalendar } from "./timetable";

export const guestProgramPath = (name: string) => `/usr/local/sbin/kvm-guest-backup-${name}`;
export const guestStatePath = (name: string) => `/var/lib/kvm-guest-backup/${name}`;
const configPath = (name: string) => `/etc/kvm-guest-backup/${name}.conf`;
const cronPath = (name: string) => `/etc/cron.d/kvm-guest-backup-${name}`;
const unitPath = (name: string, kind: "service" | "timer") => `/etc/systemd/system/kvm-guest-backup-${name}.${kind}`;

/** Where everything of a guest's backup is on its host. */
export function guestPlaces(name: string): JobPlaces {
  const config = configPath(name);
  return {
    unit: `kvm-guest-backup-${name}`,
    status: `${guestStatePath(name)}/status.json`,
    config,
    possible: [guestProgramPath(name), config, cronPath(name), unitPath(name, "service"), unitPath(name, "timer")],
  };
}

/** The files of a job, the program first and what starts it last. */
export function guestJobFiles(job: GuestBackupInputs, scheduler: Scheduler): JobFile[] {
  const { name, guest } = job;
  const files = [
    { path: guestProgramPath(name), content: guestJobScript, mode: 0o755 },
    { path: configPath(name), content: guestJobConfig(job), mode: 0o600 },
  ];
  const calendar = onCalendar(parseSchedule(job.schedule)!);
  const description = `Backup ${name} of guest ${guest}'s disks`;
  if (scheduler === "systemd") {
    files.push({ path: unitPath(name, "service"), content: serviceUnit(name, description), mode: 0o644 });
    if (calendar)
      files.push({ path: unitPath(name, "timer"), content: timerUnit({ ...job, description }, calendar), mode: 0o644 });
  }
  if (scheduler === "cron" && calendar)
    files.push({ path: cronPath(name), content: cronTable({ ...job, program: guestProgramPath(name) }), mode: 0o644 });
  return files;
}

/** The configuration: a setting a line, as guest-job/00-base.sh reads it. */
function guestJobConfig({ name, guest, connection, target, full, keep }: GuestBackupInputs): string {
  const lines: [string, string | number | undefined][] = [
    ["name", name],
    ["guest", guest],
    ["connection", onHost(connection)],
    ["target", target],
    ["full", full],
    ["keep_last", keep?.last],
    ["keep_days", keep?.days],
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

/** systemd.service(5). An exit code of 75 is another run that is under way. */
function serviceUnit(name: string, description: string): string {
  return `# Written by pulumi-kvm.
[Unit]
Description=${description}
After=libvirtd.service

[Service]
Type=oneshot
ExecStart=${guestProgramPath(name)} run
SuccessExitStatus=75
TimeoutStartSec=infinity
Nice=10
IOSchedulingClass=best-effort
`;
}
