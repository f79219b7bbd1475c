import assert from "node:assert/strict";
import { acceleration, probe } from "../../../providers/libvirt/accelerator";
import { OwnLibvirt } from "../handlers/own-libvirt";

describe("the accelerator on libvirt", function () {
  this.timeout(120_000);
  let libvirt: OwnLibvirt;

  before(async function () {
    libvirt = await OwnLibvirt.start(this);
  });

  after(() => libvirt?.stop());

  it("is proved by a guest that really runs, and leaves none behind", async () => {
    // Emulated guests run everywhere, and end the same way.
    assert.equal(await probe(libvirt.connection, "qemu", 30_000), undefined);
    while ((await libvirt.connection.connectListAllDomains()).length > 0)
      await new Promise((done) => setTimeout(done, 20));
  });

  it("is TCG where KVM is hidden", async () => {
    assert.equal((await acceleration(libvirt.connection)).accelerator, "tcg");
  });
});
