import assert from "node:assert/strict";
import { declare } from "../../../providers/dynamic/declared";
import { classify } from "../../../providers/dynamic/diff";
import { StoragePoolHandler, type StoragePoolState } from "../../../providers/handlers/storage-pool";
import { VolumeHandler, type VolumeState } from "../../../providers/handlers/volume";
import { ErrorCode } from "../../../providers/libvirt/errors";
import { storagePoolSchema } from "../../../providers/schema/storage-pool";
import { volumeSchema, type VolumeInputs } from "../../../providers/schema/volume";
import { parsed } from "../schema/parse";
import { fakeConnection, missing } from "./fake-connection";
import { Played } from "./played";

const root: VolumeInputs = parsed(volumeSchema, { pool: "p", name: "v", backing: "/base", capacity: "2GiB" });

function classes(news: Partial<VolumeInputs>, olds: Partial<VolumeInputs> = {}): string[] {
  const { fields } = new VolumeHandler();
  return classify(fields, { ...root, ...olds }, { ...root, ...olds, ...news }).map(
    ({ field, disruption }) => `${field}: ${disruption}`,
  );
}

describe("volume handler", () => {
  it("classes every change", () => {
    assert.deepEqual(classes({ pool: "q", name: "w", format: "raw" }), [
      "pool: replace",
      "name: replace",
      "format: replace",
    ]);
    assert.deepEqual(classes({ capacity: "3GiB" }), ["capacity: live"]);
    assert.deepEqual(classes({ capacity: "1GiB" }), ["capacity: replace"]);
    assert.deepEqual(classes({ capacity: undefined }), [], "a size that the program leaves open is what it is");
    assert.deepEqual(classes({ backing: { path: "/other", format: "qcow2" } }), ["backing: replace"]);
    assert.deepEqual(classes({ retain: "delete", disruption: "live", adopt: "v", preallocation: "full" }), [
      "retain: live",
    ]);
  });

  it("knows a file by its digest, where it has one", () => {
    const sha256 = "0".repeat(64);
    const source = { path: "a", sha256 };
    assert.deepEqual(classes({ source: { path: "b", sha256 } }, { source }), []);
    assert.deepEqual(classes({ source: { path: "a", sha256: "1".repeat(64) } }, { source }), ["source: replace"]);
    assert.deepEqual(classes({ source: { path: "b" } }, { source: { path: "a" } }), ["source: replace"]);
  });

  it("leaves what it adopted, and asks nobody", async () => {
    const context = { signal: new AbortController().signal, progress: () => {} };
    const nobody = () => Promise.reject(new Error("was asked"));
    await new VolumeHandler(nobody).delete("v", { ...root, adopted: true } as VolumeState, context);
    const pool = parsed(storagePoolSchema, { name: "p", path: "/p" });
    await new StoragePoolHandler(nobody).delete("p", { ...pool, adopted: true } as StoragePoolState, context);
  });

  it("says what is missing when its pool is", async () => {
    const connection = fakeConnection({
      storagePoolLookupByName: () => missing(ErrorCode.NO_STORAGE_POOL),
      connectListAllStoragePools: async () => [{ name: "images", uuid: "" }],
    });
    const played = new Played(new VolumeHandler(async () => connection));
    const args = { pool: "nowhere", name: "v", capacity: "1GiB" };
    assert.match(
      (await played.preview(args))[0]!,
      /pool: there is no storage pool "nowhere"\. On the host: "images"\./,
    );
    declare("StoragePool", { connection: "qemu:///system", name: "nowhere" });
    assert.deepEqual(await played.preview(args), [], "the same up makes it");
    await assert.rejects(played.up(args), /there is no storage pool "nowhere"\. Fix: declare it as a StoragePool/);
  });
});
