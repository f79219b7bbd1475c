import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StoragePoolHandler } from "../../../providers/handlers/storage-pool";
import type { Connection } from "../../../providers/libvirt/connection";
import { isMissing } from "../../../providers/libvirt/errors";
import type { StoragePool } from "../../../providers/libvirt/handles";
import { poolXML } from "../../../providers/libvirt/xml/pool";
import { scratch } from "./local-libvirt";
import { OwnLibvirt } from "./own-libvirt";
import { Played } from "./played";

const name = "pool";

describe("storage pools on libvirt", function () {
  this.timeout(60_000);
  let libvirt: OwnLibvirt;
  let connection: Connection;
  let folder: ReturnType<typeof scratch>;
  let path: string;
  let args: { connection: string; name: string; path: string };
  let played: Played;

  before(async function () {
    libvirt = await OwnLibvirt.start(this);
    connection = libvirt.connection;
  });

  after(() => libvirt?.stop());

  beforeEach(() => {
    folder = scratch();
    path = join(folder.path, "inner/pool");
    args = { connection: libvirt.uri, name, path };
    played = new Played(new StoragePoolHandler());
  });

  afterEach(async () => {
    for (const pool of await connection.connectListAllStoragePools()) {
      const persistent = await connection.storagePoolIsPersistent(pool);
      if (await connection.storagePoolIsActive(pool)) await connection.storagePoolDestroy(pool);
      if (persistent) await connection.storagePoolUndefine(pool);
    }
    folder.done();
  });

  const lookup = (): Promise<StoragePool> => connection.storagePoolLookupByName(name);

  it("make their folder, show no change, and leave nothing", async () => {
    await played.up(args);
    assert.ok(existsSync(path));
    assert.ok(played.state["capacity"] > 0);
    assert.equal(await connection.storagePoolGetAutostart(await lookup()), true);
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up(args), []);
    await played.destroy();
    await assert.rejects(lookup, isMissing);
    assert.ok(!existsSync(path));
  });

  it("leave a folder that was there, or that is not empty", async () => {
    mkdirSync(path, { recursive: true });
    await played.up(args);
    await played.destroy();
    assert.ok(existsSync(path));

    rmdirSync(path);
    await played.up(args);
    writeFileSync(join(path, "disk"), "data");
    await played.destroy();
    await assert.rejects(lookup, isMissing);
    assert.ok(existsSync(join(path, "disk")));
  });

  it("need their folder where they must not make it", async () => {
    await assert.rejects(
      played.up({ ...args, build: false }),
      /Fix: make .*inner\/pool on the host, or set build: true/,
    );
    await assert.rejects(lookup, isMissing);
  });

  it("are started, defined and made again when that was undone behind our back", async () => {
    await played.up(args);
    await connection.storagePoolDestroy(await lookup());
    assert.deepEqual(await played.refresh(), ["active"]);
    await played.up(args);
    assert.ok(await connection.storagePoolIsActive(await lookup()));

    await connection.storagePoolDestroy(await lookup());
    rmdirSync(path);
    await played.refresh();
    await played.up(args);
    assert.ok(existsSync(path));

    await connection.storagePoolSetAutostart(await lookup(), false);
    assert.deepEqual(await played.refresh(), ["autostart"]);
    await played.up(args);

    await connection.storagePoolDestroy(await lookup());
    await connection.storagePoolUndefine(await lookup());
    assert.deepEqual(await played.refresh(), ["gone"]);
    await played.up(args);
    assert.deepEqual(await played.refresh(), []);
  });

  it("are stopped and started in place", async () => {
    await played.up(args);
    assert.deepEqual(await played.up({ ...args, active: false, autostart: false }), [
      "autostart: live",
      "active: live",
    ]);
    assert.equal(await connection.storagePoolIsActive(await lookup()), false);
    assert.deepEqual(await played.refresh(), []);
    await played.up(args);
    assert.deepEqual(await played.refresh(), []);
  });

  it("say who has their name or their folder", async () => {
    await played.up(args);
    const other = new Played(new StoragePoolHandler());
    assert.match(
      (await other.preview({ ...args, path: "/other" }))[0]!,
      /name: a storage pool named "pool" already exists\. Fix: set adopt/,
    );
    const [reason] = await other.preview({ ...args, name: "other", path: `${path}/` });
    assert.match(reason!, /path: .* already belongs to the storage pool "pool".* Fix: use that pool \(adopt: "pool"\)/);
  });

  it("are adopted without a change, and let go", async () => {
    mkdirSync(path, { recursive: true });
    const theirs = await connection.storagePoolDefineXML(poolXML({ name, type: "dir", path }));
    assert.match(
      (await played.preview({ ...args, adopt: "nothing" }))[0]!,
      /there is no storage pool "nothing" to adopt/,
    );
    await assert.rejects(played.up({ ...args, path: "/other", adopt: name }), /has type dir and path .*, not \/other/);
    await played.up({ ...args, adopt: theirs.uuid });
    assert.equal(played.recorded!.id, theirs.uuid);
    assert.ok(await connection.storagePoolIsActive(theirs));
    assert.deepEqual(await played.refresh(), []);
    await played.destroy();
    assert.ok(await connection.storagePoolIsActive(theirs));
    assert.ok(existsSync(path));
  });

  it("go on with what an interrupted run left", async () => {
    const owned = { ...args, owner: "p/s/pool" };
    const lost = new Played(new StoragePoolHandler());
    await lost.up(owned);
    assert.deepEqual(await played.preview(owned), []);
    assert.match((await played.preview({ ...args, owner: "p/other/pool" }))[0]!, /"pool" already exists/);
    await played.up(owned);
    assert.equal(played.recorded!.id, lost.recorded!.id);
    assert.deepEqual(await played.refresh(), []);
    await played.destroy();
    assert.equal(existsSync(path), false, "the folder was ours");
  });

  it("start over where the program changed after an interrupted run", async () => {
    await played.up({ ...args, owner: "p/s/pool", path: `${path}-before` });
    played.recorded = undefined;
    await played.up({ ...args, owner: "p/s/pool" });
    assert.equal(existsSync(`${path}-before`), false);
    assert.equal(played.state["path"], path);
  });
});
