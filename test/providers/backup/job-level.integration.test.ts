import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { skip } from "../../skip";
import { JobLab } from "./job-lab";
import { differences, look } from "./tree";

describe("a backup job: levels", function () {
  this.timeout(60_000);
  let lab: JobLab;
  before(function () {
    const missing = JobLab.missing();
    if (missing) skip(this, missing);
  });
  beforeEach(() => {
    lab = JobLab.small();
  });
  afterEach(() => lab.remove());

  const names = (folder: string) => readdirSync(folder).sort();

  const why = () => lab.points().at(-1)!.manifest["why"];
  const levels = () => lab.points().map(({ level }) => level);

  it("begins anew after a number of runs", () => {
    lab.settings = { full: 2 };
    for (let i = 0; i < 4; i++) lab.done("run");
    assert.deepEqual(levels(), [0, 1, 0, 1]);
    assert.equal(lab.points()[2]!.manifest["why"], "it is the turn after 2 runs");
  });

  it("begins anew with the week, by the machine's clock", () => {
    lab.settings = { full: "weekly" };
    // A Saturday evening, Sunday, and Monday; in UTC the last one is Sunday still.
    for (const now of ["2027-01-02 22:00", "2027-01-03 22:00", "2027-01-04 00:30"]) {
      lab.wrap("date", `TZ=Etc/GMT-2 exec $real "$@"`);
      const seconds = execFileSync("date", ["-d", `TZ="Etc/GMT-2" ${now}`, "+%s"], { encoding: "utf8" }).trim();
      lab.wrap(
        "date",
        `TZ=Etc/GMT-2; export TZ; case "$*" in *-d*) exec $real "$@" ;; *) exec $real -d @${seconds} "$@" ;; esac`,
      );
      lab.done("run");
    }
    assert.deepEqual(levels(), [0, 1, 0]);
    assert.equal(why(), "a new week has begun");
    assert.equal(lab.points()[2]!.chain, "20270103T223000Z");
    assert.equal(lab.points()[2]!.manifest["offset"], 7200);
  });

  it("begins anew when it is asked to, and when the clock went back goes on in order", () => {
    lab.done("run");
    lab.wrap("date", `case "$*" in *-d*) exec $real "$@" ;; *) exec $real -d 2001-01-01 "$@" ;; esac`);
    lab.done("run");
    assert.deepEqual(levels(), [0, 1]);
    lab.done("run", "--full");
    assert.deepEqual(levels(), [0, 1, 0]);
    assert.equal(why(), "it was asked for");
  });

  it("begins anew when the chain is damaged, and says so", () => {
    lab.done("run");
    truncateSync(join(lab.points()[0]!.folder, `job-${lab.points()[0]!.run}.tar.zst.000001`), 100);
    lab.done("run");
    assert.deepEqual(levels(), [0, 0]);
    assert.match(why(), /^the last chain is damaged: job-.*-0\.tar\.zst\.000001: has 100 bytes of \d+$/);
  });

  it("begins anew when tar's notes are gone or not those of the last published run", () => {
    lab.done("run");
    appendFileSync(join(lab.state, "snar", names(join(lab.state, "snar"))[0]!), "x");
    lab.done("run");
    assert.equal(why(), "tar's notes of the last run are not here");
    rmSync(lab.state, { recursive: true });
    lab.done("run");
    assert.deepEqual(levels(), [0, 0, 0]);
  });

  it("goes on from the full run when the last run is missing in the repository", () => {
    for (const name of ["one", "two", "three"]) {
      lab.write(name);
      lab.done("run");
    }
    for (const { folder } of lab.points().slice(1)) rmSync(folder, { recursive: true });
    lab.done("run");
    assert.deepEqual(levels(), [0, 1]);
    assert.deepEqual(differences(look(lab.source), look(lab.restored(lab.points()[1]!.run))), []);
  });

  it("stores a moved folder's name only, and all of a folder that tar could not replay", () => {
    mkdirSync(join(lab.source, "large"));
    for (let i = 0; i < 20; i++) writeFileSync(join(lab.source, `large/${i}`), randomBytes(5000));
    lab.write("place");
    lab.done("run");
    renameSync(join(lab.source, "large"), join(lab.source, "elsewhere"));
    lab.done("run");
    assert.ok(lab.points()[1]!.manifest["size"] < 20_000);
    // Onto the name of a file: tar would move it before the file is gone.
    rmSync(join(lab.source, "place"));
    renameSync(join(lab.source, "elsewhere"), join(lab.source, "place"));
    lab.done("run");
    for (const { run } of lab.points().slice(2))
      assert.deepEqual(differences(look(lab.source), look(lab.restored(run))), []);
    assert.deepEqual(levels(), [0, 1, 2]);
  });
});
