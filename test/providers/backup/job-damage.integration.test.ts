import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { skip } from "../../skip";
import { JobLab, type Point } from "./job-lab";

describe("a backup job: proofs", function () {
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
  const part = (level: number, number = 1) =>
    join(points[level]!.folder, `job-${points[level]!.run}.tar.zst.${String(number).padStart(6, "0")}`);

  describe("of damaged chains", () => {
    interface Damage {
      what: string;
      /** Damages the chain. */
      act(): void;
      /** What verify and restore name. */
      named: RegExp;
      /** What is lost of the last point; undefined where it cannot be told what is whole. */
      lost?: string[];
    }
    const flip = (file: string, at = 1000) => {
      const data = readFileSync(file);
      data[at]! ^= 0x10;
      writeFileSync(file, data);
    };
    const all = ["anna/letter.txt", "anna/pictures/1.jpg", "bob/deep/note.txt", "new.txt"];
    const damages: Damage[] = [
      {
        what: "one flipped bit",
        act: () => flip(part(0)),
        named: /job-\S+-0\.tar\.zst\.000001: its content is not what was written \(SHA-256\)/,
        lost: ["anna/pictures/1.jpg", "bob/deep/note.txt"],
      },
      {
        what: "a missing part",
        act: () => unlinkSync(part(0, 2)),
        named: /job-\S+-0\.tar\.zst\.000002: missing/,
        lost: ["anna/pictures/1.jpg", "bob/deep/note.txt"],
      },
      {
        what: "a truncated part",
        act: () => truncateSync(part(1), 40),
        named: /job-\S+-1\.tar\.zst\.000001: has 40 bytes of \d+/,
        lost: ["anna/letter.txt", "anna/pictures/1.jpg"],
      },
      {
        what: "a missing level",
        act: () => rmSync(points[1]!.folder, { recursive: true }),
        named: /\d{8}T\d{6}Z-2: is built on \d{8}T\d{6}Z-1, which is missing/,
        lost: ["anna/letter.txt", "anna/pictures/1.jpg"],
      },
      {
        what: "a missing full run",
        act: () => rmSync(points[0]!.folder, { recursive: true }),
        named: /\d{8}T\d{6}Z-1: is built on \d{8}T\d{6}Z-0, which is missing/,
        lost: ["anna/pictures/1.jpg", "bob/deep/note.txt"],
      },
      {
        what: "a missing manifest",
        act: () => unlinkSync(join(points[1]!.folder, `job-${points[1]!.run}.json`)),
        named: /run \d{8}T\d{6}Z-1: its manifest is missing/,
        lost: ["anna/letter.txt", "anna/pictures/1.jpg"],
      },
      {
        what: "a changed manifest",
        act: () => flip(join(points[1]!.folder, `job-${points[1]!.run}.json`), 40),
        named: /manifest job-\S+-1\.json: not as it was written/,
      },
      {
        what: "a damaged list of files",
        act: () => flip(join(points[2]!.folder, `job-${points[2]!.run}.files.zst`), 60),
        named: /job-\S+-2\.files\.zst: (its content is not what was written|cannot be read)/,
      },
    ];
    for (const { what, act, named, lost } of damages)
      it(`${what}: found, named, refused${lost ? ", and restored as far as whole" : ""}`, () => {
        act();
        const verified = lab.run("verify", "--all");
        assert.equal(verified.status, 1, verified.said);
        assert.match(verified.said, named);
        assert.equal(verified.said.match(/^\d{8}T\d{6}Z: /gm)?.length, 1, `only that: ${verified.said}`);
        const last = points[2]!.run;
        const refused = restore("--at", last);
        assert.equal(refused.status, 1, refused.said);
        assert.match(refused.said, named);
        assert.deepEqual(JobLab.names(out), []);
        if (!lost) return;
        const partly = restore("--at", last, "--damaged");
        assert.equal(partly.status, 3, partly.said);
        const whole = all.filter((name) => !lost.includes(name));
        const restored = join(out, lab.source);
        assert.deepEqual(
          JobLab.names(restored).filter((name) => /\./.test(name)),
          whole,
        );
        for (const name of whole)
          assert.deepEqual(readFileSync(join(restored, name)), readFileSync(join(lab.source, name)));
        for (const name of lost) assert.match(partly.said, new RegExp(`(missing|differs): \\S*/${name}`));
      });

    it("leave the points before the damage as they are", () => {
      flip(part(1), 30);
      const result = restore("--at", points[0]!.run);
      assert.equal(result.status, 0, result.said);
      assert.ok(existsSync(join(out, lab.source, "gone.txt")));
    });

    it("notes which chains were seen to be whole", () => {
      lab.done("verify");
      assert.match(lab.run("list").stdout, /-2 .* 20\d\d-\d\d-\d\d \d\d:\d\d$/m);
      assert.match(lab.done("verify", "--all").said, new RegExp(`^${points[0]!.chain}: 3 runs, whole\n$`));
    });
  });

  describe("drills", () => {
    const status = () => JSON.parse(lab.run("status").stdout) as { [key: string]: { [member: string]: unknown } };

    it("restore the newest point, compare every hash, run the check, and leave a proof", () => {
      const seen = join(lab.folder, "seen");
      lab.settings = {
        ...lab.settings,
        drill: "weekly",
        check: ["sh", "-c", 'cat "$KVM_BACKUP_FOLDER$1/new.txt" >"$2"', "sh", lab.source, seen],
      };
      const { said } = lab.done("drill");
      assert.match(said, /drill: \d{8}T\d{6}Z-2 restores: 9 files and folders as they were, 4 hashes equal, \d+ s\n$/);
      assert.equal(readFileSync(seen, "utf8"), "new.txt");
      const proof = JSON.parse(
        readFileSync(join(lab.repository, points[0]!.chain, `drill-${points[2]!.run}.json`), "utf8"),
      ) as object;
      assert.deepEqual(
        { ...proof, time: 0, seconds: 0, host: "" },
        {
          run: points[2]!.run,
          time: 0,
          entries: 9,
          hashes: 4,
          seconds: 0,
          host: "",
          list: points[2]!.manifest["list"],
        },
      );
      assert.equal(status()["drill"]!["result"], "ok");
      assert.equal(status()["drill"]!["hashes"], 4);
      assert.deepEqual(
        JobLab.names(lab.state).filter((name) => /drill/.test(name)),
        [],
      );
    });

    it("fail when the check fails, and when a file is not what it was", () => {
      lab.settings = { ...lab.settings, drill: "weekly", check: ["false"] };
      const failed = lab.run("drill");
      assert.equal(failed.status, 1);
      assert.match(failed.said, /the check after the drill failed/);
      assert.equal(status()["drill"]!["result"], "failed");
      // A tar that restores something else than what is in the archive.
      writeFileSync(
        join(lab.bin, "tar"),
        `#!/bin/sh\n/bin/tar "$@"; code=$?\ncase "$*" in *--extract*-2*|*--extract*) [ ! -f ${lab.state}/drill/.kvm-restore${lab.source}/new.txt ] || { cd ${lab.state}/drill/.kvm-restore${lab.source}; touch -r new.txt /tmp/kvm-stamp.$$; printf NEW.txt >new.txt; touch -r /tmp/kvm-stamp.$$ new.txt; rm /tmp/kvm-stamp.$$; } ;; esac\nexit $code\n`,
        { mode: 0o755 },
      );
      lab.settings = { ...lab.settings, check: undefined };
      const wrong = lab.run("drill");
      assert.equal(wrong.status, 1, wrong.said);
      assert.match(wrong.said, /differs: \S*\/new\.txt \(content\)\n/);
    });

    it("fail when what was restored cannot be listed to its end", () => {
      lab.settings = { ...lab.settings, drill: "weekly" };
      lab.wrap("sed", 'case "$1" in -z) head -c 300; kill -9 $$ ;; esac; exec "$real" "$@"');
      const { status: code, said } = lab.run("drill");
      assert.equal(code, 1, said);
      assert.match(said, /missing: \S*\(what was restored cannot be listed\)/);
      assert.equal(status()["drill"]!["result"], "failed");
    });

    it("come with a run when they are due", () => {
      lab.settings = { ...lab.settings, drill: "weekly" };
      assert.match(lab.done("run").said, /drill: \d{8}T\d{6}Z-3 restores/);
      assert.doesNotMatch(lab.done("run").said, /drill/);
    });
  });
});
