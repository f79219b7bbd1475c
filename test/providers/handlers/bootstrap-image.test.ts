import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { BootstrapImageHandler } from "../../../providers/handlers/bootstrap-image";
import { recipeOf } from "../../../providers/image/recipe";
import { LocalMachine } from "../../../providers/machine/local-machine";
import { UnreachableError } from "../../../providers/machine/unreachable-error";
import { bootstrapImageSchema } from "../../../providers/schema/bootstrap-image";
import { skip } from "../../skip";
import { Played } from "./played";

/** A host with empty hands: no program of a build is installed, and the user is not root. */
class BareMachine extends LocalMachine {
  override async run() {
    const stdout = "folder\n\nmissing mmdebstrap\nmissing mke2fs\n";
    return { exitCode: 0, stdout, stderr: "", truncated: false };
  }
}

class LostMachine extends LocalMachine {
  override async run(): Promise<never> {
    throw new UnreachableError("ssh kvm1", "no route to host");
  }
}

describe("bootstrap image handler", () => {
  let folder: string;
  let args: { machine: { kind: "local" }; directory: string; packages: string[] };
  let name: string;

  /** What an earlier build left: the handler finds it and builds nothing. */
  const built = () => {
    for (const part of ["-vmlinuz", "-initrd", ".qcow2"]) writeFileSync(join(folder, name + part), "");
    writeFileSync(join(folder, `${name}.manifest`), "kernel 6.1.0-1-cloud-amd64\nos Debian GNU/Linux 12\nbash 5.2\n");
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-handler-"));
    args = { machine: { kind: "local" }, directory: folder, packages: ["nginx"] };
    name = recipeOf(v.parse(bootstrapImageSchema, args)).name;
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it("goes before its successor only where both have one name", () => {
    const handler = new BootstrapImageHandler();
    const inputs = (more: object) => v.parse(bootstrapImageSchema, { ...args, ...more });
    const first = (more: object) => handler.deleteBeforeReplace(inputs({}), inputs(more));
    assert.deepEqual([first({}), first({ packages: ["apache2"] }), first({ directory: "/srv" })], [true, false, false]);
  });

  it("takes over what was built before, and removes it at the end", async () => {
    built();
    const image = new Played(new BootstrapImageHandler());
    assert.deepEqual(await image.preview(args), []);
    await image.up(args);
    const { path, kernel, initrd, cmdline, format, hash, os, kernelRelease, size } = image.state;
    assert.deepEqual(
      { path, kernel, initrd, cmdline, format, hash, os, kernelRelease, size },
      {
        path: join(folder, `${name}.qcow2`),
        kernel: join(folder, `${name}-vmlinuz`),
        initrd: join(folder, `${name}-initrd`),
        cmdline: "root=/dev/vda rw console=ttyS0 net.ifnames=0",
        format: "qcow2",
        hash: name.slice(-12),
        os: "Debian GNU/Linux 12",
        kernelRelease: "6.1.0-1-cloud-amd64",
        size: "4GiB",
      },
    );
    assert.equal(image.recorded!.id, path);
    assert.deepEqual(await image.up(args), []);
    assert.deepEqual(await image.refresh(), []);
    await image.destroy();
    assert.deepEqual(readdirSync(folder), []);
  });

  it("is a folder with a manifest for containers", async () => {
    const folderArgs = { ...args, format: "directory" };
    const { name: label } = recipeOf(v.parse(bootstrapImageSchema, folderArgs));
    mkdirSync(join(folder, `${label}.root`));
    writeFileSync(join(folder, `${label}.manifest`), "kernel \nos Debian GNU/Linux 12\nbash 5.2\n");
    const image = new Played(new BootstrapImageHandler());
    await image.up(folderArgs);
    const { path, kernel, size, os, kernelRelease } = image.state;
    assert.deepEqual([path, os], [join(folder, `${label}.root`), "Debian GNU/Linux 12"]);
    assert.deepEqual([kernel, size, kernelRelease], [undefined, undefined, undefined]);
    assert.deepEqual(await image.refresh(), []);
    await image.destroy();
    assert.deepEqual(readdirSync(folder), []);
  });

  it("is gone when one of its files is", async () => {
    built();
    const image = new Played(new BootstrapImageHandler());
    await image.up(args);
    rmSync(image.state["kernel"]);
    assert.deepEqual(await image.refresh(), ["gone"]);
  });

  it("keeps its files when told so, which is no reason for a new image", async () => {
    built();
    const image = new Played(new BootstrapImageHandler());
    await image.up(args);
    assert.deepEqual(await image.up({ ...args, retain: "keep" }), ["retain: live"]);
    await image.destroy();
    assert.equal(readdirSync(folder).length, 4);
  });

  it("keeps its files while a disk is an overlay of them", async function () {
    if (!existsSync("/usr/bin/qemu-img")) skip(this, "needs qemu-img");
    built();
    const image = new Played(new BootstrapImageHandler());
    await image.up(args);
    const base = image.state["path"];
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", base, "16M"]);
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, join(folder, "web.qcow2")]);
    await image.destroy();
    assert.equal(readdirSync(folder).length, 5);
  });

  it("asks at preview whether the host can build it", async () => {
    const reasons = await new Played(new BootstrapImageHandler(() => new BareMachine())).preview(args);
    assert.equal(reasons.length, 2);
    assert.match(reasons[0]!, /^debian bookworm image in .* on this machine: machine: .*other user than root/);
    assert.match(
      reasons[1]!,
      /mmdebstrap, mke2fs are not installed on this machine\. Fix: apt-get install mmdebstrap e2fsprogs/,
    );
    assert.deepEqual(await new Played(new BootstrapImageHandler(() => new LostMachine())).preview(args), []);
  });

  it("makes another image of whatever changes its content", async () => {
    built();
    const image = new Played(new BootstrapImageHandler());
    await image.up(args);
    await assert.rejects(image.up({ ...args, packages: [] }), /would be replaced/);
  });
});
