import { weekdayNumber, type Schedule } from "../schema/schedule";
import { milliseconds } from "../schema/duration";

const two = (number: number) => String(number).padStart(2, "0");

/** The schedule as systemd.time(7) writes calendar events; undefined without one. */
export function onCalendar(schedule: Schedule): string | undefined {
  switch (schedule.every) {
    case "never":
      return undefined;
    case "hour":
      return `*-*-* *:${two(schedule.minute)}:00`;
    case "day":
      return `*-*-* ${two(schedule.hour)}:${two(schedule.minute)}:00`;
    case "week":
      return `${schedule.weekday} *-*-* ${two(schedule.hour)}:${two(schedule.minute)}:00`;
    case "month":
      return `*-*-${two(schedule.day)} ${two(schedule.hour)}:${two(schedule.minute)}:00`;
  }
}

/** The schedule as the first five fields of crontab(5). */
export function cronFields(schedule: Schedule): string | undefined {
  switch (schedule.every) {
    case "never":
      return undefined;
    case "hour":
      return `${schedule.minute} * * * *`;
    case "day":
      return `${schedule.minute} ${schedule.hour} * * *`;
    case "week":
      return `${schedule.minute} ${schedule.hour} * * ${weekdayNumber(schedule.weekday) % 7}`;
    case "month":
      return `${schedule.minute} ${schedule.hour} ${schedule.day} * *`;
  }
}

const days = { never: Infinity, hour: 1 / 24, day: 1, week: 7, month: 31 };

/** Milliseconds from one run to the next, at most. */
export function interval(schedule: Schedule): number {
  return days[schedule.every] * 86_400_000;
}

/**
 * Milliseconds after a success from which the next one is overdue: a run may come late by its jitter, and take a quarter of
 * the interval, half an hour at least.
 */
export function patience(schedule: Schedule, jitter: string): number {
  const between = interval(schedule);
  return between + Math.max(between / 4, 30 * 60_000) + milliseconds(jitter);
}

/**
 * The next time after `now` (milliseconds since the epoch) by a clock that is `offset` seconds ahead of UTC. A change of
 * the clock in between (daylight saving) moves it by as much.
 */
export function nextTime(schedule: Schedule, now: number, offset: number): number | undefined {
  if (schedule.every === "never") return undefined;
  const local = new Date(now + offset * 1000);
  const next = new Date(local);
  if (schedule.every === "hour") {
    next.setUTCMinutes(schedule.minute, 0, 0);
    if (next <= local) next.setUTCHours(next.getUTCHours() + 1);
    return next.getTime() - offset * 1000;
  }
  next.setUTCHours(schedule.hour, schedule.minute, 0, 0);
  if (schedule.every === "week")
    next.setUTCDate(next.getUTCDate() + ((weekdayNumber(schedule.weekday) - next.getUTCDay() + 7) % 7));
  if (schedule.every === "month") next.setUTCDate(schedule.day);
  if (next <= local) {
    if (schedule.every === "month") next.setUTCMonth(next.getUTCMonth() + 1);
    else next.setUTCDate(next.getUTCDate() + (schedule.every === "week" ? 7 : 1));
  }
  return next.getTime() - offset * 1000;
}
