import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DiskRestoreHandler } from "../../../providers/handlers/disk-restore";
import { DomainHandler } from "../../../providers/handlers/domain";
import { GuestBackupHandler } from "../../../providers/handlers/guest-backup";
import { open } from "../../../providers/libvirt/open";
import { skip } from "../../skip";
import { GuestJobLab } from "../backup/guest-job-lab";
import { PrivateSshd } from "../machine/private-sshd";
import { Played } from "./played";

describe("GuestBackup on this machine", function () {
  this.timeout(120_000);
  const name = `kvm-test-${process.pid}`;
  const program = `/usr/local/sbin/kvm-guest-backup-${name}`;
  let lab: GuestJobLab;
  const job = new Played(new GuestBackupHandler());

  before(async function () {
    lab = await GuestJobLab.start(this);
  });
  after(async () => {
    await job.destroy();
    await lab?.stop();
  });

  const args = () => ({
    connection: lab.libvirt.uri,
    machine: { kind: "local" },
    guest: lab.guest,
    name,
    target: `${lab.target}/new`,
    schedule: "never",
  });

  it("installs a job that runs, and is read, repaired and removed, and leaves images but no checkpoint", async () => {
    assert.deepEqual(await job.preview(args()), []);
    await job.up(args());
    assert.equal(job.state["health"], "no run yet");
    lab.write(0x11, 0, 65_536);
    execFileSync(program, ["run"], { stdio: "pipe" });
    execFileSync(program, ["run"], { stdio: "pipe" });
    assert.deepEqual(await job.refresh(), []);
    assert.equal(job.state["health"], "ok");
    assert.equal(job.state["points"], 2);
    assert.equal(job.state["note"], undefined);
    assert.equal(lab.checkpoints.length, 1);
    assert.deepEqual(await job.up(args()), []);
    await job.destroy();
    assert.deepEqual(lab.checkpoints, []);
    for (const path of [program, `/etc/kvm-guest-backup/${name}.conf`, `/var/lib/kvm-guest-backup/${name}`])
      assert.ok(!existsSync(path), path);
    assert.ok(existsSync(`${lab.target}/new/${name}`));
  });

  it("goes on with increments after its guest was renamed", async () => {
    const before = { ...args(), target: `${lab.target}/renamed` };
    await job.up(before);
    lab.write(0x31, 0, 65_536);
    execFileSync(program, ["run"], { stdio: "pipe" });
    lab.virsh("destroy", lab.guest);
    const guest = new Played(new DomainHandler());
    const shape = { connection: lab.libvirt.uri, adopt: lab.guest, name: lab.guest, state: "shutoff" };
    await guest.up(shape);
    assert.deepEqual(await guest.up({ ...shape, name: "renamed" }), ["name: live"]);
    assert.deepEqual(await job.up({ ...before, guest: "renamed" }), ["guest: live"]);
    lab.virsh("start", "renamed", "--paused");
    execFileSync(program, ["run"], { stdio: "pipe" });
    await job.refresh();
    assert.deepEqual(
      ["health", "points", "note"].map((output) => job.state[output]),
      ["ok", 2, undefined],
    );
    const image = join(lab.folder, "restored");
    execFileSync(program, ["restore", "--to", image], { stdio: "pipe" });
    assert.ok(lab.raw(image).equals(lab.content));
    lab.virsh("destroy", "renamed");
    assert.deepEqual(await guest.up(shape), ["name: live"]);
    assert.deepEqual(await job.up(before), ["guest: live"]);
    lab.virsh("start", lab.guest, "--paused");
    assert.equal(lab.checkpoints.length, 1);
    // What the job had of its former guest goes.
    assert.deepEqual(await job.up({ ...before, guest: "other" }), ["guest: live"]);
    assert.deepEqual(lab.checkpoints, []);
    await job.destroy();
  });

  it("is on a host that is reached over ssh alone, and its images are brought from there", async function () {
    const missing = PrivateSshd.missing();
    if (missing) skip(this, missing);
    const sshd = await PrivateSshd.start();
    const disk = new Played(new DiskRestoreHandler());
    try {
      const far = { ...args(), machine: sshd.spec(), connection: overSsh(sshd), target: `${lab.target}/far` };
      const connection = await open(far.connection);
      assert.equal((await connection.domainLookupByName(lab.guest)).name, lab.guest);
      await job.up(far);
      assert.deepEqual(await job.preview(far), []);
      for (const pattern of [0x41, 0x42]) {
        lab.write(pattern, 0, 65_536);
        execFileSync(program, ["run"], { stdio: "pipe" });
      }
      assert.deepEqual(await job.refresh(), []);
      assert.deepEqual([job.state["health"], job.state["points"]], ["ok", 2]);
      const to = join(lab.folder, "brought.qcow2");
      await disk.up({
        ...{ machine: { kind: "local" }, from: sshd.spec(), repository: `${far.target}/${name}`, to, retain: "delete" },
      });
      assert.ok(lab.raw(to).equals(lab.content));
      await disk.destroy();
      await job.destroy();
      assert.ok(!existsSync(program));
      assert.deepEqual(lab.checkpoints, []);
      connection.close();
    } finally {
      await disk.destroy();
      await job.destroy();
      await sshd.stop();
      sshd.remove();
    }
  });

  /** The lab's libvirtd as another machine reaches it. */
  function overSsh(sshd: PrivateSshd): string {
    const { port } = sshd.spec();
    const [command, netcat] = ["ssh", "nc"].map((tool) => join(lab.folder, tool)) as [string, string];
    const known = `-o IdentitiesOnly=yes -o UserKnownHostsFile='${sshd.path("known_hosts")}' -i '${sshd.path("client")}'`;
    writeFileSync(command, `#!/bin/sh\nexec ssh ${known} "$@"\n`, { mode: 0o755 });
    const pipes =
      'const socket = require("node:net").connect(process.argv[3]);\nprocess.stdin.pipe(socket).pipe(process.stdout);\n';
    writeFileSync(netcat, `#!${process.execPath}\n${pipes}`, { mode: 0o755 });
    const { searchParams } = new URL(lab.libvirt.uri);
    return `qemu+ssh://root@127.0.0.1:${port}/system?${new URLSearchParams({ socket: searchParams.get("socket")!, command, netcat, proxy: "netcat" })}`;
  }

  it("says what a guest's disks allow", async () => {
    const guest = new Played(new DomainHandler());
    const disk = { path: lab.makeDisk("plain.raw", "raw"), format: "raw" };
    const shape = { connection: lab.libvirt.uri, name: "other", memory: "32MiB", state: "shutoff", accelerator: "tcg" };
    await guest.up(shape);
    assert.deepEqual(await job.preview({ ...args(), guest: "other" }), [
      `guest backup ${name} on this machine: guest: guest other has no disk to back up. Fix: give it one, or use BackupJob on the guest`,
    ]);
    await guest.up({ ...shape, disks: [disk] });
    const lines: string[] = [];
    const log = console.log;
    console.log = (line: string) => void lines.push(line);
    try {
      assert.deepEqual(await job.preview({ ...args(), guest: "other" }), []);
    } finally {
      console.log = log;
    }
    assert.deepEqual(lines, [
      `guest backup ${name} on this machine: warning: every run is a full one: vda is raw, and only qcow2 disks keep track of what changes`,
    ]);
    await guest.destroy();
  });
});
