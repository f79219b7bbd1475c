import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { skip } from "../skip";
import { JobLab } from "../providers/backup/job-lab";
import { Project } from "./project";

describe("a backup job of a program", function () {
  this.timeout(300_000);
  const name = `kvm-e2e-${process.pid}`;
  const program = `/usr/local/sbin/kvm-backup-${name}`;
  let project: Project | undefined;
  let folder: string;

  const declared = (keep: number) => `
    const job = new kvm.BackupJob("data", {
      machine: { kind: "local" }, name: "${name}", paths: ["${folder}/data"], target: "${folder}/target",
      schedule: "never", keep: { last: ${keep} },
    });
    exports.health = job.health;
    exports.proof = job.lastVerifiedRestore;`;

  before(async function () {
    const missing = JobLab.missing();
    if (missing) skip(this, missing);
    folder = mkdtempSync("/var/tmp/kvm-backup-test-");
    mkdirSync(join(folder, "data"));
    writeFileSync(join(folder, "data", "file"), "first");
    project = await Project.create(declared(2));
  });

  after(async () => {
    await project?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  /** As npm run restore does. */
  const restore = (...words: string[]) =>
    promisify(execFile)(
      process.execPath,
      [join(__dirname, "../../dist/restore.js"), "data", "--stack", "test", ...words],
      { cwd: project!.folder, env: project!.environment },
    );

  it("is made, runs on its own, and is proven in the outputs", async () => {
    await project!.up();
    assert.deepEqual(await project!.plan(), []);
    execFileSync(program, ["run"], { stdio: "pipe" });
    await project!.refresh();
    // Pulumi computes a stack's outputs in an up only.
    await project!.up();
    const { health, proof } = await project!.outputs<{ health: string; proof: string }>();
    assert.equal(health, "ok");
    assert.ok(Date.now() - Date.parse(proof) < 120_000);
    assert.deepEqual(await project!.plan(), []);
  });

  it("shows in every preview that its last run failed", async () => {
    rmSync(join(folder, "data"), { recursive: true });
    assert.throws(() => execFileSync(program, ["run"], { stdio: "pipe" }));
    const { stdout } = await project!.pulumi("preview");
    assert.match(stdout, new RegExp(`backup ${name} on this machine: warning: failed: ${folder}/data is not there`));
    assert.deepEqual(await project!.plan(), []);
  });

  it("brings back what was lost", async () => {
    const { stdout } = await restore();
    assert.match(stdout, /^POINT .*\n\d{8}T\d{6}Z-0 .* full /);
    assert.match((await restore("--path", "file")).stdout, /^f .* 5 .*\/data\/file$/m);
    await restore("--to", join(folder, "out"));
    assert.equal(readFileSync(join(folder, "out", folder, "data", "file"), "utf8"), "first");
    await assert.rejects(restore("--to", join(folder, "out")), { code: 1, stderr: /is not empty\. Fix: / });
  });

  it("changes in place, and goes without its backups", async () => {
    mkdirSync(join(folder, "data"));
    await project!.write(declared(3));
    assert.deepEqual(await project!.plan(), ["update TarBackup data"]);
    await project!.up();
    execFileSync(program, ["run"], { stdio: "pipe" });
    await project!.destroy();
    assert.ok(!existsSync(program));
    assert.ok(existsSync(join(folder, "target", name, "README")));
  });
});
