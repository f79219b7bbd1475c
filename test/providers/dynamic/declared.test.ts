import assert from "node:assert/strict";
import { declare, isDeclared } from "../../../providers/dynamic/declared";
import { unknownValue } from "../../../providers/dynamic/unknown";

describe("what the program declares", () => {
  it("is known by kind, connection and name, and the pool where there is one", () => {
    declare("Volume", { connection: "qemu:///system", pool: "images", name: "root", capacity: unknownValue });
    const volume = { connection: "qemu:///system", pool: "images", name: "root" };
    assert.equal(isDeclared("Volume", volume), true);
    assert.equal(isDeclared("Network", volume), false);
    for (const other of [{ name: "other" }, { pool: "other" }, { connection: "qemu+ssh://kvm1/system" }])
      assert.equal(isDeclared("Volume", { ...volume, ...other }), false);
  });
});
