import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StoragePoolHandler } from "../../../providers/handlers/storage-pool";
import { VolumeHandler } from "../../../providers/handlers/volume";
import type { Connection } from "../../../providers/libvirt/connection";
import type { Domain, StoragePool } from "../../../providers/libvirt/handles";
import { pausedGuest, scratch } from "./local-libvirt";
import { OwnLibvirt } from "./own-libvirt";
import { Played } from "./played";

const mebibyte = 2 ** 20;

describe("volumes on libvirt", function () {
  this.timeout(120_000);
  let libvirt: OwnLibvirt;
  let connection: Connection;
  let folder: ReturnType<typeof scratch>;
  let pool: Played;
  let handle: StoragePool;
  const played: Played[] = [];
  const guests: Domain[] = [];

  before(async function () {
    libvirt = await OwnLibvirt.start(this);
    connection = libvirt.connection;
    folder = scratch();
    pool = new Played(new StoragePoolHandler());
    await pool.up({ connection: libvirt.uri, name: "pool", path: join(folder.path, "pool") });
    handle = await connection.storagePoolLookupByName("pool");
  });

  after(async () => {
    await libvirt?.stop();
    folder?.done();
  });

  afterEach(async () => {
    for (const guest of guests.splice(0)) await connection.domainDestroyFlags(guest);
    for (const one of played.splice(0).reverse()) {
      if (!one.recorded) continue;
      one.state["retain"] = "delete";
      one.state["adopted"] = false;
      await one.destroy();
    }
    assert.deepEqual(await connection.storagePoolListAllVolumes(handle), [], "every test removes what it made");
  });

  function volume(): Played {
    const one = new Played(new VolumeHandler());
    played.push(one);
    return one;
  }

  const args = (more: object) => ({ connection: libvirt.uri, pool: "pool", ...more });
  const info = (path: string) => JSON.parse(libvirt.run("qemu-img", "info", "-U", "--output=json", path));

  async function guestOn(path: string): Promise<void> {
    const disk = `<disk type="file" device="disk"><driver name="qemu" type="qcow2"/><source file="${path}"/><target dev="vda" bus="virtio"/></disk>`;
    guests.push(await pausedGuest(connection, `guest-${guests.length}`, disk));
  }

  /** A qcow2 file of `size` MiB of data on this side. */
  function image(size: number): string {
    const [raw, path] = [join(folder.path, "image.raw"), join(folder.path, "image.qcow2")];
    writeFileSync(raw, Buffer.alloc(size * mebibyte, "some data. "));
    truncateSync(raw, 2 * size * mebibyte);
    libvirt.run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, path);
    rmSync(raw);
    return path;
  }

  it("are made empty, and refuse to be deleted unless the program says so", async () => {
    const data = volume();
    await data.up(args({ name: "data.qcow2", capacity: "1GiB" }));
    const { path } = data.state;
    assert.equal(path, join(folder.path, "pool/data.qcow2"));
    assert.equal(info(path)["virtual-size"], 2 ** 30);
    assert.equal(info(path)["format-specific"].data.compat, "1.1");
    assert.deepEqual(await data.refresh(), []);
    await assert.rejects(
      data.destroy(),
      /cannot delete: it may hold data, and retain is "refuse"\. Fix: set retain: "delete"/,
    );
    assert.match(
      (await data.preview(args({ name: "other.qcow2", capacity: "1GiB" })))[0]!,
      /would be replaced and its data lost/,
    );

    assert.deepEqual(await data.up(args({ name: "data.qcow2", capacity: "1GiB", retain: "keep" })), ["retain: live"]);
    const { recorded } = data;
    await data.destroy();
    assert.ok(existsSync(path));

    data.recorded = recorded;
    await data.up(args({ name: "data.qcow2", capacity: "1GiB", retain: "delete" }));
    await data.destroy();
    assert.ok(!existsSync(path));
    data.recorded = recorded;
    await data.destroy();
  });

  it("take space at once when they are told to", async () => {
    const [raw, tables] = [volume(), volume()];
    await raw.up(args({ name: "full.raw", format: "raw", capacity: "8MiB", preallocation: "full" }));
    assert.equal(info(raw.state["path"])["actual-size"], 8 * mebibyte);
    await tables.up(args({ name: "tables.qcow2", capacity: "8MiB", preallocation: "metadata" }));
    assert.ok(info(tables.state["path"])["image-end-offset"] !== 0);
    assert.deepEqual([...(await raw.refresh()), ...(await tables.refresh())], []);
  });

  it("grow, under a running guest too, and never shrink", async () => {
    const data = volume();
    await data.up(args({ name: "data.qcow2", capacity: "1GiB" }));
    assert.deepEqual(await data.up(args({ name: "data.qcow2", capacity: "2GiB" })), ["capacity: live"]);
    assert.equal(info(data.state["path"])["virtual-size"], 2 * 2 ** 30);

    await guestOn(data.state["path"]);
    await data.up(args({ name: "data.qcow2", capacity: "3GiB" }));
    assert.equal((await connection.domainBlockInfo(guests[0]!, "vda")).capacity, 3 * 2 ** 30);
    assert.deepEqual(await data.refresh(), []);
    const [reason] = await data.preview(args({ name: "data.qcow2", capacity: "1GiB" }));
    assert.match(reason!, /capacity: 3GiB -> 1GiB would cut off data; volumes only grow\. Fix: set capacity: "3GiB"/);
  });

  it("lie on each other, and a base is never taken from under an overlay or a guest", async () => {
    const [base, overlay] = [volume(), volume()];
    await base.up(args({ name: "base.qcow2", source: { path: image(1) }, retain: "delete" }));
    assert.equal(base.state["capacity"], "2MiB");
    const backing = base.state["path"];
    await overlay.up(args({ name: "root.qcow2", backing, retain: "delete" }));
    const { path } = overlay.state;
    assert.equal(overlay.state["capacity"], "2MiB");
    assert.equal(info(path)["backing-filename"], backing);
    assert.equal(info(path)["backing-filename-format"], "qcow2");
    await overlay.up(args({ name: "root.qcow2", backing, capacity: "64MiB", retain: "delete" }));
    assert.deepEqual(await overlay.refresh(), []);

    await assert.rejects(
      base.destroy(),
      new RegExp(`cannot delete: it is in use: overlay ${path}\\. Fix: remove these`),
    );
    await assert.rejects(
      base.up(args({ name: "base.qcow2", source: { path: image(1) }, capacity: "8MiB", retain: "delete" })),
      /it is the backing store of others/,
    );
    await guestOn(path);
    await assert.rejects(overlay.destroy(), /it is in use: guest guest-0 \(vda\)/);
    await assert.rejects(base.destroy(), /in use: guest guest-0 \(vda\), overlay/);
    const [reason] = await overlay.preview(args({ name: "root.qcow2", backing: "/other.qcow2", retain: "delete" }));
    assert.match(reason!, /backing: the volume would be replaced while it is in use: guest guest-0 \(vda\)/);
    const small = await volume().preview(args({ name: "small.qcow2", backing, capacity: "1MiB" }));
    assert.match(small[0]!, /capacity: 1MiB is less than the 2MiB of/);
    const wrong = await volume().preview(args({ name: "wrong.qcow2", backing: { path: backing, format: "raw" } }));
    assert.match(wrong[0]!, /backing: .* is qcow2, not raw\. Fix: correct backing\.format/);
  });

  it("are filled with a file, byte by byte", async () => {
    const path = image(40);
    const content = readFileSync(path);
    const sha256 = createHash("sha256").update(content).digest("hex");
    const [copy, raw] = [volume(), volume()];
    await copy.up(args({ name: "copy.qcow2", source: { path, sha256 }, capacity: "1GiB" }));
    assert.equal(copy.state["capacity"], "1GiB");
    libvirt.run("qemu-img", "compare", "-f", "qcow2", "-F", "qcow2", path, copy.state["path"]);
    assert.deepEqual(await copy.refresh(), []);
    assert.deepEqual(
      await copy.up(args({ name: "copy.qcow2", source: { path: "/moved", sha256 }, capacity: "1GiB" })),
      [],
    );

    const disk = join(folder.path, "disk.raw");
    writeFileSync(disk, Buffer.concat([Buffer.alloc(3 * mebibyte), Buffer.from("tail"), Buffer.alloc(508)]));
    await raw.up(args({ name: "disk.raw", format: "raw", source: { path: disk } }));
    assert.ok(readFileSync(raw.state["path"]).equals(readFileSync(disk)));
    assert.ok(info(raw.state["path"])["actual-size"] < mebibyte, "zeros take no room");
  });

  it("are left out whole when filling them fails", async () => {
    const path = image(1);
    const one = volume();
    await assert.rejects(
      one.up(args({ name: "a", source: { path, sha256: "0".repeat(64) } })),
      /has the SHA-256 digest/,
    );
    assert.deepEqual(await connection.storagePoolListAllVolumes(handle), []);
    const problems = async (more: object) => (await one.preview(args({ name: "a", ...more }))).join("\n");
    assert.match(await problems({ source: { path: "/missing" } }), /source: \/missing does not exist on this machine/);
    assert.match(await problems({ source: { path: folder.path } }), /is not a file/);
    assert.match(
      await problems({ source: { path }, format: "raw" }),
      /format: .* is qcow2, not raw\. Fix: set format: "qcow2"/,
    );
    assert.match(await problems({ source: { path }, capacity: "1MiB" }), /1MiB is less than the 2MiB of/);
    const packed = join(folder.path, "image.xz");
    writeFileSync(packed, Buffer.from("fd377a585a000004", "hex"));
    assert.match(await problems({ source: { path: packed } }), /is compressed with xz\. Fix: unxz it first/);
  });

  it("are uploaded again when the process that did it was killed", async () => {
    const path = join(folder.path, "big.raw");
    writeFileSync(path, Buffer.alloc(256 * mebibyte, "x"));
    const child = spawn(
      process.execPath,
      [
        ...["-r", "ts-node/register", "-e"],
        `const { dispatch } = require("./providers/dynamic/dispatch");
         const { VolumeHandler } = require("./providers/handlers/volume");
         const volume = dispatch(new VolumeHandler());
         volume.check({}, JSON.parse(process.argv[1])).then(({ inputs }) => volume.create(inputs));`,
        JSON.stringify(args({ name: "big.raw", format: "raw", source: { path } })),
      ],
      { stdio: "inherit" },
    );
    const target = join(folder.path, "pool/big.raw");
    while (!existsSync(target) || info(target)["actual-size"] < mebibyte)
      await new Promise((next) => setTimeout(next, 5));
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    assert.equal((await connection.storagePoolListAllVolumes(handle)).length, 2, "the volume, and the mark beside it");

    const big = volume();
    await big.up(args({ name: "big.raw", format: "raw", source: { path } }));
    assert.ok(readFileSync(target).equals(readFileSync(path)));
    assert.equal((await connection.storagePoolListAllVolumes(handle)).length, 1);
  });

  it("are uploaded again when libvirtd was killed meanwhile", async () => {
    const path = join(folder.path, "big.raw");
    writeFileSync(path, Buffer.alloc(64 * mebibyte, "x"));
    const killing = new Proxy(connection, {
      get(target, member) {
        if (member === "with") return () => killing;
        const value = Reflect.get(target, member, target);
        if (member !== "storageVolUpload") return typeof value === "function" ? value.bind(target) : value;
        return (vol: never, content: never, options: object) =>
          connection.storageVolUpload(vol, content, { ...options, onProgress: () => void libvirt.daemon.kill() });
      },
    });
    const wanted = args({ name: "big.raw", format: "raw", source: { path } });
    await assert.rejects(
      new Played(new VolumeHandler(async () => killing)).up(wanted),
      /cannot create: connection .* lost/,
    );
    await libvirt.daemon.restart();
    await connection.storagePoolCreate(handle).catch(() => "it came back by itself");
    const big = volume();
    await big.up(wanted);
    assert.ok(readFileSync(big.state["path"]).equals(readFileSync(path)));
    assert.equal((await connection.storagePoolListAllVolumes(handle)).length, 1);
  });

  it("say when their name is taken, by a file that libvirt does not know too", async () => {
    const one = volume();
    const path = join(folder.path, "pool/taken");
    writeFileSync(path, "precious");
    await assert.rejects(
      one.up(args({ name: "taken", format: "raw", capacity: "1MiB" })),
      /already exists\. Fix: set adopt: "taken"/,
    );
    assert.equal(readFileSync(path, "utf8"), "precious");
    const [reason] = await one.preview(args({ name: "taken", format: "raw", capacity: "1MiB" }));
    assert.match(reason!, /already exists/);
    await connection.storageVolDelete(await connection.storageVolLookupByName(handle, "taken"));
  });

  it("are adopted, grow, and are let go", async () => {
    const made = volume();
    await made.up(args({ name: "theirs.qcow2", capacity: "1GiB" }));
    const one = new Played(new VolumeHandler());
    const { path } = made.state;
    const wrong = await one.preview(args({ name: "theirs.qcow2", adopt: "theirs.qcow2", format: "raw" }));
    assert.match(wrong[0]!, /the volume to adopt is qcow2, not raw/);
    await one.up(args({ name: "theirs.qcow2", adopt: path }));
    assert.equal(one.state["capacity"], "1GiB");
    assert.deepEqual(await one.refresh(), []);
    await one.up(args({ name: "theirs.qcow2", adopt: path, capacity: "2GiB" }));
    await one.destroy();
    assert.equal(info(path)["virtual-size"], 2 * 2 ** 30);
  });

  it("are taken up where an interrupted run had made them, as long as nothing was written", async () => {
    const [first, second] = [volume(), volume()];
    await first.up(args({ name: "a.qcow2", capacity: "1GiB" }));
    await second.up(args({ name: "a.qcow2", capacity: "1GiB" }));
    const { path } = first.state;
    libvirt.run("qemu-io", "-f", "qcow2", "-c", "write 0 4k", path);
    const third = volume();
    assert.match((await third.preview(args({ name: "a.qcow2", capacity: "1GiB" })))[0]!, /already exists/);
    await assert.rejects(
      new Played(new VolumeHandler()).up(args({ name: "a.qcow2", capacity: "2GiB" })),
      /already exists/,
    );
  });

  it("are made again when their file is gone, and their fate is unknown while the pool is off", async () => {
    const one = volume();
    await one.up(args({ name: "a.qcow2", capacity: "1GiB" }));
    await connection.storagePoolDestroy(handle);
    assert.deepEqual(await one.refresh(), []);
    await connection.storagePoolCreate(handle);
    rmSync(one.state["path"]);
    assert.deepEqual(await one.refresh(), ["gone"]);
    await one.up(args({ name: "a.qcow2", capacity: "1GiB" }));
    assert.deepEqual(await one.refresh(), []);
  });

  it("are made and deleted many at a time, beside an upload", async () => {
    const base = volume();
    await base.up(args({ name: "base.qcow2", source: { path: image(1) }, retain: "delete" }));
    const overlays = Array.from({ length: 12 }, () => volume());
    const other = volume();
    await Promise.all([
      other.up(args({ name: "other.qcow2", source: { path: image(16) }, retain: "delete" })),
      ...overlays.map((one, at) =>
        one.up(args({ name: `${at}.qcow2`, backing: base.state["path"], retain: "delete" })),
      ),
    ]);
    await Promise.all([...overlays, other].map((one) => one.destroy()));
    await base.destroy();
  });

  it("need room in the pool, and leave nothing where there is none", async () => {
    const path = join(folder.path, "small");
    mkdirSync(path);
    libvirt.run("mount", "-t", "tmpfs", "-o", "size=8m", "none", path);
    const small = new Played(new StoragePoolHandler());
    await small.up({ connection: libvirt.uri, name: "small", path });
    const pool = await connection.storagePoolLookupByName("small");
    const one = volume();
    const wanted = { connection: libvirt.uri, pool: "small", name: "a" };
    assert.match(
      (await one.preview({ ...wanted, source: { path: image(12) } }))[0]!,
      /storage pool small has 8 MiB free, 13 MiB are needed\. Fix: make room/,
    );
    const raw = { ...wanted, format: "raw", capacity: "9MiB", preallocation: "full" };
    assert.match((await one.preview(raw))[0]!, /storage pool small has 8 MiB free, 9 MiB are needed/);

    // Another program fills the disk after the preview, just when the upload begins.
    const others = join(path, "others");
    const filling = new Proxy(connection, {
      get(target, member) {
        if (member === "with") return () => filling;
        if (member === "storageVolUpload")
          libvirt.run("dd", "if=/dev/zero", `of=${others}`, "bs=1M", "count=4", "status=none");
        const value = Reflect.get(target, member, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const full = new Played(new VolumeHandler(async () => filling));
    await assert.rejects(
      full.up({ ...wanted, source: { path: image(6) } }),
      /volume small\/a on .*: cannot create: storage pool small has 4 MiB free, 7 MiB are needed\. Fix: make room/,
    );
    const left = await connection.storagePoolListAllVolumes(pool);
    assert.deepEqual(
      left.map((volume) => volume.name),
      ["others"],
    );
    assert.equal(libvirt.run("ls", "-A", path), "others\n");
    await small.destroy();
    libvirt.run("umount", path);
  });
});
