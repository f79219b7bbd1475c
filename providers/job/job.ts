import { milliseconds } from "../schema/duration";
import { parseSchedule } from "../schema/schedule";
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

/** Where everything of a job is on its machine. */
export interface JobPlaces {
  program: string;
  config: string;
  /** The folder of its own notes. */
  state: string;
  status: string;
  cron: string;
  /** The name of its systemd units. */
  unit: string;
  service: string;
  timer: string;
  /** Every file that it may have, whatever runs it. */
  possible: readonly string[];
}

/** @param family what all names of its kind begin with */
export function jobPlaces(family: string, name: string): JobPlaces {
  const unit = `${family}-${name}`;
  const state = `/var/lib/${family}/${name}`;
  const files = {
    program: `/usr/local/sbin/${unit}`,
    config: `/etc/${family}/${name}.conf`,
    cron: `/etc/cron.d/${unit}`,
    service: `/etc/systemd/system/${unit}.service`,
    timer: `/etc/systemd/system/${unit}.timer`,
  };
  return { ...files, unit, state, status: `${state}/status.json`, possible: Object.values(files) };
}

/** A job of any kind. */
export interface Job {
  places: JobPlaces;
  /** Its program. */
  script: string;
  config: string;
  description: string;
  /** Lines of its unit that say what has to be there before: "After=...\n". */
  needs: string;
  /** See schema/schedule.ts. */
  schedule: string;
  /** How much later it may start, by chance. */
  jitter: string;
  /** Whether a run that was missed while the machine was off is made up for. */
  catchUp: boolean;
  nice: number;
  ioClass: string;
}

/** The files of a job, the program first and what starts it last. */
export function filesOf(job: Job, scheduler: Scheduler): JobFile[] {
  const { places } = job;
  const files = [
    { path: places.program, content: job.script, mode: 0o755 },
    { path: places.config, content: job.config, mode: 0o600 },
  ];
  const calendar = onCalendar(parseSchedule(job.schedule)!);
  if (scheduler === "systemd") {
    files.push({ path: places.service, content: serviceUnit(job), mode: 0o644 });
    if (calendar) files.push({ path: places.timer, content: timerUnit(job, calendar), mode: 0o644 });
  }
  if (scheduler === "cron" && calendar) files.push({ path: places.cron, content: cronTable(job), mode: 0o644 });
  return files;
}

/** systemd.service(5). An exit code of 75 is another run that is under way. */
function serviceUnit({ places, description, needs, nice, ioClass }: Job): string {
  return `# Written by pulumi-kvm.
[Unit]
Description=${description}
${needs}
[Service]
Type=oneshot
ExecStart=${places.program} run
SuccessExitStatus=75
TimeoutStartSec=infinity
Nice=${nice}
IOSchedulingClass=${ioClass}
`;
}

/** systemd.timer(5). */
function timerUnit({ description, jitter, catchUp }: Job, calendar: string): string {
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
function cronTable({ places, schedule, jitter, catchUp }: Job): string {
  const parsed = parseSchedule(schedule)!;
  const wait = Math.round(milliseconds(jitter) / 1000);
  const run = `root ${places.program} run --jitter ${wait}`;
  const missed = `@reboot ${run} --missed ${interval(parsed) / 1000}\n`;
  return `# Written by pulumi-kvm.
SHELL=/bin/sh
MAILTO=""
${cronFields(parsed)} ${run}
${catchUp ? missed : ""}`;
}
