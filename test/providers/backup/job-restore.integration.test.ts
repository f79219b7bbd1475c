import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { skip } from "../../skip";
import { JobLab, type Point } from "./job-lab";
import { Chance, differences, look, mutate } from "./tree";

describe("a backup job: trees that change", function () {
  this.timeout(180_000);
  let lab: JobLab;
  before(function () {
    const missing = JobLab.missing();
    if (missing) skip(this, missing);
  });
  afterEach(() => lab.remove());

  for (const level of ["incremental", "differential"])
    for (const seed of [1, 2, 3])
      it(`restores each of 6 ${level} points as it was, seed ${seed}`, () => {
        lab = new JobLab();
        lab.settings = { level };
        const chance = new Chance(seed);
        const was: { [path: string]: string }[] = [];
        for (let turn = 0; turn < 6; turn++) {
          mutate(lab.source, chance, turn === 0 ? 80 : 5 + chance.below(25));
          lab.done("run");
          was.push(look(lab.source));
        }
        const points = lab.points();
        assert.deepEqual(
          points.map(({ level: at }) => at),
          level === "incremental" ? [0, 1, 2, 3, 4, 5] : [0, 1, 1, 1, 1, 1],
        );
        for (const [turn, { run }] of points.entries())
          assert.deepEqual(differences(was[turn]!, look(lab.restored(run))), [], run);
      });
});

