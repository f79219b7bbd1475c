import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diagnostics, FaultHost } from "./fault-host";
import type { Project } from "./project";

const mebibyte = 2 ** 20;

describe("a pool that is full", function () {
  this.timeout(600_000);
  let host: FaultHost;
  let folder: string;
  let image: string;
  let project: Project;

  before(async function () {
    host = await FaultHost.start(this);
    folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-full-"));
    image = join(tmpdir(), `pulumi-kvm-full-${process.pid}.img`);
    writeFileSync(image, Buffer.alloc(24 * mebibyte, 1));
    // In the daemon's own mount namespace, where it ends with it.
    execFileSync("nsenter", [
      "-t",
      String(host.daemon.pid),
      "-m",
      "mount",
      "-t",
      "tmpfs",
      "-o",
      "size=16m",
      "t",
      folder,
    ]);
    project = await host.project(program());
  });

  after(async () => {
    await host?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
    if (image) rmSync(image, { force: true });
  });

  function program(...volumes: string[]): string {
    return `
      const pool = new kvm.StoragePool("full", { connection, path: ${JSON.stringify(folder)} });
      ${volumes.join("\n")}
    `;
  }

  function files(): string[] {
    return execFileSync("nsenter", ["-t", String(host.daemon.pid), "-m", "ls", "-A", folder])
      .toString()
      .split("\n")
      .filter((name) => name !== "");
  }

  for (const [what, shape] of [
    ["an image", () => `source: { path: ${JSON.stringify(image)} }, format: "raw"`],
    ["a volume that is wholly allocated", () => `capacity: "24MiB", format: "raw", preallocation: "full"`],
  ] as const)
    it(`refuses ${what} with how much there is and is needed, at preview where the pool is there`, async () => {
      const volume = `new kvm.Volume("big", { connection, pool: pool.name, ${shape()}, retain: "delete" });`;
      await project.write(host.program(program()));
      await project.up();
      await project.write(host.program(program(volume)));
      const reason = /storage pool full has 1[56] MiB free, 24 MiB are needed\. Fix: make room on the host/;
      for (const argv of [["preview"], ["up", "--yes", "--skip-preview"]]) {
        const { exitCode, stdout } = await project.attempt(...argv);
        assert.notEqual(exitCode, 0);
        assert.match(diagnostics(stdout), reason);
      }
      assert.deepEqual(files(), []);
    });

  it("leaves nothing where it fills up in the middle, and the next up goes on with an image that fits", async () => {
    writeFileSync(image, Buffer.alloc(10 * mebibyte, 1));
    const two = ["one", "two"].map(
      (name) =>
        `new kvm.Volume("${name}", { connection, pool: pool.name, source: { path: ${JSON.stringify(image)} }, format: "raw", retain: "delete" });`,
    );
    await project.write(host.program(program(...two)));
    const { exitCode, stdout } = await project.attempt("up", "--yes", "--skip-preview");
    assert.notEqual(exitCode, 0);
    assert.match(
      diagnostics(stdout),
      /volume full\/(one|two) on \S+: .*storage pool full has \d+ MiB free, 10 MiB are needed\. Fix: make room/,
    );
    assert.equal(files().length, 1, files().join(" "));

    writeFileSync(image, Buffer.alloc(5 * mebibyte, 1));
    await project.write(host.program(program(...two)));
    await project.up();
    assert.deepEqual(files().sort(), ["one", "two"]);
    await project.destroy();
    assert.deepEqual(files(), []);
    assert.deepEqual(readdirSync(folder), []);
  });
});
