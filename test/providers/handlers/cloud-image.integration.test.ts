import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudImageHandler } from "../../../providers/handlers/cloud-image";
import { SshMachine } from "../../../providers/machine/ssh-machine";
import { FileServer } from "../image/file-server";
import { PrivateSshd } from "../machine/private-sshd";
import { skip } from "../../skip";
import { Played } from "./played";

describe("cloud image handler", function () {
  this.timeout(60_000);
  let folder: string;
  let server: FileServer;
  let args: { machine: object; directory: string; url: string; checksum: string };

  beforeEach(async function () {
    if (!existsSync("/usr/bin/curl") || !existsSync("/usr/bin/qemu-img")) skip(this, "needs curl and qemu-img");
    folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-cloud-"));
    const source = join(folder, "source");
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", source, "2G"]);
    const content = readFileSync(source);
    rmSync(source);
    server = await new FileServer(content).listen();
    server.texts["/SHA512SUMS"] = `${createHash("sha512").update(content).digest("hex")}  debian.qcow2\n`;
    args = {
      machine: { kind: "local" },
      directory: folder,
      url: server.url("/debian.qcow2"),
      checksum: server.url("/SHA512SUMS"),
    };
  });

  afterEach(async () => {
    await server?.close();
    if (folder) rmSync(folder, { recursive: true });
  });

  it("downloads, stays as it is, is found gone, and is removed", async () => {
    const image = new Played(new CloudImageHandler());
    await image.up(args);
    const { path, format, size, digest } = image.state;
    assert.deepEqual(readdirSync(folder), [path.slice(folder.length + 1)]);
    assert.equal(image.recorded!.id, path);
    assert.deepEqual({ format, size }, { format: "qcow2", size: "2GiB" });
    assert.match(digest, /^sha512:[0-9a-f]{128}$/);

    server.texts["/SHA512SUMS"] = "";
    assert.deepEqual(await image.refresh(), []);
    assert.deepEqual(await image.up(args), []);
    assert.deepEqual(await image.up({ ...args, retain: "keep" }), ["retain: live"]);
    assert.deepEqual(await image.up({ ...args, retain: "delete" }), ["retain: live"]);

    const overlay = join(folder, "root.qcow2");
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", path, overlay]);
    const other = new Played(new CloudImageHandler());
    other.recorded = structuredClone(image.recorded);
    await other.destroy();
    assert.ok(existsSync(path));
    rmSync(overlay);
    await image.destroy();
    assert.deepEqual(readdirSync(folder), []);
    other.recorded = { id: path, inputs: args, state: { ...args, path, retain: "delete" } };
    assert.deepEqual(await other.refresh(), ["gone"]);
  });

  it("works on a host that is reached over ssh", async function () {
    const missing = PrivateSshd.missing();
    if (missing) skip(this, missing);
    const sshd = await PrivateSshd.start();
    try {
      const spec = sshd.spec();
      const machine = new SshMachine(spec);
      const image = new Played(new CloudImageHandler(() => machine));
      await image.up({ ...args, machine: spec });
      assert.ok(existsSync(image.state["path"]));
      await image.destroy();
      assert.deepEqual(readdirSync(folder), []);
    } finally {
      await sshd.stop();
    }
  });
});
