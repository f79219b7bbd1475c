import type { Machine } from "../machine/machine";
import type { JobPlaces, Scheduler } from "./job";

/** What is on a machine of a job. */
export interface JobLook {
  scheduler: Scheduler;
  /** Of each file that is there, by path, in hex. */
  digests: { [path: string]: string };
  /** When its configuration was written, milliseconds since the epoch; 0 where there is none. */
  installed: number;
  /** What the job says of itself; undefined before its first run. */
  status?: JobStatus;
  /** Whether systemd waits for the next run; undefined where it is not systemd's to do. */
  timer?: { active: boolean; enabled: boolean; /** Milliseconds since the epoch. */ next?: number };
  /** The machine's clock, milliseconds since the epoch, and its seconds before UTC. */
  now: number;
  offset: number;
}

/** A job's status file; times are seconds since the epoch, sizes bytes. */
export interface JobStatus {
  run?: { time: number; result: "ok" | "failed"; message: string };
  success?: {
    time: number;
    run: string;
    chain: string;
    level: number;
    points: number;
    size: number;
    bytes: number;
    entries: number;
    seconds: number;
    warnings: number;
    /** Of a guest's disks: whether its file systems were frozen. */
    frozen?: boolean;
    /** Of a guest's disks: why the run was a full one. */
    note?: string;
  };
  drill?: { time: number; result: "ok" | "failed"; run: string; message: string; verified: number };
}

/**
 * Prints what runs jobs here, clock, digests of the files that are named after "$3", timer and status, a line each that
 * begins with a word. "$1" is the unit's name, "$2" the status file, "$3" the configuration.
 */
export const LOOK = `
unit=$1 status=$2 config=$3
shift 3
if [ -d /run/systemd/system ]; then echo scheduler systemd
elif [ -d /etc/cron.d ] && { command -v cron || command -v crond; } >/dev/null; then echo scheduler cron
else echo scheduler none
fi
echo "now $(date '+%s %z')"
for file do [ ! -f "$file" ] || printf 'digest %s %s\\n' "$(sha256sum <"$file" | cut -d ' ' -f 1)" "$file"; done
if [ -d /run/systemd/system ] && [ -f "/etc/systemd/system/$unit.timer" ]; then
  set -- show --property ActiveState,UnitFileState,NextElapseUSecRealtime "$unit.timer"
  # Before systemd 251 times are in words.
  { systemctl "$@" --timestamp=unix 2>/dev/null || LC_ALL=C systemctl "$@"; } | sed 's/^/timer /'
fi
[ ! -f "$config" ] || stat -c 'installed %Y' "$config"
[ ! -f "$status" ] || sed 's/^/status /' "$status"`;

/** Looks at a job on its machine. */
export async function lookAt(machine: Machine, places: JobPlaces, signal?: AbortSignal): Promise<JobLook> {
  const args = [places.unit, places.status, places.config, ...places.possible];
  const { stdout } = await machine.run(["sh", "-c", LOOK, "sh", ...args], { signal, timeout: 60_000 });
  const of = (word: string) =>
    stdout
      .split("\n")
      .filter((line) => line.startsWith(`${word} `))
      .map((line) => line.slice(word.length + 1));
  const [seconds, zone] = (of("now")[0] ?? "0 +0000").split(" ") as [string, string];
  const [, sign, hours, minutes] = /^([+-])(\d\d)(\d\d)$/.exec(zone) ?? ["", "+", "0", "0"];
  return {
    scheduler: (of("scheduler")[0] ?? "none") as Scheduler,
    digests: Object.fromEntries(of("digest").map((line) => [line.slice(65), line.slice(0, 64)])),
    installed: Number(of("installed")[0] ?? 0) * 1000,
    status: parseStatus(of("status").join("\n")),
    timer: parseTimer(of("timer")),
    now: Number(seconds) * 1000,
    offset: (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60),
  };
}

function parseStatus(text: string): JobStatus | undefined {
  try {
    return text === "" ? undefined : (JSON.parse(text) as JobStatus);
  } catch {
    return undefined;
  }
}

function parseTimer(lines: string[]): JobLook["timer"] {
  if (lines.length === 0) return undefined;
  const is = Object.fromEntries(lines.map((line) => line.split(/=(.*)/).slice(0, 2) as [string, string]));
  return {
    active: is["ActiveState"] === "active",
    enabled: is["UnitFileState"] === "enabled",
    next: nextElapse(is["NextElapseUSecRealtime"] ?? ""),
  };
}

/** As systemd 247 and later print it ("@1785207600"), or in words before that ("Tue 2026-07-28 03:00:00 UTC"). */
function nextElapse(text: string): number | undefined {
  const unix = /^@(\d+)/.exec(text);
  if (unix) return Number(unix[1]) * 1000;
  const parsed = Date.parse(text.replace(/^[A-Z][a-z]{2} /, ""));
  return Number.isNaN(parsed) ? undefined : parsed;
}
