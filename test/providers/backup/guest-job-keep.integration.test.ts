import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { guestJobScript } from "../../../providers/backup/guest-job-script";
import { expected } from "./expected-points";

const day = 86_400;
/** A Wednesday. */
const begin = Date.parse("2026-01-07T03:00:00Z") / 1000;
const stamp = (time: number) => new Date(time * 1000).toISOString().replace(/[-:]|\.000/g, "");

describe("the program that backs up a guest's disks: what is kept", function () {
  this.timeout(120_000);
  let folder: string;
  let repository: string;
  beforeEach(() => {
    folder = mkdtempSync("/var/tmp/kvm-guest-keep-");
    repository = join(folder, "target/job");
    for (const each of ["bin", "target/job"]) mkdirSync(join(folder, each), { recursive: true });
    writeFileSync(join(folder, "kvm-guest-backup-job"), guestJobScript, { mode: 0o755 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function configure(...lines: string[]): void {
    const all = [
      "name job",
      "guest web",
      `target ${join(folder, "target")}`,
      `state ${join(folder, "state")}`,
      ...lines,
    ];
    writeFileSync(join(folder, "job.conf"), `${all.join("\n")}\n`);
  }

  /** The host's clock, where it is asked for the time. */
  function now(time: number): void {
    const script = `#!/bin/sh\n[ "$*" != +%s ] || { echo ${time}; exit; }\nexec /bin/date "$@"\n`;
    writeFileSync(join(folder, "bin/date"), script, { mode: 0o755 });
  }

  function prune(...words: string[]): string[] {
    const argv = ["--config", join(folder, "job.conf"), "prune", ...words];
    const env = { ...process.env, TZ: "UTC", PATH: `${join(folder, "bin")}:${process.env["PATH"]}` };
    const { status, stdout, stderr } = spawnSync(join(folder, "kvm-guest-backup-job"), argv, { encoding: "utf8", env });
    assert.equal(status, 0, stderr);
    return stdout.trimEnd().split("\n");
  }

  /** A point with an image of one byte, as the program writes it. */
  function point(chain: number, time: number, level: number, size = 1): string {
    const at = join(repository, stamp(chain));
    const run = stamp(time);
    mkdirSync(at, { recursive: true });
    const image = `${run}-${level}-vda.qcow2`;
    writeFileSync(join(at, image), "x");
    writeFileSync(
      join(at, `${run}.json`),
      `{\n  "run": "${run}",\n  "time": ${time},\n  "chain": "${stamp(chain)}",\n  "level": ${level},\n  "disks": [\n` +
        `    { "disk": "vda", "size": ${size}, "sha256": "0", "file": "${image}", "restore": "", "of": "" }\n  ]\n}\n`,
    );
    return join(at, run);
  }

  const points = () =>
    readdirSync(repository, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".json"))
      .map((path) => JSON.parse(readFileSync(join(repository, path), "utf8")) as { [field: string]: any });

  it("keeps, over 500 days, every point of the rules with all that it is built on, and no more chains than needed", () => {
    const keep = { last: 3, days: 10, weeks: 5, months: 6, years: 2 };
    configure(...Object.entries(keep).map(([what, many]) => `keep ${what} ${many}`));
    let [chain, level] = [begin, 0];
    const history: number[] = [];
    let most = 0;
    for (let i = 0; i < 500; i++) {
      const time = begin + i * day;
      // A full image each Monday, and a week in which nothing ran.
      if (i >= 200 && i < 207) continue;
      if (new Date(time * 1000).getUTCDay() === 1) [chain, level] = [time, 0];
      point(chain, time, level++);
      history.push(time);
      if (i % 10 !== 0 && i < 490) continue;
      now(time + 60);
      prune();
      const there = points();
      const levels = new Map<string, number[]>();
      for (const each of there) levels.set(each["chain"], [...(levels.get(each["chain"]) ?? []), each["level"]]);
      for (const [of, all] of levels)
        assert.deepEqual(
          all.sort((a, b) => a - b),
          [...all.keys()],
          `day ${i}: a gap in ${of}`,
        );
      const times = new Set(there.map((each) => each["time"] as number));
      for (const wanted of expected(history, keep)) assert.ok(times.has(wanted), `day ${i}: ${stamp(wanted)} is gone`);
      most = Math.max(most, levels.size);
    }
    assert.ok(most <= 3 + 5 + 6 + 2, `${most} chains`);
    // What is deleted takes its images with it.
    assert.equal(
      readdirSync(repository, { recursive: true }).length,
      2 * points().length + readdirSync(repository).length,
    );
  });

  it("says what goes and why, and deletes neither the newest that was verified, nor what is immutable, nor on a dry run", () => {
    configure("keep last 1", "immutable 5");
    for (const days of [40, 30, 20, 4, 0]) point(begin - days * day, begin - days * day, 0);
    const name = (days: number) => stamp(begin - days * day);
    writeFileSync(join(repository, name(30), `${name(30)}.proof`), "");
    now(begin + 60);
    const decided = [
      `delete ${name(40)}: none of its 1 points is kept`,
      `keep   ${name(30)}: it is the newest that was verified`,
      `delete ${name(20)}: none of its 1 points is kept`,
      `keep   ${name(4)}: it is immutable for 5 days`,
      `keep   ${name(0)}: ${name(0)} is number 1 of the last 1`,
    ];
    assert.deepEqual(prune("--dry-run"), decided);
    assert.match(prune("--now", "2026-02-07").at(-2)!, /^delete /);
    assert.equal(points().length, 5);
    assert.deepEqual(prune(), decided);
    assert.deepEqual(readdirSync(repository).sort(), [30, 4, 0].map(name));
  });

  it("counts no damaged points, nor those above them, and keeps what would be kept if they were whole", () => {
    configure("keep last 1");
    for (const days of [20, 10]) point(begin - days * day, begin - days * day, 0);
    point(begin - day, begin - day, 0, 2);
    const last = point(begin - day, begin, 1);
    assert.deepEqual(
      prune().map((line) => line.replace(/:.*/, "")),
      [`delete ${stamp(begin - 20 * day)}`, `keep   ${stamp(begin - 10 * day)}`, `keep   ${stamp(begin - day)}`],
    );
    assert.ok(existsSync(`${last}.json`));
  });
});
