import { milliseconds } from "../schema/duration";
import { parseSchedule } from "../schema/backup-schedule";
import type { TarBackupInputs } from "../schema/tar-backup";
import { jobConfig } from "./config";
import { jobScript } from "./job-script";
import { cronFields, interval, onCalendar } from "./timetable";

/** What runs jobs on a machine. */
export type Scheduler = "systemd" | "cron" | "none";

/** A file of a job on its machine. */
export interface JobFile {
  path: string;
  content: string;
  /** Permission bits. */
  mode: number;
}

export const programPath = (name: string) => `/usr/local/sbin/kvm-backup-${name}`;
export const configPath = (name: string) => `/etc/kvm-backup/${name}.conf`;
export const statePath = (name: string) => `/var/lib/kvm-backup/${name}`;
export const unitName = (name: string) => `kvm-backup-${name}`;
const cronPath = (name: string) => `/etc/cron.d/kvm-backup-${name}`;
const unitPath = (name: string, kind: "service" | "timer") => `/etc/systemd/system/${unitName(name)}.${kind}`;

/** Every file that a job may have, whatever runs it. */
export function possiblePaths(name: string): string[] {
  return [programPath(name), configPath(name), cronPath(name), unitPath(name, "service"), unitPath(name, "timer")];
}

/** The files of a job, the program first and what starts it last. */
export function jobFiles(job: TarBackupInputs, scheduler: Scheduler): JobFile[] {
  const files = [
    { path: programPath(job.name), content: jobScript, mode: 0o755 },
    { path: configPath(job.name), content: jobConfig(job), mode: 0o600 },
  ];
  const calendar = onCalendar(parseSchedule(job.schedule)!);
  if (scheduler === "systemd") {
    files.push({ path: unitPath(job.name, "service"), content: serviceUnit(job), mode: 0o644 });
    if (calendar)
      files.push({
        path: unitPath(job.name, "timer"),
        content: timerUnit({ ...job, description: `Backup ${job.name}` }, calendar),
        mode: 0o644,
      });
  }
  if (scheduler === "cron" && calendar)
    files.push({
      path: cronPath(job.name),
      content: cronTable({ ...job, program: programPath(job.name) }),
      mode: 0o644,
    });
  return files;
}

/** systemd.service(5). An exit code of 75 is another run that is under way. */
function serviceUnit({ name, nice, ioClass, target }: TarBackupInputs): string {
  const network = target.some(({ host, bucket }) => (host ?? bucket) !== undefined)
    ? "Wants=network-online.target\nAfter=network-online.target\n"
    : "";
  return `# Written by pulumi-kvm.
[Unit]
Description=Backup ${name}
${network}
[Service]
Type=oneshot
ExecStart=${programPath(name)} run
SuccessExitStatus=75
TimeoutStartSec=infinity
Nice=${nice}
IOSchedulingClass=${ioClass}
`;
}

/** When a job runs. */
type Timing = Pick<TarBackupInputs, "schedule" | "jitter" | "catchUp">;

/** systemd.timer(5). */
export function timerUnit(
  { description, jitter, catchUp }: Timing & { description: string },
  calendar: string,
): string {
  return `# Written by pulumi-kvm.
[Unit]
Description=${description}, when it is due

[Timer]
OnCalendar=${calendar}
RandomizedDelaySec=${Math.round(milliseconds(jitter) / 1000)}
AccuracySec=1min
Persistent=${catchUp}

[Install]
WantedBy=timers.target
`;
}

/** crontab(5). After a boot a run that was missed is made up for. */
export function cronTable({ program, schedule, jitter, catchUp }: Timing & { program: string }): string {
  const parsed = parseSchedule(schedule)!;
  const wait = Math.round(milliseconds(jitter) / 1000);
  const run = `root ${program} run --jitter ${wait}`;
  const missed = `@reboot ${run} --missed ${interval(parsed) / 1000}\n`;
  return `# Written by pulumi-kvm.
SHELL=/bin/sh
MAILTO=""
${cronFields(parsed)} ${run}
${catchUp ? missed : ""}`;
}
