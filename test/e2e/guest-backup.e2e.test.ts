import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { LocalHost } from "./local-host";
import { Project } from "./project";

/** What the program declares beside the pool: the guest, a job of its disk, and a disk that is restored from it. */
interface Shape {
  guest?: boolean;
  keep: number;
  full?: number;
  schedule?: string;
  restored?: boolean;
}

describe("images of a guest's disk in a stack", function () {
  this.timeout(300_000);
  let host: LocalHost;
  let project: Project | undefined;
  let program: string;
  let config: string;
  let target: string;

  before(async function () {
    host = await LocalHost.prepare(this, "e2e-images");
    program = `/usr/local/sbin/kvm-guest-backup-${host.label}`;
    config = `/etc/kvm-guest-backup/${host.label}.conf`;
    target = join(host.folder, "target");
    project = await Project.create(declared({ keep: 2 }));
  });

  after(async () => {
    await project?.dispose();
    await host?.dispose();
  });

  function declared({ guest = true, keep, full, schedule = "never", restored = false }: Shape): string {
    const { kernel, initrd, cmdline } = host.guest;
    const boot = JSON.stringify({ kernel, initrd, cmdline, memory: "96MiB", ready: { agent: true, timeout: "3m" } });
    return `
      const name = ${JSON.stringify(host.label)};
      const here = { machine: { kind: "local" }, connection: "qemu:///system" };
      const pool = new kvm.StoragePool("pool", { name, path: ${JSON.stringify(join(host.folder, "pool"))} });
      const disk = new kvm.Volume("disk", { pool: pool.name, name: "disk.qcow2", capacity: "8MiB", retain: "delete" });
      const guest = ${guest} && new kvm.Domain("guest", { ...${boot}, name, disks: [{ path: disk.path }] });
      const job = new kvm.GuestBackup("images", {
        host: here, guest: guest || name, name, target: ${JSON.stringify(target)}, keep: { last: ${keep} },
        drill: "weekly", full: ${full}, schedule: ${JSON.stringify(schedule)},
      });
      ${restored} && new kvm.DiskRestore("restored", {
        machine: here.machine, repository: pulumi.interpolate\`\${job.target}/\${job.name}\`,
        to: ${JSON.stringify(join(host.folder, "restored.qcow2"))}, retain: "delete",
      });
      exports.health = job.health;
      exports.points = job.points;
      exports.proof = job.lastVerifiedRestore;`;
  }

  const run = () => execFileSync(program, ["run"], { stdio: "pipe" });
  const checkpoints = () => host.virsh("checkpoint-list", host.label, "--name");
  const write = (pattern: number) =>
    host.virsh(
      ...["qemu-monitor-command", host.label, "--hmp"],
      `qemu-io -d /machine/peripheral/virtio-disk0/virtio-backend "write -P ${pattern} 0 65536"`,
    );
  const firstByte = (image: string) => {
    const raw = join(host.folder, "raw");
    execFileSync("qemu-img", ["convert", "-O", "raw", image, raw]);
    return readFileSync(raw)[0];
  };
  const restore = (...words: string[]) =>
    promisify(execFile)(
      process.execPath,
      [join(__dirname, "../../dist/restore.js"), "images", "--stack", "test", ...words],
      { cwd: project!.folder, env: project!.environment },
    );

  it("are made while the guest runs, and told in the outputs", async () => {
    await project!.up();
    await write(0x11);
    run();
    await write(0x22);
    run();
    await project!.refresh();
    await project!.up();
    const { proof, ...told } = await project!.outputs<{ health: string; points: number; proof: string }>();
    assert.deepEqual(told, { health: "ok", points: 2 });
    assert.ok(Date.now() - Date.parse(proof) < 120_000);
    assert.deepEqual(await project!.plan(), []);
  });

  it("are restored by an operator, and by the program", async () => {
    const { stdout } = await restore();
    const runs = [...stdout.matchAll(/^(\d{8}T\d{6}Z) chain \S+ level ([01]), disks vda/gm)].map(([, point]) => point!);
    assert.equal(runs.length, 2);
    const to = join(host.folder, "by-hand.qcow2");
    await restore("--at", runs[0]!, "--disk", "vda", "--to", to);
    assert.equal(firstByte(to), 0x11);
    await assert.rejects(restore("--to", to), {
      code: 1,
      stderr: /by-hand\.qcow2 exists: nothing is overwritten\. Fix: /,
    });
    await assert.rejects(restore("--path", "/etc"), {
      code: 2,
      stderr: /--path is of jobs that have files \(BackupJob\)/,
    });
    await project!.write(declared({ keep: 2, restored: true }));
    assert.deepEqual(await project!.plan(), ["create DiskRestore restored"]);
    await project!.up();
    assert.equal(firstByte(join(host.folder, "restored.qcow2")), 0x22);
  });

  it("are kept in another way in place, and repaired where something was changed", async () => {
    await project!.write(declared({ keep: 1, full: 1, restored: true }));
    assert.deepEqual(await project!.plan(), ["update GuestBackup images"]);
    await project!.up();
    assert.match(readFileSync(config, "utf8"), /^full 1\n(.*\n)*keep last 1$/m);
    run();
    // Beside the newest chain the one that a drill proved.
    assert.equal(readdirSync(join(target, host.label)).length, 2);
    appendFileSync(program, "# by hand\n");
    rmSync(config);
    await project!.refresh();
    assert.deepEqual(await project!.plan(), ["update GuestBackup images"]);
    await project!.up();
    run();
  });

  it("hold up no deletion of the guest, and stay when the job goes", async () => {
    assert.match(await checkpoints(), /^kvm-/);
    await project!.write(declared({ guest: false, keep: 1, full: 1, restored: true }));
    await project!.up();
    assert.throws(run);
    const { stdout } = await project!.pulumi("preview");
    assert.match(
      stdout,
      new RegExp(`guest backup ${host.label} on this machine: warning: failed: guest ${host.label}: `),
    );
    await project!.destroy();
    assert.ok(!existsSync(program) && !existsSync(join(host.folder, "restored.qcow2")));
    const chains = readdirSync(join(target, host.label)).sort();
    assert.equal(chains.length, 2);
    assert.equal(readdirSync(join(target, host.label, chains[1]!)).length, 2);
  });
});
