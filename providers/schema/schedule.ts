import * as v from "valibot";

/** When a job runs, by the machine's own clock. */
export type Schedule =
  | { every: "never" }
  | { every: "hour"; minute: number }
  | { every: "day"; hour: number; minute: number }
  | { every: "week"; weekday: Weekday; hour: number; minute: number }
  | { every: "month"; day: number; hour: number; minute: number };

const weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;
export type Weekday = (typeof weekdays)[number];

const pattern = new RegExp(
  "^(?:(?<never>never)|(?<hour>hourly)(?: :(?<past>[0-5]\\d))?|(?<day>daily)|" +
    `(?<week>weekly)(?: (?<weekday>${weekdays.join("|")}))?|(?<month>monthly)(?: (?<date>[1-9]|1\\d|2[0-8]))?)` +
    "(?: (?<time>(?:[01]\\d|2[0-3]):[0-5]\\d))?$",
);

/** The schedule that a text means; undefined when it is none. Without a time it is midnight, Monday, the 1st. */
export function parseSchedule(text: string): Schedule | undefined {
  const found = pattern.exec(text)?.groups;
  if (!found || (found["time"] && (found["never"] || found["hour"]))) return undefined;
  const [hour, minute] = (found["time"] ?? "00:00").split(":").map(Number) as [number, number];
  if (found["never"]) return { every: "never" };
  if (found["hour"]) return { every: "hour", minute: Number(found["past"] ?? 0) };
  if (found["day"]) return { every: "day", hour, minute };
  if (found["week"]) return { every: "week", weekday: (found["weekday"] ?? "Mon") as Weekday, hour, minute };
  return { every: "month", day: Number(found["date"] ?? 1), hour, minute };
}

/** The number of a weekday, Monday is 1. */
export function weekdayNumber(day: Weekday): number {
  return weekdays.indexOf(day) + 1;
}

const allowed =
  '"hourly", "daily", "weekly" or "monthly", with a time where wanted: "hourly :30", "daily 03:30", "weekly Sun 03:30", "monthly 15 03:30"; or "never"';

/** A schedule, as it is written. */
export const schedule = v.pipe(
  v.string((issue) => `${JSON.stringify(issue.input)} is not a schedule. Allowed: ${allowed}`),
  v.check(
    (text) => parseSchedule(text) !== undefined,
    (issue) => `${JSON.stringify(issue.input)} is not a schedule. Allowed: ${allowed}`,
  ),
);
