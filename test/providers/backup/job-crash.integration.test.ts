import assert from "node:assert/strict";
import { execFileSync, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { skip } from "../../skip";
import { JobLab } from "./job-lab";
import { Chance, differences, look, mutate } from "./tree";

/** KVM_BACKUP_MOMENTS says at how many random moments each kind of interruption comes. */
const moments = Number(process.env["KVM_BACKUP_MOMENTS"] ?? 5);

describe("a backup job: interruptions", function () {
  this.timeout(60_000 * moments);
  let lab: JobLab;
  before(function () {
    const missing = JobLab.missing();
    if (missing) skip(this, missing);
  });
  afterEach(() => lab.remove());

  /** What the source was when a point was published. */
  const shots = new Map<string, { [path: string]: string }>();
  const note = (shot: { [path: string]: string }) => {
    for (const { run } of lab.points()) if (!shots.has(run)) shots.set(run, shot);
  };
  const everyPointRestores = () => {
    for (const { run } of lab.points()) {
      const restored = lab.restored(run);
      assert.deepEqual(differences(shots.get(run)!, look(restored)), [], run);
      rmSync(restored, { recursive: true });
    }
  };
  const children = (pid: number): number[] =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);

  const ends: { [how: string]: (run: ChildProcess) => void } = {
    "the program killed": ({ pid }) => process.kill(pid!, "SIGKILL"),
    "all its processes killed": ({ pid }) => process.kill(-pid!, "SIGKILL"),
    "the program told to end": ({ pid }) => process.kill(pid!, "SIGTERM"),
    "one process of the pipe killed": ({ pid }) => {
      try {
        const [one] = children(pid!).slice(-1);
        for (const process_ of one ? children(one).slice(0, 1) : []) process.kill(process_, "SIGKILL");
      } catch {
        // It ended by itself.
      }
    },
  };

  for (const [how, end] of Object.entries(ends))
    it(`${how} at ${moments} moments: every published point restores, and the next run succeeds`, async () => {
      lab = new JobLab();
      lab.settings = { split: "200KiB", compress: "gzip" };
      shots.clear();
      const chance = new Chance(how.length);
      for (const folder of ["large", "tree"]) mkdirSync(join(lab.source, folder));
      for (let i = 0; i < 10; i++) writeFileSync(join(lab.source, "large", String(i)), randomBytes(300_000));
      mutate(join(lab.source, "tree"), chance, 40);
      lab.done("run");
      note(look(lab.source));
      let killed = 0;
      for (let turn = 0; turn < moments; turn++) {
        for (let i = 0; i < 4; i++)
          writeFileSync(join(lab.source, "large", String(chance.below(10))), randomBytes(2_000_000));
        mutate(join(lab.source, "tree"), chance, 10);
        const shot = look(lab.source);
        const run = lab.begin("run");
        const exited = once(run, "exit");
        await sleep(100 + chance.below(900));
        if (run.exitCode === null && run.signalCode === null) {
          end(run);
          killed++;
        }
        await exited;
        note(shot);
        if (turn % 2 === 1) continue;
        const next = lab.run("run");
        assert.equal(next.status, 0, next.said);
        note(shot);
      }
      lab.done("run");
      note(look(lab.source));
      assert.ok(killed > 0, "no run was interrupted");
      everyPointRestores();
      lab.done("verify", "--all");
      assert.deepEqual(
        readdirSync(lab.repository).filter((name) => name.startsWith(".")),
        [],
      );
      assert.deepEqual(
        readdirSync(lab.state).filter((name) => name.startsWith("work")),
        [],
      );
    });

  it(`power cuts at ${moments} moments: every published point restores, and the next run succeeds`, async function () {
    const outside = mkdtempSync("/var/tmp/kvm-backup-power-");
    const mount = join(outside, "mount");
    const image = join(outside, "image");
    mkdirSync(mount);
    // What a disk has of a file system is in the image; what was not written to it yet is lost with the copy of the image.
    const plug = (file: string) => execFileSync("mount", ["-o", "loop,commit=300", file, mount], { stdio: "pipe" });
    const pull = async (to: string) => {
      execFileSync("cp", ["--sparse=always", image, to]);
      await unplug();
      renameSync(to, image);
    };
    // Processes that were killed in the middle of a write are gone a little later.
    const unplug = async () => {
      for (let tries = 1; spawnSync("umount", [mount]).status !== 0; tries++) {
        assert.ok(tries < 600, "the file system is in use");
        await sleep(100);
      }
    };
    let plugged = false;
    try {
      execFileSync("truncate", ["-s", `${200 + 15 * moments}M`, image]);
      execFileSync("mke2fs", ["-q", "-t", "ext4", image]);
      try {
        plug(image);
      } catch {
        skip(this, "needs to mount a file system in a file");
      }
      plugged = true;
      lab = new JobLab("job", mount);
      lab.settings = { compress: "gzip" };
      shots.clear();
      const chance = new Chance(7);
      mkdirSync(join(lab.source, "tree"));
      lab.done("run");
      note(look(lab.source));
      let lost = 0;
      for (let turn = 0; turn < moments; turn++) {
        writeFileSync(join(lab.source, "large"), randomBytes(4_000_000));
        mutate(join(lab.source, "tree"), chance, 20);
        execFileSync("sync", ["-f", mount]);
        const shot = look(lab.source);
        const run = lab.begin("run");
        const exited = once(run, "exit");
        await Promise.race([exited, sleep(chance.below(1500))]);
        if (run.exitCode === null) lost++;
        try {
          process.kill(-run.pid!, "SIGKILL");
        } catch {
          // It had ended.
        }
        await exited;
        await pull(`${image}.copy`);
        plugged = false;
        plug(image);
        plugged = true;
        note(shot);
        const next = lab.run("run");
        assert.equal(next.status, 0, next.said);
        note(look(lab.source));
      }
      assert.ok(lost > 0, "no run was interrupted");
      everyPointRestores();
      lab.done("verify", "--all");
    } finally {
      if (plugged) await unplug();
      rmSync(outside, { recursive: true });
    }
  });

  it("a full disk: nothing is published, what is there restores, and the next run with room succeeds", function () {
    lab = new JobLab();
    shots.clear();
    const disk = mkdtempSync(join(lab.folder, "disk-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=3m", "kvm-test", disk]);
    } catch {
      skip(this, "needs to mount a tmpfs");
    }
    try {
      lab.settings = { target: disk };
      const repository = join(disk, lab.name);
      writeFileSync(join(lab.source, "small"), randomBytes(500_000));
      lab.done("run");
      const shot = look(lab.source);
      const chance = new Chance(moments);
      const random = Array.from({ length: moments }, () => 2_300_000 + chance.below(400_000));
      for (const size of [2_400_000, 2_540_000, 2_560_000, 4_000_000, ...random]) {
        writeFileSync(join(lab.source, "large"), randomBytes(size));
        const { status, said } = lab.run("run");
        if (status === 0) continue;
        assert.equal(status, 1, said);
        assert.match(said, /cannot write|could not be written to .*: \S+ free on /);
        assert.ok(!readdirSync(repository).some((name) => name.startsWith(".partial")), "room is made again");
      }
      const [first] = lab.points(repository);
      assert.deepEqual(differences(shot, look(lab.restored(first!.run))), []);
      execFileSync("mount", ["-o", "remount,size=20m", disk]);
      lab.done("run");
      const last = lab.points(repository).at(-1)!;
      assert.ok(last.level > 0);
      assert.deepEqual(differences(look(lab.source), look(lab.restored(last.run))), []);
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});
