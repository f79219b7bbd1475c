import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { skip } from "../../skip";
import { JobLab } from "./job-lab";
import { differences, look } from "./tree";

describe("a backup job: failures", function () {
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

  /** Nothing is published, nothing promoted; the run after that is as if nothing had been. */
  function failsWhole(message: RegExp, mend: () => void): void {
    lab.write("changed", "before");
    lab.done("run");
    const notes = names(join(lab.state, "snar"));
    lab.write("changed", "after");
    const { status, said } = lab.run("run");
    assert.equal(status, 1, said);
    assert.match(said, message);
    assert.equal(lab.points().length, 1);
    assert.deepEqual(names(join(lab.state, "snar")), notes);
    assert.ok(!names(lab.repository).some((name) => name.startsWith(".partial")));
    const status_ = JSON.parse(lab.run("status").stdout) as { run: { result: string; message: string } };
    assert.equal(status_.run.result, "failed");
    assert.match(status_.run.message, message);
    mend();
    lab.done("run");
    assert.deepEqual(
      lab.points().map(({ level }) => level),
      [0, 1],
    );
    assert.deepEqual(differences(look(lab.source), look(lab.restored(lab.points()[1]!.run))), []);
  }
  const failsOnce = (program: string, script: string, message: RegExp) => {
    const mark = join(lab.folder, "second");
    lab.wrap(program, `case "$*" in ${script} esac\nexec $real "$@"`.replaceAll("MARK", mark));
    failsWhole(message, () => rmSync(join(lab.bin, program)));
  };

  it("takes tar's exit code 2 for a failure", () =>
    failsOnce(
      "tar",
      '*--create*) [ -f MARK ] && { $real "$@"; echo "tar: ./lost: Cannot open: Input/output error" >&2; exit 2; }; : >MARK ;;',
      /tar failed \(2\): tar: \.\/lost: Cannot open: Input\/output error/,
    ));

  for (const [program, argument, missing] of [
    ["uname", "*-n*", "manifest"],
    ["sed", `*'"&"'*`, "manifest"],
    ["sed", "*-z*", "list of files"],
  ] as const)
    it(`publishes no ${missing} that lacks what ${program} was killed before it said`, () =>
      failsOnce(
        program,
        `${argument}) for run in ${lab.repository}/[0-9]*; do [ ! -d "$run" ] || kill -9 $$; done ;;`,
        new RegExp(`the ${missing} could not be made`),
      ));

  it("sees that tar was killed", () =>
    failsOnce("tar", "*--create*) [ -f MARK ] && kill -9 $$; : >MARK ;;", /tar failed \(137\)/));

  it("sees that the compressor failed though tar did not", () =>
    failsOnce(
      "zstd",
      '*-T0*) [ -f MARK ] && { $real "$@"; exit 3; }; [ "$(cat MARK 2>/dev/null)" ] || : >MARK ;;',
      /zstd failed \(3\)/,
    ));

  it("sees that the writer failed", () =>
    failsOnce(
      "tee",
      '*.tar.zst.*) [ -f MARK ] && { $real "$@"; exit 1; }; : >MARK ;;',
      /the archive could not be written to/,
    ));

  it("sees that the writer was killed", () =>
    failsOnce("tee", "*.tar.zst.*) [ -f MARK ] && kill -9 $$; : >MARK ;;", /the archive could not be written to/));

  for (const [program, argument] of [
    ["dd", "*count=*"],
    ["stat", "*-1.tar.zst.*"],
  ] as const)
    it(`sees that ${program} was killed while parts were cut`, () => {
      lab.settings = { split: "20KiB" };
      failsOnce(
        program,
        `${argument}) for run in ${lab.repository}/[0-9]*; do [ ! -d "$run" ] || kill -9 $$; done ;;`,
        /the archive could not be written to/,
      );
    });

  it("sees that the hash of a part could not be made", () => {
    lab.settings = { split: "20KiB" };
    lab.wrap("openssl", "exit 1");
    failsOnce(
      "sha256sum",
      `*) case "$(readlink /proc/$$/fd/0)" in *-1.tar.zst.000001) exit 1 ;; esac ;;`,
      /the archive could not be written to/,
    );
  });

  it("sees that the disk had an error while it was flushed", () =>
    failsOnce("sync", "*-1.tar.zst.*) [ -f MARK ] || { : >MARK; exit 1; } ;;", /target\/job: its disk had an error/));

  it("finds a file that tar overlooked, and stores everything in its place", () => {
    lab.write("changed", "before");
    lab.done("run");
    lab.write("changed", "after");
    const mark = join(lab.folder, "once");
    lab.wrap(
      "tar",
      `case "$*" in *--create*) [ -f ${mark} ] || { : >${mark}; exec $real --exclude=changed "$@"; } ;; esac\nexec $real "$@"`,
    );
    const { said } = lab.done("run");
    assert.match(
      said,
      /^level 1\nonce more: tar overlooked 1 changed files, \.\/.*\/changed among them\nlevel 0, because tar overlooked/,
    );
    assert.deepEqual(
      lab.points().map(({ level }) => level),
      [0, 0],
    );
    assert.equal(readFileSync(join(lab.restored(lab.points()[1]!.run), "changed"), "utf8"), "after");
  });

  it("backs up nothing when a path is missing", () => {
    lab.settings = { paths: [lab.source, join(lab.folder, "gone")] };
    const { status, said } = lab.run("run");
    assert.equal(status, 1);
    assert.match(said, /gone is not there: nothing is backed up before it is\n/);
    assert.equal(lab.points().length, 0);
  });

  it("begins no new repository where one was: its disk may not be mounted", () => {
    lab.done("run");
    renameSync(lab.repository, join(lab.folder, "elsewhere"));
    const { status, said } = lab.run("run");
    assert.equal(status, 1);
    assert.match(said, /the repository \S+\/target\/job is gone: is its disk mounted\? Fix: mount it, or remove /);
    assert.deepEqual(names(lab.target), []);
    renameSync(join(lab.folder, "elsewhere"), lab.repository);
    lab.done("run");
  });

  it("names what is missing on the machine", () => {
    lab.settings = { compress: "xz" };
    writeFileSync(
      lab.program,
      readFileSync(lab.program, "utf8").replace("have() {", 'have() { [ "$1" != xz ] || return 1;'),
    );
    const { status, said } = lab.run("run");
    assert.equal(status, 1);
    assert.match(said, /missing: xz\. Fix: install them with the machine's package manager/);
  });

  it("tells files that changed while they were read, and publishes", async () => {
    writeFileSync(join(lab.source, "growing"), Buffer.alloc(30_000_000));
    const writer = spawn("sh", ["-c", 'while :; do echo x >>"$1"; done', "sh", join(lab.source, "growing")]);
    try {
      await sleep(100);
      const { said } = lab.done("run");
      assert.match(said, /warning: .*growing: file changed as we read it/);
    } finally {
      writer.kill("SIGKILL");
    }
    const [{ manifest, run }] = lab.points() as [ReturnType<JobLab["points"]>[0]];
    assert.equal(manifest["exit"]["tar"], 1);
    assert.match(manifest["warnings"][0], /growing: file changed as we read it$/);
    // It may differ, and does not count as a fault.
    lab.restored(run);
  });

  it("waits for another run, and says who has the repository", async () => {
    lab.done("run");
    const holder = spawn("flock", [join(lab.repository, "lock"), "sleep", "30"]);
    try {
      await sleep(200);
      writeFileSync(join(lab.repository, "lock"), "process 1 on elsewhere since 2027-01-01");
      lab.patch("open_target 60\n", "open_target 1\n");
      const { status, said } = lab.run("run");
      assert.equal(status, 75);
      assert.match(said, /target\/job is in use: process 1 on elsewhere since 2027-01-01\n/);
    } finally {
      execFileSync("sh", ["-c", 'kill $(cat "/proc/$1/task/$1/children") "$1"', "sh", String(holder.pid)]);
    }
    await sleep(200);
    assert.match(lab.done("run").said, /^an earlier run was ended: process 1 on elsewhere/);
  });

  describe("hooks", () => {
    it("run before and after, with words as they are", () => {
      const log = join(lab.folder, "log");
      lab.settings = {
        before: [
          "sh",
          "-c",
          'printf "before %s %s\\n" "$KVM_BACKUP_JOB" "$2" >>"$1"; echo dumped >"$3/dump"',
          "sh",
          log,
          "it's $HOME\n`id`",
          lab.source,
        ],
        after: ["sh", "-c", 'echo "after $KVM_BACKUP_RESULT" >>"$1"; rm "$2/dump"', "sh", log, lab.source],
      };
      lab.done("run");
      assert.equal(readFileSync(log, "utf8"), "before job it's $HOME\n`id`\nafter ok\n");
      assert.ok(!existsSync(join(lab.source, "dump")));
      assert.equal(readFileSync(join(lab.restored(lab.points()[0]!.run), "dump"), "utf8"), "dumped\n");
    });

    it("bring what is read only for the run, whose levels are built on each other all the same", function () {
      const snap = join(lab.folder, "snap");
      lab.settings = {
        root: snap,
        before: ["sh", "-c", 'mkdir -p "$2$1" && mount --bind "$1" "$2$1"', "sh", lab.source, snap],
        after: ["umount", join(snap, lab.source)],
      };
      const first = lab.run("run");
      if (/mount: .*(denied|permitted)/.test(first.said)) skip(this, "needs to mount");
      assert.equal(first.status, 0, first.said);
      lab.write("more");
      const { said } = lab.done("run");
      assert.match(said, /^level 1\npublished/);
    });

    it("run after a failure too, and fail the run when the first one fails", () => {
      const log = join(lab.folder, "log");
      lab.settings = { before: ["false"], after: ["sh", "-c", 'echo "after $KVM_BACKUP_RESULT" >>"$1"', "sh", log] };
      const { status, said } = lab.run("run");
      assert.equal(status, 1);
      assert.match(said, /the hook before the run failed: nothing was backed up/);
      assert.equal(readFileSync(log, "utf8"), "after failed\n");
      assert.equal(lab.points().length, 0);
    });
  });
});
