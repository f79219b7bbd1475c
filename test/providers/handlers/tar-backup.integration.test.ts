import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { tarJob } from "../../../providers/backup/tar-installation";
import { filesOf } from "../../../providers/job/job";
import { TarBackupHandler } from "../../../providers/handlers/tar-backup";
import { tarBackupSchema } from "../../../providers/schema/tar-backup";
import { skip } from "../../skip";
import { JobLab } from "../backup/job-lab";
import { differences, look } from "../backup/tree";
import { Played } from "./played";

describe("TarBackup on this machine", function () {
  this.timeout(60_000);
  const name = `kvm-test-${process.pid}`;
  const program = `/usr/local/sbin/kvm-backup-${name}`;
  let folder: string;
  let source: string;
  let job: Played;
  before(function () {
    const missing = JobLab.missing();
    if (missing) skip(this, missing);
  });
  beforeEach(() => {
    folder = mkdtempSync("/var/tmp/kvm-backup-test-");
    source = join(folder, "source");
    mkdirSync(source);
    writeFileSync(join(source, "file"), "content");
    job = new Played(new TarBackupHandler());
  });
  afterEach(async () => {
    await job.destroy();
    rmSync(folder, { recursive: true });
  });

  const args = () => ({
    machine: { kind: "local" },
    name,
    paths: [source],
    target: join(folder, "target"),
    schedule: "never",
    drill: "weekly",
    metrics: folder,
  });

  it("installs a job that runs, and is read, changed, repaired and removed, and leaves its backups", async () => {
    assert.deepEqual(await job.preview(args()), []);
    await job.up(args());
    assert.equal(job.state["health"], "no run yet");
    assert.deepEqual(await job.refresh(), []);
    execFileSync(program, ["run"], { stdio: "pipe" });
    assert.deepEqual(await job.refresh(), []);
    assert.equal(job.state["health"], "ok");
    assert.ok(Date.now() - Date.parse(job.state["lastVerifiedRestore"]) < 60_000);
    assert.ok(job.state["size"] > 0);
    assert.equal(job.state["nextRun"], undefined);

    assert.deepEqual(await job.up({ ...args(), exclude: ["*.tmp"] }), ["exclude: live"]);
    execFileSync(program, ["run"], { stdio: "pipe" });
    await job.refresh();
    assert.equal(readdirSync(join(folder, "target", name)).filter((entry) => /^\d/.test(entry)).length, 2);

    rmSync(program);
    assert.deepEqual(await job.refresh(), ["installed"]);
    await job.up({ ...args(), exclude: ["*.tmp"] });
    assert.ok(existsSync(program));

    await job.destroy();
    for (const path of [
      program,
      `/etc/kvm-backup/${name}.conf`,
      `/var/lib/kvm-backup/${name}`,
      join(folder, `kvm-backup-${name}.prom`),
    ])
      assert.ok(!existsSync(path), path);
    const repository = join(folder, "target", name);
    execFileSync(
      "sh",
      [join(repository, "kvm-backup"), "restore", "--repository", repository, "--to", join(folder, "out")],
      { stdio: "pipe" },
    );
    assert.deepEqual(differences(look(source), look(join(folder, "out", source))), []);
  });

  it("is overdue in every preview when nothing ran it in its time", async () => {
    const path = process.env["PATH"];
    const bin = join(folder, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "cron"), "#!/bin/sh\n", { mode: 0o755 });
    const lines: string[] = [];
    const log = console.log;
    try {
      // Where there is none: it only has to be there.
      process.env["PATH"] = `${path}:${bin}`;
      const hourly = { ...args(), schedule: "hourly", drill: "never" };
      await job.up(hourly);
      execFileSync(program, ["run"], { stdio: "pipe" });
      await job.refresh();
      assert.equal(job.state["health"], "ok");
      const status = `/var/lib/kvm-backup/${name}/status.json`;
      const hoursAgo = (_: string, time: string) => `"time": ${Number(time) - 5 * 3600}`;
      writeFileSync(status, readFileSync(status, "utf8").replace(/"time": (\d+)/g, hoursAgo));
      console.log = (line: string) => void lines.push(line);
      assert.deepEqual(await job.preview(hourly), []);
      await job.refresh();
    } finally {
      console.log = log;
      await job.destroy();
      process.env["PATH"] = path;
    }
    const [, since] = /: warning: overdue: the last success was at (\S+)$/.exec(lines[0]!)!;
    assert.ok(Math.abs(Date.now() - 5 * 3_600_000 - Date.parse(since!)) < 120_000);
    assert.equal(lines[1], lines[0]);
  });

  it("is refused whole where it could not work", async () => {
    writeFileSync(join(folder, "target"), "a file is in the way");
    await assert.rejects(job.up(args()), new RegExp(`cannot create: .*cannot write to ${folder}/target/${name}`, "s"));
    assert.ok(
      !existsSync(program) && !existsSync(`/etc/kvm-backup/${name}.conf`) && !existsSync(`/var/lib/kvm-backup/${name}`),
    );
  });

  it("has units that systemd takes", function () {
    if (spawnSync("systemd-analyze", ["--version"]).status !== 0) skip(this, "needs systemd-analyze");
    const inputs = v.parse(tarBackupSchema, {
      ...args(),
      schedule: "weekly Sun 03:30",
      target: { host: "nas", path: "/srv" },
      drill: undefined,
    });
    const units = filesOf(tarJob(inputs), "systemd").filter(({ path }) => path.startsWith("/etc/systemd/"));
    assert.equal(units.length, 2);
    const files = units.map(({ path, content }) => {
      const file = join(folder, path.split("/").at(-1)!);
      writeFileSync(file, content.replace(program, "/bin/true"));
      return file;
    });
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", ...files], { encoding: "utf8" });
    assert.deepEqual(
      { status, about: stderr.split("\n").filter((line) => line.includes(name)) },
      { status: 0, about: [] },
    );
  });
});
