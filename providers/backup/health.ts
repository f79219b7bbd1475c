import { parseSchedule } from "../schema/schedule";
import type { TarBackupInputs } from "../schema/tar-backup";
import type { JobLook } from "../job/look";
import { nextTime, patience } from "../job/timetable";

/** What a job's last runs came to, as a program and an operator read it. Times are ISO 8601 in UTC. */
export interface JobReport {
  /** "ok", "no run yet", or what is wrong: "failed: ...", "overdue: ...". */
  health: string;
  lastRun?: string;
  lastSuccess?: string;
  /** Bytes that the last success wrote. */
  size?: number;
  /** Seconds that it took. */
  duration?: number;
  /** The chain that it belongs to. */
  chain?: string;
  nextRun?: string;
  /** When a point was last restored in a drill and found to be as it was. */
  lastVerifiedRestore?: string;
}

type Expectations = Pick<TarBackupInputs, "schedule" | "jitter">;

const iso = (milliseconds: number | undefined) =>
  milliseconds === undefined || milliseconds === 0
    ? undefined
    : new Date(milliseconds).toISOString().replace(".000", "");

/** What is to be said of a job. */
export function report(job: Expectations, look: JobLook): JobReport {
  const { run, success, drill } = look.status ?? {};
  const schedule = parseSchedule(job.schedule)!;
  const next = look.timer ? look.timer.next : nextTime(schedule, look.now, look.offset);
  return {
    health: health(job, look),
    lastRun: iso(run && run.time * 1000),
    lastSuccess: iso(success && success.time * 1000),
    size: success?.size,
    duration: success?.seconds,
    chain: success?.chain,
    nextRun: iso(next),
    lastVerifiedRestore: iso(drill && drill.verified * 1000),
  };
}

function health(job: Expectations, look: JobLook): string {
  const { run, success, drill } = look.status ?? {};
  if (run?.result === "failed") return `failed: ${run.message} (${iso(run.time * 1000)})`;
  if (drill?.result === "failed") return `failed: the drill: ${drill.message} (${iso(drill.time * 1000)})`;
  const last = success ? success.time * 1000 : look.installed;
  const limit = patience(parseSchedule(job.schedule)!, job.jitter);
  if (look.now - last > limit)
    return `overdue: ${success ? `the last success was at ${iso(last)}` : `installed at ${iso(last)}, and no run yet`}`;
  return success ? "ok" : "no run yet";
}

/** What a preview warns of; undefined where there is nothing. */
export function warning({ health, lastSuccess }: JobReport): string | undefined {
  if (health === "ok" || health === "no run yet") return undefined;
  const since = health.startsWith("failed")
    ? `; the last success was ${lastSuccess ? `at ${lastSuccess}` : "never"}`
    : "";
  return `${health}${since}`;
}
