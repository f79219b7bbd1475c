import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { RootFilesystemHandler } from "../../../providers/handlers/root-filesystem";
import { skip } from "../../skip";
import { Played, scratch } from "./local-libvirt";

describe("root folders", function () {
  this.timeout(30_000);
  let folder: ReturnType<typeof scratch>;
  let played: Played;
  let args: { [field: string]: unknown };
  const source = () => join(folder.path, "source");
  const root = (...path: string[]) => join(folder.path, "roots", "web", ...path);
  const text = (...path: string[]) => readFileSync(root(...path), "utf8");
  const left = () => readdirSync(join(folder.path, "roots")).sort();

  before(function () {
    if (process.getuid?.() !== 0) skip(this, "needs root, to give files to their owners");
  });

  beforeEach(() => {
    folder = scratch();
    for (const path of ["usr/bin", "etc/ssh", "var/lib/dbus"]) mkdirSync(join(source(), path), { recursive: true });
    for (const [path, content] of [
      ["etc/hosts", "127.0.0.1 localhost\n127.0.1.1 image\n"],
      ["etc/hostname", "image\n"],
      ["etc/machine-id", "0123\n"],
      ["etc/ssh/ssh_host_ed25519_key", "secret\n"],
      ["etc/ssh/sshd_config", "Port 22\n"],
      ["var/lib/dbus/machine-id", "0123\n"],
      ["usr/bin/tool", "#!/bin/sh\n"],
    ] as const)
      writeFileSync(join(source(), path), content);
    execFileSync("chmod", ["4755", join(source(), "usr/bin/tool")]);
    chownSync(join(source(), "etc/ssh"), 33, 33);
    symlinkSync("../run/resolve.conf", join(source(), "etc/resolv.conf"));
    played = new Played(new RootFilesystemHandler());
    const directory = join(folder.path, "roots");
    args = { machine: { kind: "local" }, directory, name: "web", source: source(), owner: "p/s/web", retain: "delete" };
  });

  afterEach(() => folder?.done());

  it("are copies with a name, a machine-id and keys of their own, and go without a trace", async () => {
    await played.up(args);
    assert.deepEqual([text("etc/hostname"), text("etc/hosts")], ["web\n", "127.0.0.1 localhost\n127.0.1.1 web\n"]);
    assert.equal(text("etc/machine-id"), "");
    assert.deepEqual(readdirSync(root("etc/ssh")), ["sshd_config"]);
    assert.deepEqual(readdirSync(root("var/lib/dbus")), []);
    assert.equal(statSync(root("etc/ssh")).uid, 33);
    assert.equal(statSync(root("usr/bin/tool")).mode & 0o7777, 0o4755);
    assert.ok(lstatSync(root("etc/resolv.conf")).isSymbolicLink());
    assert.match(text("usr/lib/pulumi-kvm/init"), /^#!\/bin\/sh\n/);
    assert.deepEqual([played.state["path"], played.state["init"]], [root(), "/usr/lib/pulumi-kvm/init"]);
    assert.deepEqual(left(), [".web.made", "web"]);
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up(args), []);
    await played.destroy();
    assert.deepEqual(left(), []);
    assert.ok(existsSync(join(source(), "etc/machine-id")), "the source is not ours");
  });

  it("change their name and name servers in place, and are told when they were changed", async () => {
    await played.up(args);
    writeFileSync(root("var/data"), "precious");
    const changed = { ...args, hostname: "www", dns: ["192.0.2.53", "fd00::53"] };
    assert.deepEqual(await played.up(changed), ["hostname: live", "dns: live"]);
    assert.equal(text("etc/resolv.conf"), "nameserver 192.0.2.53\nnameserver fd00::53\n");
    assert.equal(text("etc/hosts"), "127.0.0.1 localhost\n127.0.1.1 www\n");
    assert.equal(text("var/data"), "precious");
    assert.deepEqual(await played.refresh(), []);
    writeFileSync(root("etc/hostname"), "other\n");
    writeFileSync(root("etc/resolv.conf"), "nameserver 192.0.2.99\n");
    assert.deepEqual(await played.refresh(), ["hostname", "dns"]);
    await played.up(changed);
    assert.deepEqual([text("etc/hostname"), await played.refresh()], ["www\n", []]);
  });

  it("are unpacked from an archive", async () => {
    const archive = join(folder.path, "system.tar.gz");
    execFileSync("tar", ["-C", source(), "-czf", archive, "."]);
    await played.up({ ...args, source: archive });
    assert.equal(text("etc/hostname"), "web\n");
    assert.equal(statSync(root("usr/bin/tool")).mode & 0o7777, 0o4755);
  });

  it("belong to the users of a user namespace where there is one", async () => {
    await played.up({ ...args, idmap: { start: 100_000 } });
    const owners = ["", "etc/ssh", "etc/hostname", "usr/lib/pulumi-kvm/init", "etc/machine-id"];
    assert.deepEqual(
      owners.map((path) => statSync(root(path)).uid),
      [100_000, 100_033, 100_000, 100_000, 100_000],
    );
    assert.equal(statSync(root("usr/bin/tool")).mode & 0o7777, 0o4755);
    assert.equal(lstatSync(root("etc/resolv.conf")).gid, 100_000);
  });

  it("are never made of, or in place of, what others made", async () => {
    mkdirSync(root("data"), { recursive: true });
    const reason = `root folder ${root()} on this machine: name: ${root()} is there already, and is not ours. Fix: choose another name, or remove it`;
    assert.deepEqual(await played.preview(args), [reason]);
    await assert.rejects(
      new RootFilesystemHandler().create({ ...args, hostname: "web" } as never, {
        signal: new AbortController().signal,
        progress() {},
      }),
      { message: `${root()} is there already, and is not ours. Fix: choose another name, or remove it` },
    );
    assert.deepEqual(left(), ["web"]);
    assert.deepEqual(readdirSync(root()), ["data"]);
  });

  it("are left alone when another folder was put in their place", async () => {
    await played.up(args);
    renameSync(root(), join(folder.path, "roots", "elsewhere"));
    assert.deepEqual(await new Played(new RootFilesystemHandler()).preview(args), []);
    mkdirSync(root("data"), { recursive: true });
    await played.destroy();
    assert.deepEqual(readdirSync(root()), ["data"]);
  });

  it("are the same ones where their inode is another, as on an overlay that was mounted anew", async () => {
    await played.up(args);
    execFileSync("cp", ["-a", root(), `${root()}.copy`]);
    rmSync(root(), { recursive: true });
    renameSync(`${root()}.copy`, root());
    assert.deepEqual(await played.refresh(), []);
    await played.destroy();
    assert.deepEqual(left(), []);
  });

  it("are gone when somebody removed them", async () => {
    await played.up(args);
    rmSync(root(), { recursive: true });
    assert.deepEqual(await played.refresh(), ["gone"]);
    await played.up(args);
    assert.equal(text("etc/hostname"), "web\n");
  });

  it("are taken as they are by the next run of one that was interrupted", async () => {
    await played.up(args);
    writeFileSync(root("kept"), "");
    const again = new Played(new RootFilesystemHandler());
    await again.up(args);
    assert.ok(existsSync(root("kept")));
    const others = new Played(new RootFilesystemHandler());
    assert.match((await others.preview({ ...args, owner: "p/other/web" }))[0]!, /is there already, and is not ours/);
  });

  it("leave nothing half made when their maker is killed", async () => {
    const big = join(source(), "usr/big");
    execFileSync("dd", ["if=/dev/zero", `of=${big}`, "bs=1M", "count=400", "status=none"]);
    const program = `
      const { RootFolder } = require("./providers/container/root-folder");
      const { LocalMachine } = require("./providers/machine/local-machine");
      const [, directory, source] = process.argv;
      new RootFolder(new LocalMachine(), directory, "web").make("me", source, { hostname: "web" });`;
    const child = spawn(process.execPath, [
      ...["-r", "ts-node/register", "-e", program],
      join(folder.path, "roots"),
      source(),
    ]);
    while (!existsSync(join(folder.path, "roots", ".web.partial", "usr"))) await sleep(5);
    child.kill("SIGKILL");
    while (existsSync(join(folder.path, "roots", ".web.partial"))) await sleep(20);
    assert.deepEqual(left(), []);
    await played.up(args);
    assert.equal(statSync(root("usr/big")).size, 400 * 1024 ** 2);
  });

  it("refuse to go with what is in them, unless told otherwise", async () => {
    await played.up({ ...args, retain: undefined });
    await assert.rejects(
      played.destroy(),
      new RegExp(`root folder ${root()} on this machine: cannot delete: it may hold data, and retain is "refuse"`),
    );
    await played.up({ ...args, retain: "keep" });
    await played.destroy();
    assert.ok(existsSync(root()));
  });

  it("stay while something is mounted in them", async () => {
    await played.up(args);
    execFileSync("mount", ["--bind", source(), root("var")]);
    try {
      await assert.rejects(played.destroy(), /cannot remove .*: something is mounted in it\. Fix: see to that first/);
    } finally {
      execFileSync("umount", [root("var")]);
    }
    assert.ok(existsSync(join(source(), "etc/hosts")));
    await played.destroy();
    assert.deepEqual(left(), []);
  });

  const wrong: [string, () => object, RegExp][] = [
    ["no source", () => ({ source: "/nowhere" }), /\/nowhere does not exist\. Fix: name the folder of a system/],
    ["a source that is no system", () => ({ source: join(source(), "etc") }), /holds no system: no \/usr and no \/bin/],
    ["a source that holds the folder", () => ({ source: folder.path }), /holds .*roots itself/],
    ["a folder whose parent is missing", () => ({ directory: "/nowhere/roots" }), /\/nowhere\/roots does not exist/],
  ];
  for (const [name, change, message] of wrong)
    it(`say what is wrong: ${name}`, async () => {
      if (name.includes("holds the folder")) mkdirSync(join(folder.path, "roots"));
      await assert.rejects(played.up({ ...args, ...change() }), message);
      if (existsSync(join(folder.path, "roots"))) assert.deepEqual(left(), []);
    });

  it("do not write where a symbolic link of the source leads", async () => {
    const outside = join(folder.path, "outside");
    mkdirSync(outside);
    rmSync(join(source(), "etc"), { recursive: true });
    symlinkSync(outside, join(source(), "etc"));
    await assert.rejects(played.up(args), /in its source \/etc is a symbolic link\. Fix: put folders there/);
    assert.deepEqual([readdirSync(outside), left()], [[], []]);
  });
});

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
