import assert from "node:assert/strict";
import { storagePoolSchema } from "../../../providers/schema/storage-pool";
import { volumeSchema } from "../../../providers/schema/volume";
import { complaints, parsed } from "./parse";

const data = { pool: "images", name: "data.qcow2", capacity: "10GiB" };

describe("volume inputs", () => {
  it("have the defaults that lose no data", () => {
    assert.deepEqual(parsed(volumeSchema, data), {
      connection: "qemu:///system",
      ...data,
      format: "qcow2",
      preallocation: "off",
      retain: "refuse",
    });
  });

  it("take a path for a qcow2 backing store, and sizes in any spelling", () => {
    const inputs = parsed(volumeSchema, { ...data, capacity: 10737418240, backing: "/srv/base.qcow2" });
    assert.deepEqual([inputs.capacity, inputs.backing], ["10GiB", { path: "/srv/base.qcow2", format: "qcow2" }]);
  });

  const { capacity: _capacity, ...sizeless } = data;
  const wrong: [name: string, raw: object, message: RegExp][] = [
    ["a size that is none", { ...data, capacity: "10 gigs" }, /^capacity: "10 gigs" is not a size/],
    ["a size of nothing", { ...data, capacity: 0 }, /^capacity: "0B" is not a whole number of KiB/],
    ["a broken KiB", { ...data, capacity: 1000 }, /^capacity: "1000B" is not a whole number of KiB/],
    ["no size at all", sizeless, /^capacity: is required where neither backing nor source has one/],
    ["a name with a slash", { ...data, name: "a/b" }, /^name: "a\/b" is not a volume name/],
    ["a hidden name", { ...data, name: ".a" }, /^name: "\.a" is not a volume name/],
    [
      "a relative backing store",
      { ...sizeless, backing: "base.qcow2" },
      /^backing: "base\.qcow2" is not an absolute path/,
    ],
    [
      "an overlay that is filled",
      { ...sizeless, backing: "/b", source: { path: "s" } },
      /^source: and backing exclude each other/,
    ],
    [
      "a raw overlay",
      { ...sizeless, format: "raw", backing: "/b" },
      /^format: "raw" has no place for the name of a backing store/,
    ],
    ["an unknown format", { ...data, format: "vmdk" }, /^format: got "vmdk"/],
    [
      "a bad digest",
      { ...sizeless, source: { path: "s", sha256: "abc" } },
      /^source\.sha256: "abc" is not a SHA-256 digest/,
    ],
    [
      "tables for raw",
      { ...data, format: "raw", preallocation: "metadata" },
      /^preallocation: "metadata" is for qcow2/,
    ],
    [
      "space for an overlay",
      { ...sizeless, backing: "/b", preallocation: "full" },
      /^preallocation: is for empty volumes/,
    ],
    ["an unknown retention", { ...data, retain: "yes" }, /^retain: got "yes"\. Allowed: /],
    ["a misspelt field", { ...data, capasity: 1 }, /^capasity: unknown field "capasity"; did you mean "capacity"\?/],
  ];
  for (const [name, raw, message] of wrong)
    it(`refuse ${name}`, () => {
      const found = complaints(volumeSchema, raw);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0]!, message);
    });
});

describe("storage pool inputs", () => {
  it("spell a path as libvirt does", () => {
    const path = (given: string) => parsed(storagePoolSchema, { name: "p", path: given }).path;
    assert.deepEqual(["/srv/a", "/srv/a/", "/srv//a//", "/"].map(path), ["/srv/a", "/srv/a", "/srv/a", "/"]);
  });

  it("refuse a relative path, and none", () => {
    assert.match(complaints(storagePoolSchema, { name: "p", path: "a" })[0]!, /^path: "a" is not an absolute path/);
    assert.match(complaints(storagePoolSchema, { name: "p" })[0]!, /^path: is required/);
  });
});
