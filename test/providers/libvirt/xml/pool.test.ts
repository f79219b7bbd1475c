import assert from "node:assert/strict";
import { parsePool, poolXML } from "../../../../providers/libvirt/xml/pool";
import { assertGolden } from "./golden";

describe("storage pool document", () => {
  it("is written", () => {
    assertGolden(poolXML({ name: "images", type: "dir", path: "/var/lib/libvirt/images" }), "pool-dir.xml");
  });

  it("reads back what it wrote, and pools of other types", () => {
    const pool = { name: "a&b", uuid: "3b7f1c1e-7a62-4c9e-9d2f-9a4f1f0a7b11", type: "dir", path: "/srv/a <b>" };
    assert.deepEqual(parsePool(poolXML(pool)), pool);
    const logical = "<pool type='logical'><name>vg</name><capacity unit='bytes'>5</capacity><source/></pool>";
    assert.deepEqual(parsePool(logical), { name: "vg", type: "logical" });
  });
});
