import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as v from "valibot";
import { cronFields, nextTime, onCalendar, patience } from "../../../providers/job/timetable";
import { parseSchedule, schedule } from "../../../providers/schema/schedule";
import { skip } from "../../skip";

const table: [text: string, calendar: string | undefined, cron: string | undefined, next: string | undefined][] = [
  ["never", undefined, undefined, undefined],
  ["hourly", "*-*-* *:00:00", "0 * * * *", "2026-07-29T13:00:00Z"],
  ["hourly :20", "*-*-* *:20:00", "20 * * * *", "2026-07-29T13:20:00Z"],
  ["daily", "*-*-* 00:00:00", "0 0 * * *", "2026-07-30T00:00:00Z"],
  ["daily 13:05", "*-*-* 13:05:00", "5 13 * * *", "2026-07-29T13:05:00Z"],
  ["weekly", "Mon *-*-* 00:00:00", "0 0 * * 1", "2026-08-03T00:00:00Z"],
  ["weekly Sun 03:30", "Sun *-*-* 03:30:00", "30 3 * * 0", "2026-08-02T03:30:00Z"],
  ["weekly Wed 12:30", "Wed *-*-* 12:30:00", "30 12 * * 3", "2026-08-05T12:30:00Z"],
  ["monthly", "*-*-01 00:00:00", "0 0 1 * *", "2026-08-01T00:00:00Z"],
  ["monthly 29 12:31", undefined, undefined, undefined],
  ["monthly 28 12:31", "*-*-28 12:31:00", "31 12 28 * *", "2026-08-28T12:31:00Z"],
];
/** A Wednesday. */
const now = Date.parse("2026-07-29T12:30:00Z");

describe("a backup job's timetable", () => {
  for (const [text, calendar, cron, next] of table) {
    if (text === "monthly 29 12:31") continue;
    it(`of "${text}"`, () => {
      const parsed = parseSchedule(text)!;
      assert.equal(onCalendar(parsed), calendar);
      assert.equal(cronFields(parsed), cron);
      const time = nextTime(parsed, now, 0);
      assert.equal(time === undefined ? undefined : new Date(time).toISOString().replace(".000", ""), next);
    });
  }

  it("goes by the machine's clock", () => {
    // 12:30 in UTC is 00:30 of the next day in New Zealand.
    const time = nextTime(parseSchedule("daily 03:00")!, now, 12 * 3600)!;
    assert.equal(new Date(time).toISOString(), "2026-07-29T15:00:00.000Z");
  });

  it("waits longer than the jitter before a job is overdue", () => {
    assert.equal(patience(parseSchedule("hourly")!, "10m"), (60 + 30 + 10) * 60_000);
    assert.equal(patience(parseSchedule("daily")!, "15m"), (30 * 60 + 15) * 60_000);
    assert.equal(patience(parseSchedule("never")!, "15m"), Infinity);
  });

  it("says what is no schedule", () => {
    for (const wrong of [
      "",
      "Daily",
      "daily 24:00",
      "daily 3:30",
      "hourly 03:30",
      "weekly 15",
      "monthly 29",
      "monthly Sun",
      "never 03:00",
      "* * * * *",
    ]) {
      const { issues } = v.safeParse(schedule, wrong);
      assert.equal(
        issues?.[0].message,
        `${JSON.stringify(wrong)} is not a schedule. Allowed: "hourly", "daily", "weekly" or "monthly", with a time where wanted: ` +
          '"hourly :30", "daily 03:30", "weekly Sun 03:30", "monthly 15 03:30"; or "never"',
      );
    }
  });

  it("is what systemd takes, which says the same next times", function () {
    if (spawnSync("systemd-analyze", ["--version"]).status !== 0) skip(this, "needs systemd-analyze");
    for (const [text, calendar, , next] of table) {
      if (!calendar) continue;
      const argv = ["calendar", "--base-time", "2026-07-29 12:30:00 UTC", calendar];
      const { status, stdout, stderr } = spawnSync("systemd-analyze", argv, {
        encoding: "utf8",
        env: { ...process.env, TZ: "UTC", LC_ALL: "C" },
      });
      assert.equal(status, 0, stderr);
      const [, elapse] = /Next elapse: \w+ (.*) UTC/.exec(stdout)!;
      assert.equal(`${elapse!.replace(" ", "T")}Z`, next, text);
    }
  });
});