describe("a backup job: restores", function () {
  this.timeout(60_000);
  let lab: JobLab;
  let points: Point[];
  let out: string;
  before(function () {
    const missing = JobLab.missing();
    if (missing) skip(this, missing);
  });
  beforeEach(() => {
    lab = JobLab.threeLevels();
    out = join(lab.folder, "out");
    points = lab.points();
  });
  afterEach(() => lab.remove());

  const restore = (...words: string[]) => lab.run("restore", "--to", out, ...words);

  it("takes the last point until a time", () => {
    const second = points[1]!.manifest["time"] as number;
    lab.done("restore", "--to", out, "--at", `@${second}`);
    assert.deepEqual(
      JobLab.names(join(out, lab.source)).filter((name) => /txt$/.test(name)),
      ["anna/letter.txt", "bob/deep/note.txt"],
    );
    const { status, said } = lab.run("restore", "--to", join(lab.folder, "none"), "--at", "2001-01-01");
    assert.equal(status, 1);
    assert.match(said, /there is no restore point until 2001-01-01\. Those that are there: \d{8}T\d{6}Z-0 /);
    assert.match(
      lab.run("restore", "--to", out, "--at", "whenever").said,
      /"whenever" is not a time\. Allowed: what date\(1\) takes/,
    );
  });

  describe("of a part of the tree", () => {
    const table: [pattern: string, names: string[]][] = [
      ["/SOURCE/anna/letter.txt", ["anna", "anna/letter.txt"]],
      ["/SOURCE/anna", ["anna", "anna/letter.txt", "anna/pictures", "anna/pictures/1.jpg"]],
      // Its content is in the archive under an older name.
      ["/SOURCE/anna/pictures/*", ["anna", "anna/pictures", "anna/pictures/1.jpg"]],
      ["/SOURCE/*.txt", ["new.txt"]],
      ["*.txt", ["anna", "anna/letter.txt", "bob", "bob/deep", "bob/deep/note.txt", "new.txt"]],
      ["n[eo]te.t?t", ["bob", "bob/deep", "bob/deep/note.txt"]],
    ];
    for (const [pattern, expected] of table)
      it(pattern, () => {
        const result = restore("--path", pattern.replace("/SOURCE", lab.source));
        assert.equal(result.status, 0, result.said);
        assert.deepEqual(JobLab.names(join(out, lab.source)), expected);
        const was = look(lab.source);
        assert.deepEqual(
          differences(was, look(join(out, lab.source))).filter(
            (line) => !line.endsWith("| undefined") && !line.startsWith('""'),
          ),
          [],
        );
        assert.deepEqual(
          JobLab.names(out).filter((name) => name.startsWith(".kvm")),
          [],
        );
      });

    it("and says when nothing is meant", () => {
      const { status, said } = restore("--path", "/SOURCE/gone.txt".replace("/SOURCE", lab.source));
      assert.equal(status, 1);
      assert.match(said, /no file of \d{8}T\d{6}Z-2 matches .*gone\.txt/);
    });

    it("takes several patterns", () => {
      lab.done("restore", "--to", out, "--path", "new.txt", "--path", "letter.txt");
      assert.deepEqual(JobLab.names(join(out, lab.source)), ["anna", "anna/letter.txt", "new.txt"]);
    });
  });

  describe("into a place", () => {
    it("that is not empty are refused", () => {
      mkdirSync(out);
      writeFileSync(join(out, "mine"), "mine");
      const { status, said } = restore();
      assert.equal(status, 1);
      assert.match(
        said,
        /out is not empty\. Fix: name an empty folder, or say --add to put it beside, or --overwrite to replace what has the same names/,
      );
      assert.deepEqual(JobLab.names(out), ["mine"]);
    });

    it("replace what has the same names and nothing else, when told to", () => {
      mkdirSync(join(out, lab.source, "anna"), { recursive: true });
      writeFileSync(join(out, lab.source, "anna/letter.txt"), "mine");
      writeFileSync(join(out, lab.source, "anna/other"), "mine");
      const result = restore("--overwrite");
      assert.equal(result.status, 0, result.said);
      assert.equal(readFileSync(join(out, lab.source, "anna/letter.txt"), "utf8"), "second");
      assert.equal(readFileSync(join(out, lab.source, "anna/other"), "utf8"), "mine");
      assert.ok(!JobLab.names(join(out)).some((name) => name.startsWith(".kvm")));
    });

    it("put it beside other things, when told to, where none of it is yet", () => {
      mkdirSync(join(out, lab.source, "anna"), { recursive: true });
      writeFileSync(join(out, lab.source, "mine"), "mine");
      const refused = restore("--add");
      assert.equal(refused.status, 1);
      assert.match(refused.said, /out has \S*\/source already\. Fix: say --overwrite/);
      const result = restore("--add", "--path", `${lab.source}/anna`);
      assert.equal(result.status, 0, result.said);
      assert.deepEqual(JobLab.names(join(out, lab.source)), [
        "anna",
        "anna/letter.txt",
        "anna/pictures",
        "anna/pictures/1.jpg",
        "mine",
      ]);
    });

    it("leave the folders above as they are, when only files below are asked for", () => {
      mkdirSync(join(out, lab.source, "anna"), { recursive: true, mode: 0o711 });
      utimesSync(join(out, lab.source), 1e9, 1e9);
      const was = look(out);
      assert.equal(restore("--overwrite", "--path", "letter.txt").status, 0);
      const changed = differences(was, look(out)).map((line) => line.split(":")[0]!);
      // What is new in the target itself is its time alone.
      assert.deepEqual(changed, ['""', JSON.stringify(join(lab.source.slice(1), "anna/letter.txt"))]);
    });

    it("write nothing through a symbolic link that is there", () => {
      const outside = join(lab.folder, "outside");
      mkdirSync(outside);
      mkdirSync(join(out, lab.source), { recursive: true });
      symlinkSync(outside, join(out, lab.source, "anna"));
      symlinkSync(join(outside, "file"), join(out, lab.source, "new.txt"));
      const { status, said } = restore("--overwrite");
      assert.equal(status, 1, said);
      assert.match(said, /cannot overwrite non-directory .*anna.* with directory/);
      assert.deepEqual(JobLab.names(outside), []);
      assert.match(
        lab.run("restore", "--to", join(out, lab.source, "anna")).said,
        /is a symbolic link\. Fix: name the folder itself/,
      );
      assert.deepEqual(JobLab.names(outside), []);
    });

    it("make hard links of symbolic links again, and follow none", () => {
      const outside = join(lab.folder, "outside");
      mkdirSync(outside);
      mkdirSync(join(lab.source, "one/two"), { recursive: true });
      symlinkSync(outside, join(lab.source, "one/two/link"));
      linkSync(join(lab.source, "one/two/link"), join(lab.source, "hard"));
      lab.done("run");
      // Into a new folder, which is stored whole: its part of the link comes back as a file of its own.
      mkdirSync(join(lab.source, "new"));
      renameSync(join(lab.source, "one/two"), join(lab.source, "new/two"));
      lab.done("run");
      lab.done("restore", "--to", out);
      assert.deepEqual(differences(look(lab.source), look(join(out, lab.source))), []);
      assert.deepEqual(JobLab.names(outside), []);
    });

    it("begin anew after a restore was killed, and wait for none that is under way", async () => {
      // A decompressor that never ends.
      writeFileSync(
        join(lab.bin, "zstd"),
        `#!/bin/sh\n[ -f ${lab.folder}/free ] && exec /usr/bin/zstd "$@"\nexec sleep 60\n`,
        { mode: 0o755 },
      );
      const stuck = spawn("sh", [lab.program, "--config", lab.config, "restore", "--to", out], {
        env: lab.env,
        detached: true,
        stdio: "ignore",
      });
      while (!existsSync(join(out, ".kvm-restore"))) await sleep(20);
      const { status, said } = restore();
      assert.equal(status, 75);
      assert.match(said, /another restore to .*out is under way/);
      process.kill(-stuck.pid!, "SIGKILL");
      await once(stuck, "exit");
      writeFileSync(join(lab.folder, "free"), "");
      writeFileSync(join(out, ".kvm-restore", "debris"), "");
      const again = restore();
      assert.equal(again.status, 0, again.said);
      assert.deepEqual(differences(look(lab.source), look(join(out, lab.source))), []);
      assert.deepEqual(readdirSync(out), [lab.source.split("/")[1]]);
    });
  });
});
