import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { skip } from "../skip";
import { ended, FaultHost, struck } from "./fault-host";
import { Project } from "./project";

/** What Ctrl-C is in a terminal, pressed once or twice. */
function press(times: number): (group: number) => Promise<void> {
  return async (group) => {
    for (let pressed = 0; pressed < times; pressed++) {
      if (pressed > 0) await sleep(1000);
      process.kill(-group, "SIGINT");
    }
  };
}

describe("Ctrl-C while an image is built", function () {
  this.timeout(900_000);
  let folder: string;
  let project: Project;

  before(async function () {
    if (process.getuid?.() !== 0) skip(this, "needs root");
    for (const [program, argument] of [
      ["pulumi", "version"],
      ["mmdebstrap", "--version"],
      ["qemu-img", "--version"],
    ] as const)
      try {
        execFileSync(program, [argument], { stdio: "ignore" });
      } catch {
        skip(this, `needs ${program}`);
      }
    folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-interrupt-"));
    project = await Project.create(`
      const host = { machine: { kind: "local" }, pool: () => ({ path: ${JSON.stringify(folder)} }) };
      const image = new kvm.BootstrapImage("image", { host, size: "1GiB" });
      new kvm.Command("after", { machine: host.machine, create: ["true"] }, { dependsOn: image });
      exports.path = image.path;
    `);
  });

  after(async () => {
    await project?.dispose();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it("twice ends it at once, and leaves no file, process or mount", async () => {
    const { exitCode, printed } = await struck(project, "unpacking the base system", press(2));
    assert.notEqual(exitCode, 0);
    assert.match(printed, /press \^C again/);
    await ended(project);
    assert.deepEqual(readdirSync(folder), []);
    assert.doesNotMatch(readFileSync("/proc/mounts", "utf8"), /kvm-image/);
    assert.equal(execFileSync("ps", ["-eo", "args="]).includes(folder), false);
  });

  it("once lets it end, begins nothing more, and the next up goes on with what it made", async () => {
    const { exitCode, printed } = await struck(project, "unpacking the base system", press(1));
    assert.notEqual(exitCode, 0);
    assert.doesNotMatch(printed, /Command after creating/);
    const kinds = async () => (await project.state()).map(({ urn }) => urn.split("kvm:").at(-1)!);
    assert.ok((await kinds()).includes("BootstrapImage::image"));

    const { stdout } = await project.up();
    assert.doesNotMatch(stdout, /BootstrapImage image (creating|updating)/);
    assert.ok((await kinds()).includes("Command::after"));
    const { path } = await project.outputs<{ path: string }>();
    assert.ok(existsSync(path));
    await project.destroy();
    assert.deepEqual(readdirSync(folder), []);
  });
});

describe("Ctrl-C while a guest gets ready", function () {
  this.timeout(600_000);
  let host: FaultHost;

  before(async function () {
    host = await FaultHost.start(this);
  });

  after(() => host?.stop());

  it("twice ends the wait at once; the next up goes on, and destroy leaves nothing", async () => {
    const guest = (ready: string) =>
      `new kvm.Domain("mute", { connection, memory: "64MiB", accelerator: "tcg", autostart: false${ready} });`;
    // It has nothing to boot, and never answers.
    const project = await host.project(guest(', ready: { agent: true, timeout: "5m" }'));
    const { exitCode, printed } = await host.strike(project, "Domain mute creating", async (group) => {
      while (!host.virsh("list", "--name").includes("mute")) await sleep(200);
      await press(2)(group);
    });
    assert.notEqual(exitCode, 0);
    assert.match(printed, /terminating/);
    await ended(project);

    await project.write(host.program(guest("")));
    await project.up();
    assert.deepEqual(await project.plan(), []);
    assert.equal(host.virsh("list", "--name"), "mute");
    await project.destroy();
    assert.deepEqual(host.leftovers(), []);
  });
});
