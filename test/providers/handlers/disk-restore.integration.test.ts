import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DiskRestoreHandler } from "../../../providers/handlers/disk-restore";
import { DomainHandler } from "../../../providers/handlers/domain";
import { GuestBackupHandler } from "../../../providers/handlers/guest-backup";
import { AgentMachine } from "../../../providers/machine/agent-machine";
import { agentOf } from "../../../providers/machine/libvirt-domain";
import { machineImageOr, type MachineImage } from "../../lab/machine-image";
import { GuestFiles } from "./guest-files";
import { OwnLibvirt } from "./own-libvirt";
import { Played } from "./played";

const name = `kvm-test-${process.pid}`;
const program = `/usr/local/sbin/kvm-guest-backup-${name}`;

/** Fails where the file system is not whole, as it was frozen. */
const looksInto =
  "qemu-img convert -O raw $KVM_BACKUP_FOLDER/vda.qcow2 $KVM_BACKUP_FOLDER/raw && e2fsck -fn $KVM_BACKUP_FOLDER/raw";

describe("a guest that is backed up while it writes", function () {
  this.timeout(480_000);
  let libvirt: OwnLibvirt;
  let files: GuestFiles;
  let image: MachineImage;
  const guest = new Played(new DomainHandler());
  const other = new Played(new DomainHandler());
  const job = new Played(new GuestBackupHandler());
  const disk = new Played(new DiskRestoreHandler());

  before(async function () {
    image = await machineImageOr(this);
    libvirt = await OwnLibvirt.start(this);
    files = new GuestFiles();
    const root = join(files.folder, "root.qcow2");
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image.path, root]);
    chmodSync(files.folder, 0o711);
    await guest.up(machine("guest", root));
    await job.up({
      ...{ connection: libvirt.uri, machine: { kind: "local" }, guest: "guest", name, schedule: "never" },
      target: join(files.folder, "target"),
      drill: "weekly",
      check: ["sh", "-ec", looksInto],
    });
  });

  after(async () => {
    for (const each of [job, disk, guest, other]) await each.destroy();
    await libvirt?.stop();
    files?.remove();
  });

  const machine = (called: string, path: string) => ({
    ...{ connection: libvirt.uri, name: called, memory: "384MiB", vcpus: 2, accelerator: "tcg", autostart: false },
    ...{ kernel: image.kernel, initrd: image.initrd, cmdline: image.cmdline, disks: [{ path }] },
    ...{ agent: true, ready: { agent: true, timeout: "200s" } },
  });
  const agent = async (called: string) => {
    const domain = await libvirt.connection.domainLookupByName(called);
    return agentOf(called, libvirt.connection, domain);
  };
  const inside = async (called: string, script: string) => {
    const place = new AgentMachine(called, await agent(called));
    return (await place.run(["sh", "-c", script])).stdout.trim();
  };
  const frozen = async () => {
    const ask = await agent("guest");
    return (JSON.parse(await ask('{"execute":"guest-fsfreeze-status"}', 30)) as { return: string }).return;
  };
  const repository = () => join(files.folder, "target", name);
  const manifests = () =>
    readdirSync(repository(), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".json"))
      .sort()
      .map((path) => JSON.parse(readFileSync(join(repository(), path), "utf8")) as { [field: string]: unknown });
  /** The guest writes on; what it counts to. */
  const busy = async (also = ":") =>
    Number(
      await inside(
        "guest",
        `n=$(cat /var/count); while [ "$(cat /var/count)" = "$n" ]; do sleep 0.1; done; ${also}; cat /var/count`,
      ),
    );

  it("is thawed when the run is killed that froze it", async () => {
    await inside(
      "guest",
      "setsid sh -c 'n=0; while :; do n=$((n + 1)); head -c 20000 /dev/urandom >/var/noise; echo $n >/var/new; sync /var/new; mv /var/new /var/count; sleep 0.1; done' >/dev/null 2>&1 </dev/null & while [ ! -e /var/count ]; do sleep 0.1; done",
    );
    const bin = join(files.folder, "bin");
    mkdirSync(bin);
    const begun = join(bin, "begun");
    writeFileSync(
      join(bin, "virsh"),
      `#!/bin/sh\ncase "$*" in *backup-begin*) : >'${begun}'; exec sleep 300 ;; esac\nexec /usr/bin/virsh "$@"\n`,
      { mode: 0o755 },
    );
    const run = spawn(program, ["run"], {
      detached: true,
      stdio: "ignore",
      env: { ...process.env, PATH: `${bin}:${process.env["PATH"]}` },
    });
    const ended = once(run, "exit");
    while (!existsSync(begun)) await sleep(20);
    assert.equal(await frozen(), "frozen");
    process.kill(-run.pid!, "SIGKILL");
    await ended;
    while ((await frozen()) !== "thawed") await sleep(50);
    await busy();
  });

  it("is frozen for the moment in which an image begins, and is restored to a guest that boots with what was written", async () => {
    execFileSync(program, ["run"], { stdio: "pipe" });
    const written = await busy("echo precious >/var/precious");
    execFileSync(program, ["run"], { stdio: "pipe" });
    assert.equal(await frozen(), "thawed");
    await job.refresh();
    assert.equal(job.state["health"], "ok");
    assert.ok(job.state["lastVerifiedRestore"]);
    assert.deepEqual(
      manifests().map(({ level, frozen: was, note }) => [level, was, note]),
      [
        [0, true, "no former point"],
        [1, true, ""],
      ],
    );
    await guest.destroy();
    const to = join(files.folder, "restored", "root.qcow2");
    const restore = { machine: { kind: "local" }, from: { kind: "local" }, repository: repository(), to };
    assert.deepEqual(await disk.preview(restore), []);
    await disk.up({ ...restore, retain: "delete" });
    await other.up(machine("other", to));
    const [precious, count, ...log] = (await inside("other", "cat /var/precious /var/count; dmesg")).split("\n");
    assert.equal(precious, "precious");
    assert.ok(Number(count) >= written, `${count} instead of ${written}`);
    // Frozen, a file system has nothing to make up for.
    assert.ok(log.length > 100);
    assert.doesNotMatch(log.join("\n"), /recovery complete|orphan/);
    await assert.rejects(
      disk.destroy(),
      /a guest runs on .*\/root\.qcow2\. Fix: delete the guest first, or set retain: "keep"$/,
    );
    await other.destroy();
    await disk.destroy();
    assert.ok(!existsSync(to));
  });
});
