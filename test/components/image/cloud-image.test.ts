import assert from "node:assert/strict";
import { assertAccepted, computeOutputs, find, run, tree, valueOf } from "../mocks";
import { CloudImage, KvmHost } from "../../../components";

const url = "https://example.org/images/debian-12.qcow2";
const checksum = "https://example.org/images/SHA512SUMS";

describe("CloudImage", () => {
  before(computeOutputs);

  it("is downloaded by the host, into its first pool", async () => {
    let image!: CloudImage;
    const made = await run(() => {
      image = new CloudImage("debian", { host: new KvmHost("kvm1"), url, checksum, serial: "2026-01" });
    });
    assertAccepted(made);
    assert.deepEqual(
      tree(made).filter((line) => line.includes("Image")),
      ["CloudImage debian", "CloudImage debian > CloudImage debian"],
    );
    const downloaded = find("CloudImage", "debian", made);
    assert.deepEqual(downloaded.inputs, {
      machine: { kind: "local" },
      directory: "/var/lib/libvirt/images",
      url,
      checksum,
      serial: "2026-01",
    });
    assert.deepEqual(downloaded.dependencies, ["StoragePool kvm1-images"]);
    assert.equal(await valueOf(image.path), "/var/lib/libvirt/images/debian.qcow2");
    assert.equal(image.agent, false);
    assert.ok(!("kernel" in image));
  });

  it("says whether it brings the agent, and keeps that from the download", async () => {
    let image!: CloudImage;
    const made = await run(() => {
      image = new CloudImage("fedora", { host: new KvmHost("kvm1"), url, checksum, agent: true });
    });
    assertAccepted(made);
    assert.equal(image.agent, true);
  });
});
