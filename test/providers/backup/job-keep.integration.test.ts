import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { skip } from "../../skip";
import { expected } from "./expected-points";
import { JobLab } from "./job-lab";

const day = 86_400;
/** A Wednesday. */
const begin = Date.parse("2026-01-07T03:00:00Z") / 1000;

describe("a backup job: what is kept", function () {
  this.timeout(180_000);
  let lab: JobLab;
  before(function () {
    const missing = JobLab.missing();
    if (missing) skip(this, missing);
  });
  beforeEach(() => (lab = new JobLab()));
  afterEach(() => lab.remove());

  const stamp = (time: number) => new Date(time * 1000).toISOString().replace(/[-:]|\.000/g, "");

  /** The machine's clock. */
  function now(time: number): void {
    const script = `#!/bin/sh\ncase "$*" in *-d*) exec /bin/date "$@" ;; *) exec /bin/date -d @${time} "$@" ;; esac\n`;
    writeFileSync(join(lab.bin, "date"), script, { mode: 0o755 });
  }

  /** A point without content, as the program sees it. */
  function point(chain: number, time: number, level: number, base?: string): string {
    const run = `${stamp(time)}-${level}`;
    const folder = join(lab.repository, stamp(chain), run);
    mkdirSync(folder, { recursive: true });
    const fields = {
      run,
      time,
      offset: 0,
      chain: stamp(chain),
      level,
      kind: level ? "incremental" : "full",
      base: base ?? "-",
      size: 1,
    };
    const lines = Object.entries(fields).map(([name, value]) => `  "${name}": ${JSON.stringify(value)},\n`);
    writeFileSync(join(folder, `job-${run}.json`), `{\n${lines.join("")}  "sha256": "x"\n}\n`);
    return run;
  }
  const decided = (...words: string[]) =>
    lab
      .done("prune", "--dry-run", ...words)
      .stdout.trimEnd()
      .split("\n");

  it("keeps, over 500 days, every point of the rules with all that it is built on, and no more chains than needed", () => {
    const keep = { last: 3, days: 10, weeks: 5, months: 6, years: 2 };
    lab.settings = { keep };
    mkdirSync(lab.repository, { recursive: true });
    let chain = begin;
    let last: string | undefined;
    const history: number[] = [];
    let most = 0;
    for (let i = 0; i < 500; i++) {
      const time = begin + i * day;
      // A full run each Monday, and a week in which nothing ran.
      if (i >= 200 && i < 207) continue;
      if (i === 0 || new Date(time * 1000).getUTCDay() === 1) [chain, last] = [time, undefined];
      last = point(chain, time, (time - chain) / day, last);
      history.push(time);
      // Each deletion is one of a chain, and chains change weekly: that often is as good as daily.
      if (i % 5 !== 0 && i < 480) continue;
      now(time + 60);
      lab.done("prune");
      const there = lab.points();
      const runs = new Set(there.map(({ run }) => run));
      for (const { manifest } of there)
        assert.ok(manifest["base"] === "-" || runs.has(manifest["base"]), `day ${i}: a gap`);
      const times = new Set(there.map(({ manifest }) => manifest["time"] as number));
      for (const wanted of expected(history, keep)) assert.ok(times.has(wanted), `day ${i}: ${stamp(wanted)} is gone`);
      most = Math.max(most, new Set(there.map((one) => one.chain)).size);
    }
    // 10 days touch 3 weeks, of which 2 are among the 5; each month and year needs a chain of its own at most.
    assert.ok(most <= 3 + 5 + 6 + 2, `${most} chains`);
    assert.ok(lab.points().length < 120);
  });

  it("says what goes and why, and a dry run changes nothing", () => {
    lab.settings = { keep: { days: 2, months: 2 } };
    mkdirSync(lab.repository, { recursive: true });
    point(begin - 40 * day, begin - 40 * day, 0);
    point(begin - 30 * day, begin - 30 * day, 0);
    const base = point(begin - 3 * day, begin - 3 * day, 0);
    point(begin - 3 * day, begin - 2 * day, 1, base);
    point(begin, begin, 0);
    const [december28, december8, january4, january7] = [-40, -30, -3, 0].map((days) => stamp(begin + days * day));
    assert.deepEqual(decided(), [
      `delete ${december28}: none of its 1 points is kept`,
      `keep   ${december8}: ${december8}-0 is of month 2 of 2`,
      `keep   ${january4}: ${stamp(begin - 2 * day)}-1 is of day 2 of 2`,
      `keep   ${january7}: ${january7}-0 is of day 1 of 2`,
    ]);
    assert.equal(lab.points().length, 5);
    assert.match(lab.done("prune").stdout, /^delete /);
    assert.equal(lab.points().length, 4);
    // Nothing becomes too old by time alone: the rules count days that have a point.
    assert.ok(decided("--now", "2030-01-01").every((line) => line.startsWith("keep")));
  });

  it("never deletes the newest chain, the newest that was verified, and what is immutable", () => {
    lab.settings = { keep: { last: 1 }, immutable: 5 };
    mkdirSync(lab.repository, { recursive: true });
    for (const days of [40, 30, 20, 4, 0]) point(begin - days * day, begin - days * day, 0);
    const name = (days: number) => stamp(begin - days * day);
    writeFileSync(join(lab.repository, name(30), "verified"), `${begin}\n`);
    now(begin + 60);
    assert.deepEqual(decided(), [
      `delete ${name(40)}: none of its 1 points is kept`,
      `keep   ${name(30)}: it is the newest that was verified`,
      `delete ${name(20)}: none of its 1 points is kept`,
      `keep   ${name(4)}: it is immutable for 5 days`,
      `keep   ${name(0)}: ${name(0)}-0 is number 1 of the last 1`,
    ]);
  });

  it("counts no damaged points, and keeps what would be kept if they were whole", () => {
    lab.settings = { keep: { last: 1 } };
    mkdirSync(lab.repository, { recursive: true });
    for (const days of [2, 1, 0]) point(begin - days * day, begin - days * day, 0);
    const newest = join(lab.repository, stamp(begin), `${stamp(begin)}-0`);
    rmSync(join(newest, `job-${stamp(begin)}-0.json`));
    assert.deepEqual(
      decided().map((line) => line.slice(0, 6)),
      ["delete", "keep  ", "keep  "],
    );
  });

  it("prunes with each run, says so, and leaves no chain half deleted", () => {
    lab.settings = { keep: { last: 1 }, full: 1 };
    writeFileSync(join(lab.source, "file"), "content");
    lab.done("run");
    const [first] = lab.points();
    assert.match(lab.done("run").said, new RegExp(`^deleted ${first!.chain}: none of its 1 points is kept$`, "m"));
    assert.equal(lab.points().length, 1);
    // One that was being deleted when the power went.
    mkdirSync(join(lab.repository, ".deleted-20260101T000000Z", "x"), { recursive: true });
    lab.done("run");
    assert.deepEqual(
      readdirSync(lab.repository).filter((name) => name.startsWith(".")),
      [],
    );
  });

  it("leaves a chain that is being read, and protects files while they are immutable", async function () {
    lab.settings = { keep: { last: 1 }, full: 1 };
    writeFileSync(join(lab.source, "file"), "content");
    lab.done("run");
    const [first] = lab.points();
    const reader = spawn("flock", ["-s", join(lab.repository, first!.chain), "sleep", "20"]);
    try {
      await sleep(300);
      assert.match(lab.done("run").said, /warning: \d{8}T\d{6}Z could not be deleted: it is in use, or protected/);
      assert.ok(existsSync(first!.folder));
    } finally {
      execFileSync("sh", ["-c", 'kill $(cat "/proc/$1/task/$1/children") "$1"', "sh", String(reader.pid)]);
    }
    lab.settings = { keep: { last: 1 }, full: 1, immutable: 3 };
    const { said } = lab.done("run");
    if (/cannot keep files from being changed/.test(said)) skip(this, "needs a file system with the attribute i");
    const [protectedPoint] = lab.points().slice(-1);
    const part = join(
      protectedPoint!.folder,
      readdirSync(protectedPoint!.folder).find((name) => /tar/.test(name))!,
    );
    assert.throws(() => writeFileSync(part, ""), { code: "EPERM" });
    assert.throws(() => unlinkSync(part), { code: "EPERM" });
    lab.settings = { keep: { last: 1 }, full: 1 };
    const last = lab.done("run").said;
    assert.ok(!existsSync(protectedPoint!.folder), `when its time is over it goes like any other: ${last}`);
  });

  it("deletion by age, as in many scripts, loses a chain that is in use; here it stays", () => {
    const folder = mkdtempSync(join(lab.folder, "by-age-"));
    const old = (path: string, days: number) =>
      utimesSync(path, Date.now() / 1000 - days * day, Date.now() / 1000 - days * day);
    lab.settings = { keep: { days: 3 }, full: 100 };
    for (const [level, days] of [20, 10, 1].entries()) {
      writeFileSync(join(lab.source, `of-level-${level}`), "content");
      const line = 'tar pczf - --listed-incremental "$1/notes" -C "$2" source | split -b 20m - "$1/job-$3.tar.gz."';
      execFileSync("sh", ["-c", line, "sh", folder, lab.folder, String(level)]);
      now(Math.floor(Date.now() / 1000) - days * day);
      lab.done("run");
      old(join(folder, `job-${level}.tar.gz.aa`), days);
    }
    // 14 days.
    execFileSync("find", [folder, "-name", "job-*", "-mmin", "+20160", "-delete"]);
    const out = join(folder, "out");
    mkdirSync(out);
    const parts = readdirSync(folder).filter((name) => name.startsWith("job-"));
    assert.deepEqual(parts, ["job-1.tar.gz.aa", "job-2.tar.gz.aa"]);
    for (const part of parts) {
      const line = 'cat "$1" | tar xz --listed-incremental=/dev/null -C "$2"';
      spawnSync("sh", ["-c", line, "sh", join(folder, part), out]);
    }
    assert.ok(!existsSync(join(out, "source", "of-level-0")), "the file is lost, and no command said so");
    lab.done("prune");
    const restored = lab.restored(lab.points().at(-1)!.run);
    assert.equal(readFileSync(join(restored, "of-level-0"), "utf8"), "content");
    assert.equal(lab.points().length, 3);
  });
});
