import assert from "node:assert/strict";
import { volumeProblems } from "../../../providers/handlers/volume-problems";
import { ErrorCode } from "../../../providers/libvirt/errors";
import { poolXML } from "../../../providers/libvirt/xml/pool";
import { volumeSchema } from "../../../providers/schema/volume";
import { parsed } from "../schema/parse";
import { fakeConnection, missing } from "./fake-connection";

const pool = { name: "images", uuid: "p" };

describe("problems of volumes", () => {
  /** What is said of a new volume whose file is not there, with one guest that has it as its disk. */
  async function problemsBeside(guest: { id: number; path: string }): Promise<string[]> {
    const connection = fakeConnection({
      storagePoolLookupByName: () => pool,
      storagePoolIsActive: () => true,
      storagePoolGetXMLDesc: () => poolXML({ name: "images", type: "dir", path: "/images" }),
      storageVolLookupByName: () => missing(ErrorCode.NO_STORAGE_VOL),
      connectListAllStoragePools: () => [],
      connectListAllDomains: () => [{ name: "web-1", uuid: "1", id: guest.id }],
      domainGetXMLDesc: () =>
        `<domain><devices><disk><source file="${guest.path}"/><target dev="vda"/></disk></devices></domain>`,
    });
    const volume = parsed(volumeSchema, { pool: "images", name: "web.qcow2", capacity: "1GiB" });
    return (await volumeProblems(connection, volume, undefined, [])).map(({ field, reason }) => `${field}: ${reason}`);
  }

  it("are that a guest still runs on the deleted file in whose place the volume would be", async () => {
    const [reason, ...others] = await problemsBeside({ id: 7, path: "/images/web.qcow2" });
    assert.deepEqual(others, []);
    assert.match(reason!, /^name: its file is gone, and still open: guest web-1 \(vda\); the data is lost when/);
    assert.match(
      reason!,
      /Fix: rescue it with virsh blockcopy web-1 vda --dest FILE .*, stop the guest, and run up again$/,
    );
  });

  it("are not guests that are off, and not other disks", async () => {
    assert.deepEqual(await problemsBeside({ id: -1, path: "/images/web.qcow2" }), []);
    assert.deepEqual(await problemsBeside({ id: 7, path: "/images/other.qcow2" }), []);
  });
});
