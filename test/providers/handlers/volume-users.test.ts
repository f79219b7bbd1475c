import assert from "node:assert/strict";
import { nameUsers, volumeUsers } from "../../../providers/handlers/volume-users";
import { VIR_DOMAIN_XML_INACTIVE } from "../../../providers/libvirt/constants";
import { ErrorCode } from "../../../providers/libvirt/errors";
import { fakeConnection, missing } from "./fake-connection";

const pool = { name: "images", uuid: "p" };
const volume = (name: string, backing?: string) => ({
  handle: { pool: "images", name, key: `/images/${name}` },
  xml: `<volume><name>${name}</name><target><path>/images/${name}</path></target>${
    backing ? `<backingStore><path>${backing}</path></backingStore>` : ""
  }</volume>`,
});
const volumes = [volume("base"), volume("web", "/images/base"), volume("gone")];
const live = `<domain><devices>
  <disk type="file"><source file="/images/web"/><target dev="vda"/>
    <backingStore type="file"><source file="/images/base"/><backingStore/></backingStore></disk>
  <disk type="file" device="cdrom"><target dev="sda"/></disk>
</devices></domain>`;
const config = `<domain><devices>
  <disk type="volume"><source pool="images" volume="web"/><target dev="vda"/></disk>
  <disk type="file"><source file="/images/extra"/><target dev="vdb"/></disk>
</devices></domain>`;

let scans = 0;
const connection = fakeConnection({
  connectListAllStoragePools: () => [pool],
  storagePoolListAllVolumes: () => volumes.map(({ handle }) => handle),
  storageVolGetXMLDesc: ({ name }) =>
    name === "gone" ? missing(ErrorCode.NO_STORAGE_VOL) : volumes.find(({ handle }) => handle.name === name)!.xml,
  connectListAllDomains: () => {
    scans++;
    return [
      { name: "web-1", uuid: "1", id: 7 },
      { name: "old", uuid: "2", id: -1 },
      { name: "vanished", uuid: "3", id: -1 },
    ];
  },
  domainGetXMLDesc: ({ name }, flags) => {
    if (name === "vanished") return missing(ErrorCode.NO_DOMAIN);
    return name === "old" || flags === VIR_DOMAIN_XML_INACTIVE ? config : live;
  },
});

describe("users of a volume", () => {
  it("are guests, running or not, and overlays", async () => {
    const users = await volumeUsers(connection, "/images/base");
    assert.equal(nameUsers(users), "guest web-1 (vda), overlay /images/web");
    assert.deepEqual(
      users.disks.map(({ running, layer }) => [running, layer]),
      [[true, 1]],
    );
    assert.equal(nameUsers(await volumeUsers(connection, "/images/web")), "guest web-1 (vda), guest old (vda)");
    assert.equal(nameUsers(await volumeUsers(connection, "/images/extra")), "guest web-1 (vdb), guest old (vdb)");
    assert.equal(nameUsers(await volumeUsers(connection, "/images/other")), undefined);
  });

  it("are looked for once for all who ask at a time, and again for who asks later", async () => {
    scans = 0;
    const paths = Array.from({ length: 50 }, (_, at) => `/images/${at}`);
    const first = volumeUsers(connection, "/images/base");
    await Promise.all([first, ...paths.map((path) => volumeUsers(connection, path))]);
    assert.equal(scans, 2, "those that asked while the first scan ran share the second");
    await volumeUsers(connection, "/images/base");
    assert.equal(scans, 3);
  });
});
