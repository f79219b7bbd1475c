import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { skip } from "../../skip";
import { PrivateSshd } from "../machine/private-sshd";
import { JobLab } from "./job-lab";
import { differences, look } from "./tree";

describe("a backup job: targets", function () {
  this.timeout(90_000);
  let lab: JobLab;
  let sshd: PrivateSshd | undefined;
  /** Where the other machine keeps repositories; a name that a shell would take apart. */
  let far: string;
  before(async function () {
    const missing = JobLab.missing() ?? PrivateSshd.missing();
    if (missing) skip(this, missing);
    sshd = await PrivateSshd.start();
  });
  after(async () => {
    await sshd?.stop();
    sshd?.remove();
  });
  beforeEach(() => {
    lab = new JobLab();
    far = join(lab.folder, "it's $far away");
    mkdirSync(join(lab.source, "folder"));
    writeFileSync(join(lab.source, "folder", "file"), randomBytes(100_000));
  });
  afterEach(() => lab.remove());

  const remote = (path = far) => {
    const { host, user, port, options } = sshd!.spec();
    return { path, host, user, port, options };
  };
  const repository = () => join(far, lab.name);

  it("writes straight to another machine over ssh, and does all else there too", () => {
    lab.settings = { target: remote(), split: "60KiB", keep: { last: 1 } };
    lab.done("run");
    writeFileSync(join(lab.source, "more"), "more");
    lab.done("run");
    const points = lab.points(repository());
    assert.deepEqual(
      points.map(({ level }) => level),
      [0, 1],
    );
    assert.ok(points[0]!.manifest["parts"].length > 1);
    assert.ok(!existsSync(lab.repository));
    assert.deepEqual(differences(look(lab.source), look(lab.restored(points[1]!.run))), []);
    assert.match(lab.done("list").stdout, new RegExp(`^${points[1]!.run} .* incremental`, "m"));
    assert.match(lab.done("verify", "--all").said, /2 runs, whole/);
    lab.done("run", "--full");
    // The old chain was the newest that is verified, until the new one is.
    assert.match(lab.done("drill").said, /drill: \d{8}T\d{6}Z-0 restores/);
    assert.match(lab.done("prune").stdout, /^delete /);
    assert.deepEqual(
      lab.points(repository()).map(({ level }) => level),
      [0],
      "the old chain is deleted over there",
    );
    assert.deepEqual(
      readdirSync(repository()).filter((name) => name.startsWith(".")),
      [],
    );
    truncateSync(
      join(lab.points(repository())[0]!.folder, `job-${lab.points(repository())[0]!.run}.tar.zst.000001`),
      7,
    );
    assert.match(
      lab.run("restore", "--to", join(lab.folder, "out")).said,
      /has 7 bytes of \d+\n(.|\n)*is not whole, the restore is refused/,
    );
  });

  it("takes the repository over there for itself, until its connection is gone", async () => {
    lab.settings = { target: remote() };
    lab.done("run");
    // A run that stays in its hook.
    const held = join(lab.folder, "held");
    lab.settings = { target: remote(), before: ["sh", "-c", 'echo >"$1"; sleep 60', "sh", held] };
    const holder = lab.begin("run");
    const exited = once(holder, "exit");
    while (!existsSync(held)) await sleep(50);
    lab.settings = { target: remote() };
    lab.patch("open_target 60\n", "open_target 1\n");
    const { status, said } = lab.run("run");
    assert.equal(status, 75, said);
    assert.match(said, /is in use: process \d+ on \S+ since \d{4}-/);
    process.kill(-holder.pid!, "SIGKILL");
    await exited;
    await sleep(500);
    lab.done("run");
  });

  it("fails, publishes nothing and names the other machine when it cannot be reached", () => {
    lab.settings = { target: { ...remote(), options: { ...remote().options, IdentityFile: sshd!.path("stranger") } } };
    const { status, said } = lab.run("run");
    assert.equal(status, 1);
    assert.match(said, /Permission denied[^]*cannot make a repository at root@127\.0\.0\.1:/);
    assert.ok(!existsSync(far));
  });

  it("keeps copies in several places, each with all points, from which it restores too", () => {
    const near = join(lab.folder, "near");
    lab.settings = { target: [lab.target, near, remote()], split: "40KiB" };
    lab.done("run");
    writeFileSync(join(lab.source, "more"), "more");
    const { said } = lab.done("run");
    assert.match(said, /copied 1 runs to .*near\/job\ncopied 1 runs to root@127\.0\.0\.1:/);
    const runs = lab.points().map(({ run }) => run);
    for (const other of [join(near, "job"), repository()])
      assert.deepEqual(
        lab.points(other).map(({ run }) => run),
        runs,
      );
    // The first is lost; another one has all.
    rmSync(lab.repository, { recursive: true });
    for (const target of ["2", "3"])
      assert.deepEqual(differences(look(lab.source), look(lab.restored(runs[1]!, "--target", target))), []);
    assert.match(lab.done("verify", "--all", "--target", "3").said, /2 runs, whole/);
  });

  it("makes up for copies that failed, without what is spoilt", () => {
    const near = join(lab.folder, "near");
    writeFileSync(near, "a file is in the way");
    lab.settings = { target: [lab.target, near] };
    const { status, said } = lab.run("run");
    assert.equal(status, 1);
    assert.match(said, /published[^]*cannot write to .*near\/job[^]*the copy on target 2 failed/);
    rmSync(near);
    lab.done("run");
    assert.equal(lab.points(join(near, "job")).length, 2);
    writeFileSync(join(lab.source, "more"), "more");
    lab.settings = { target: lab.target };
    lab.done("run");
    const spoilt = lab.points()[2]!;
    appendFileSync(join(spoilt.folder, `job-${spoilt.run}.tar.zst.000001`), "x");
    lab.settings = { target: [lab.target, near] };
    assert.match(lab.run("run").said, /000001: what arrived is not what was written\n[^]*could not be copied/);
    assert.equal(lab.points(join(near, "job")).length, 2);
  });
});
