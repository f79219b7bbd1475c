import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { ImageFiles } from "../../../providers/image/image-files";
import { bootstrapParts, ImageBuilder } from "../../../providers/image/image-builder";
import { parseManifest } from "../../../providers/image/manifest";
import { recipeOf } from "../../../providers/image/recipe";
import { LocalMachine } from "../../../providers/machine/local-machine";
import { bootstrapImageSchema } from "../../../providers/schema/bootstrap-image";
import { skip } from "../../skip";
import { BootedGuest } from "./booted-guest";

const declared = {
  packages: ["nginx-light"],
  services: { nginx: false },
  files: { "/etc/demo/greeting": { content: "hello\n", mode: "0640" }, "/var/run/through-a-link": "x" },
};

function recipe(args: object) {
  return recipeOf(v.parse(bootstrapImageSchema, { machine: { kind: "local" }, directory: "/images", ...args }));
}

describe("image builder", function () {
  this.timeout(10 * 60_000);
  let folder: string;
  const machine = new LocalMachine();
  const built = recipe(declared);
  const progress: string[] = [];

  const build = (what = built, directory = folder, signal?: AbortSignal) =>
    new ImageBuilder(machine).build(what, directory, { signal, progress: (message) => progress.push(message) });
  const files = (directory = folder) => readdirSync(directory).sort();
  const whole = bootstrapParts.qcow2.map((part) => `${built.name}${part}`).sort();
  const emptyFolder = (name: string) => {
    const path = join(folder, name);
    mkdirSync(path);
    return path;
  };
  /** A process that builds and that we can kill. */
  const builder = (directory: string) => {
    const program = `
      const v = require("valibot");
      const { LocalMachine } = require("./providers/machine/local-machine");
      const { ImageBuilder } = require("./providers/image/image-builder");
      const { recipeOf } = require("./providers/image/recipe");
      const { bootstrapImageSchema } = require("./providers/schema/bootstrap-image");
      const [, directory] = process.argv;
      const recipe = recipeOf(v.parse(bootstrapImageSchema, { machine: { kind: "local" }, directory }));
      new ImageBuilder(new LocalMachine()).build(recipe, directory, { progress: console.log });`;
    return spawn(process.execPath, ["-r", "ts-node/register", "-e", program, directory], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  };
  const processes = (mark: string) =>
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(mark);
        } catch {
          return false;
        }
      });

  before(async function () {
    if (process.getuid?.() !== 0) skip(this, "needs root, to make a file system with root's files");
    for (const tool of ["mmdebstrap", "mke2fs", "qemu-img"])
      if (!existsSync(`/usr/bin/${tool}`) && !existsSync(`/sbin/${tool}`)) skip(this, `needs ${tool}`);
    folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-image-"));
    const mounts = readFileSync("/proc/mounts", "utf8");
    // Two at once: one builds, the other waits for it.
    const results = await Promise.all([build(), build()]);
    assert.deepEqual(results, [true, true]);
    assert.equal(readFileSync("/proc/mounts", "utf8"), mounts);
  });

  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  it("makes the disk, the kernel, its RAM disk and the manifest, and nothing else", () => {
    assert.deepEqual(files(), whole);
    const info = JSON.parse(
      execFileSync("qemu-img", ["info", "--output=json", join(folder, `${built.name}.qcow2`)]).toString(),
    );
    assert.equal(info["virtual-size"], 4 * 2 ** 30);
    assert.ok(info["actual-size"] < 2 ** 30);
    const manifest = parseManifest(readFileSync(join(folder, `${built.name}.manifest`)));
    assert.match(manifest.os, /^Debian GNU\/Linux 12/);
    assert.match(manifest.kernelRelease!, /^6\.1/);
    assert.ok(manifest.packages["nginx-light"]);
    assert.ok(!manifest.packages["initramfs-tools"]);
  });

  it("tells the stages, and that the second one waits", () => {
    const stages = progress.map((line) => line.replace(/ \(\d+ s\)$/, ""));
    for (const stage of ["reading package lists", "installing packages", "customising", "writing the image"])
      assert.ok(stages.includes(stage), stage);
    assert.ok(stages.some((stage) => /^waiting for (another build of it|other images)$/.test(stage)));
  });

  it("builds nothing that is there", async () => {
    progress.length = 0;
    assert.equal(await build(), false);
    assert.deepEqual(progress, []);
  });

  it("boots: the agent answers, all units run, the disk has grown", async function () {
    if (!existsSync("/usr/bin/qemu-system-x86_64")) skip(this, "needs qemu-system-x86_64");
    const path = (part: string) => join(folder, `${built.name}${part}`);
    const image = {
      path: path(".qcow2"),
      kernel: path("-vmlinuz"),
      initrd: path("-initrd"),
      cmdline: "root=/dev/vda rw console=ttyS0 net.ifnames=0",
    };
    const guest = new BootedGuest(image, emptyFolder("guest"), { size: "6G", words: "systemd.hostname=demo-1" });
    try {
      await guest.ready();
      assert.equal(
        await guest.run("systemctl is-system-running --wait"),
        "running",
        await guest.run("systemctl --failed"),
      );
      assert.equal(await guest.run("hostname"), "demo-1");
      assert.equal(await guest.run("cat /etc/demo/greeting; stat -c %a /etc/demo/greeting"), "hello\n640");
      assert.equal(await guest.run("systemctl is-enabled nginx"), "disabled");
      assert.match(await guest.run("cat /etc/machine-id"), /^[0-9a-f]{32}$/);
      assert.ok(Number(await guest.run("df -B1 --output=size / | tail -1")) > 5 * 2 ** 30);
      assert.match(await guest.run("ip -4 -o address show eth0"), /10\.0\.2\.15/);
      assert.equal(await guest.run("readlink -f /etc/resolv.conf"), "/run/systemd/resolve/stub-resolv.conf");
      assert.equal(await guest.run("getent shadow root | cut -d: -f2"), "*");
      assert.equal(await guest.run("ls /etc/apt/apt.conf.d /etc/dpkg/dpkg.cfg.d | grep kvm-build"), "");
      assert.equal(await guest.run("ls /tmp /var/tmp | grep -v systemd"), "/tmp:\n\n/var/tmp:");
    } finally {
      await guest.stop();
    }
  });

  it("keeps what an overlay is on, and removes what none is", async () => {
    const copy = emptyFolder("copy");
    const kept = new ImageFiles(machine, copy, built.name, bootstrapParts.qcow2);
    for (const part of bootstrapParts.qcow2) writeFileSync(join(copy, `${built.name}${part}`), "");
    execFileSync("cp", [join(folder, `${built.name}.qcow2`), copy]);
    const overlay = join(copy, "over lay.qcow2");
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", kept.path(".qcow2"), overlay]);
    assert.deepEqual(await kept.discard(), [overlay]);
    assert.equal(files(copy).length, 5);

    rmSync(join(copy, `${built.name}-vmlinuz`));
    await assert.rejects(build(built, copy), { name: "OperatorError", message: /overlays of it.*over lay\.qcow2/ });

    rmSync(overlay);
    assert.deepEqual(await kept.discard(), []);
    assert.deepEqual(files(copy), []);
    assert.deepEqual(await kept.discard(), []);
  });

  it("names a package that does not exist, and leaves nothing", async () => {
    const directory = emptyFolder("unknown");
    await assert.rejects(build(recipe({ packages: ["nginx-lihgt"] }), directory), {
      name: "OperatorError",
      message: /there is no package nginx-lihgt\. Fix: check its spelling/,
    });
    assert.deepEqual(files(directory), []);
  });

  it("says that the mirror does not answer", async () => {
    const directory = emptyFolder("offline");
    await assert.rejects(build(recipe({ mirror: "http://127.0.0.1:9/debian" }), directory), {
      name: "OperatorError",
      message: /cannot reach the package mirror\. Fix: check its network/,
    });
    assert.deepEqual(files(directory), []);
  });

  it("says that the folder is missing", async () => {
    await assert.rejects(build(built, join(folder, "nowhere")), {
      name: "OperatorError",
      message: /nowhere does not exist\. Fix: declare the pool/,
    });
  });

  it("leaves nothing when it is stopped, and when the process that asked is killed", async () => {
    const mounts = readFileSync("/proc/mounts", "utf8");
    const directory = emptyFolder("killed");
    const controller = new AbortController();
    const seen: string[] = [];
    const stopped = new ImageBuilder(machine).build(recipe({}), directory, {
      signal: controller.signal,
      progress: (message) => void (seen.push(message), message.startsWith("unpacking") && controller.abort()),
    });
    await assert.rejects(stopped);
    assert.ok(seen.some((message) => message.startsWith("unpacking")));
    assert.deepEqual(files(directory), []);
    assert.deepEqual(processes(directory), []);

    const child = builder(directory);
    let output = "";
    child.stdout!.on("data", (data) => (output += data));
    while (!output.includes("unpacking")) await sleep(50);
    child.kill("SIGKILL");
    for (let i = 0; i < 100 && (processes(directory).length > 0 || files(directory).length > 0); i++) await sleep(100);
    assert.deepEqual(processes(directory), []);
    assert.deepEqual(files(directory), []);
    assert.equal(readFileSync("/proc/mounts", "utf8"), mounts);
  });

  it("clears what a killed build left", async () => {
    const directory = emptyFolder("stale");
    writeFileSync(join(directory, ".kvm-image.debian-bookworm-000000000000.qcow2"), "");
    mkdirSync(join(directory, ".kvm-image.debian-bookworm-000000000000.scratch"));
    await assert.rejects(build(recipe({ mirror: "http://127.0.0.1:9/debian" }), directory));
    assert.deepEqual(files(directory), []);
  });

  it("leaves alone what another image's build has in the folder", async () => {
    const directory = emptyFolder("together");
    const other = ".kvm-image.debian-bookworm-000000000000.qcow2";
    writeFileSync(join(directory, other), "");
    const holder = spawn("flock", ["--shared", directory, "sh", "-c", "echo held; cat"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(holder.stdout, "data");
    await assert.rejects(build(recipe({ mirror: "http://127.0.0.1:9/debian" }), directory));
    assert.deepEqual(files(directory), [other]);
    holder.stdin.end();
    await once(holder, "close");
  });
});
