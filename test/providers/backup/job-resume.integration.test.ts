import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { skip } from "../../skip";
import { JobLab } from "./job-lab";
import { differences, look } from "./tree";

describe("a backup job: restores that were cut off", function () {
  this.timeout(90_000);
  let lab: JobLab;
  let out: string;
  before(function () {
    const missing = JobLab.missing();
    if (missing) skip(this, missing);
  });
  beforeEach(() => {
    lab = JobLab.threeLevels();
    out = join(lab.folder, "out");
  });
  afterEach(() => lab.remove());

  /** Ends the program and all that it started in a program's N-th call with these words: before it, or after it. */
  async function killed(signal: string, program: string, words: string, call: number, when: "before" | "after") {
    const count = join(lab.folder, "calls");
    writeFileSync(count, "");
    const kill = `kill -${signal} 0; sleep 5`;
    lab.wrap(
      program,
      `case "$*" in *${words}*) echo >>${count} ;; *) exec $real "$@" ;; esac
if [ "$(wc -l <${count})" = ${call} ]; then ${when === "after" ? '$real "$@"; ' : ""}${kill}; fi
exec $real "$@"`,
    );
    const run = lab.begin("restore", "--to", out);
    await once(run, "exit");
    rmSync(join(lab.bin, program));
    assert.equal(readFileSync(count, "utf8").length, call, "it was ended at that moment");
  }
  const goesOn = (said: RegExp) => {
    const again = lab.run("restore", "--to", out);
    assert.equal(again.status, 0, again.said);
    assert.match(again.said, said);
    assert.deepEqual(differences(look(lab.source), look(join(out, lab.source))), []);
    assert.deepEqual(readdirSync(out), [lab.source.split("/")[1]], "nothing else is left");
  };

  const moments: [what: string, call: number, when: "before" | "after", said: RegExp][] = [
    ["before level 0", 1, "before", /^level 0\nlevel 1\nlevel 2\nrestored/],
    ["at the end of level 0", 1, "after", /^level 0\nlevel 1\nlevel 2\nrestored/],
    ["before level 1", 2, "before", /^going on after level 0\nlevel 1\nlevel 2\nrestored/],
    ["before level 2", 3, "before", /^going on after level 1\nlevel 2\nrestored/],
    ["at the end of level 2", 3, "after", /^going on after level 1\nlevel 2\nrestored/],
  ];
  for (const [what, call, when, said] of moments)
    for (const signal of ["KILL", "TERM"])
      it(`by ${signal} ${what} end as if they had not been`, async () => {
        await killed(signal, "tar", "--extract", call, when);
        goesOn(said);
      });

  it("after a folder was moved, which cannot be done twice, begin anew where they must", async () => {
    await killed("KILL", "tar", "--extract", 2, "after");
    goesOn(/^going on after level 0\nlevel 1\n/);
  });

  it("do not go on with what somebody changed meanwhile", async () => {
    await killed("KILL", "tar", "--extract", 3, "before");
    const file = join(out, ".kvm-restore", lab.source, "bob/deep/note.txt");
    execFileSync("sh", ["-c", 'touch -r "$1" "$2"; printf xxxxxxxxxxxxxxxxx | head -c "$(stat -c %s "$1")" >"$1"; touch -r "$2" "$1"', "sh", file, join(lab.folder, "stamp")]); // prettier-ignore
    goesOn(/^going on after level 1\nlevel 2\nthat cannot be built on: all is done again\nlevel 0\nlevel 1\nlevel 2\n/);
  });

  it("of another point, or of before a boot, are not gone on with", async () => {
    await killed("KILL", "tar", "--extract", 3, "before");
    const state = join(out, ".kvm-restore.state");
    writeFileSync(state, readFileSync(state, "utf8").replace(/ \S+\n/, " 00000000-0000-0000-0000-000000000000\n"));
    goesOn(/^level 0\nlevel 1\nlevel 2\n/);
    rmSync(out, { recursive: true });
    await killed("KILL", "tar", "--extract", 3, "before");
    const first = lab.points()[0]!.run;
    const { said } = lab.done("restore", "--to", out, "--at", first);
    assert.match(said, /^level 0\nrestored/);
    assert.ok(existsSync(join(out, lab.source, "gone.txt")));
  });

  it("follow no link that stands in their place", async () => {
    await killed("KILL", "tar", "--extract", 3, "before");
    const outside = join(lab.folder, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "mine"), "mine");
    rmSync(join(out, ".kvm-restore"), { recursive: true });
    symlinkSync(outside, join(out, ".kvm-restore"));
    goesOn(/^level 0\nlevel 1\nlevel 2\n/);
    assert.deepEqual(readdirSync(outside), ["mine"]);
  });

  it("by a full disk go on once there is room", function () {
    mkdirSync(out);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "kvm-test", out]);
    } catch {
      skip(this, "needs to mount a tmpfs");
    }
    try {
      lab.write("large", randomBytes(3_000_000));
      lab.done("run");
      const { status, said } = lab.run("restore", "--to", out);
      assert.equal(status, 1, said);
      assert.match(said, /cannot be extracted: tar: .*(No space left|Wrote only)/);
      assert.match(
        said,
        /-2 is finished in \S+\/\.kvm-restore\. Fix: make room, and say the same again to go on, or remove/,
      );
      execFileSync("mount", ["-o", "remount,size=20m", out]);
      goesOn(/^going on after level 2\nlevel 3\nrestored/);
    } finally {
      execFileSync("umount", [out]);
    }
  });
});
