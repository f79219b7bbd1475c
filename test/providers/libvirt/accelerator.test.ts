import assert from "node:assert/strict";
import { acceleration, probe, probeXML } from "../../../providers/libvirt/accelerator";
import type { Connection } from "../../../providers/libvirt/connection";
import { events } from "../../../providers/libvirt/connection";
import { VIR_DOMAIN_EVENT_SHUTDOWN } from "../../../providers/libvirt/constants";
import { ErrorCode, LibvirtError } from "../../../providers/libvirt/errors";
import { closeAll, open } from "../../../providers/libvirt/open";
import { connect } from "../../../providers/libvirt/rpc/procedures-connect";
import { domains } from "../../../providers/libvirt/rpc/procedures-domain";
import { parse, text } from "../../../providers/libvirt/xml/document";
import { FakeLibvirtd } from "./fake-libvirtd";

const uuid = "6f1c3d5e-0000-4000-8000-000000000001";

function capabilities(arch: string, ...types: string[]): string {
  const domains = types.map((type) => `<domain type="${type}"/>`).join("");
  return `<capabilities><host><cpu><arch>${arch}</arch></cpu></host>
    <guest><os_type>hvm</os_type><arch name="${arch}"><wordsize>64</wordsize>${domains}</arch></guest></capabilities>`;
}

describe("the accelerator", () => {
  let fake: FakeLibvirtd;
  let connection: Connection;

  beforeEach(async () => {
    fake = await FakeLibvirtd.start();
    fake.reply(domains.domainDestroyFlags, () => ({}));
    connection = await open(fake.uri);
  });

  afterEach(async () => {
    closeAll();
    await fake.stop();
  });

  /** A host on which probe guests end at once, or never. */
  function guestsThat(run: boolean): void {
    fake.reply(domains.domainCreateXML, ({ xml }) => {
      const dom = { name: text(parse(xml), "name")!, uuid, id: 1 };
      const event = { dom, event: VIR_DOMAIN_EVENT_SHUTDOWN, detail: 0 };
      if (run) setTimeout(() => fake.emit(events.domainLifecycle, event), 5);
      return { dom };
    });
  }

  it("is TCG where libvirt offers no KVM, told once", async () => {
    fake.reply(connect.connectGetCapabilities, () => ({ capabilities: capabilities("x86_64", "qemu") }));
    const warnings: string[] = [];
    const [one, other] = await Promise.all([1, 2].map(() => acceleration(connection, (text) => warnings.push(text))));
    assert.equal(one!.accelerator, "tcg");
    assert.equal(one, other);
    assert.deepEqual(warnings, [
      "warning: guests run emulated (TCG), several times slower than with KVM: libvirt offers no KVM; /dev/kvm is missing or closed to it",
    ]);
    assert.equal(fake.calls.length, 1);
  });

  it("is KVM on other processors that libvirt offers it for", async () => {
    fake.reply(connect.connectGetCapabilities, () => ({ capabilities: capabilities("aarch64", "qemu", "kvm") }));
    assert.deepEqual(await acceleration(connection), { accelerator: "kvm", reason: "libvirt offers KVM" });
  });

  it("is asked for again after libvirt did not answer", async () => {
    fake.reply(connect.connectGetCapabilities, () => {
      throw new LibvirtError("busy", { code: ErrorCode.INTERNAL_ERROR });
    });
    await assert.rejects(acceleration(connection), /busy/);
    fake.reply(connect.connectGetCapabilities, () => ({ capabilities: capabilities("x86_64", "qemu") }));
    assert.equal((await acceleration(connection)).accelerator, "tcg");
  });

  it("is proved by a guest that ends by itself", async () => {
    guestsThat(true);
    assert.equal(await probe(connection), undefined);
  });

  it("is disproved by a guest that hangs, which is turned off", async () => {
    guestsThat(false);
    assert.equal(await probe(connection, "kvm", 20), "a guest under KVM hung: its firmware was not done in 0.02 s");
    // The answer does not wait for it.
    while (!fake.called.includes("domainDestroyFlags")) await new Promise((done) => setTimeout(done, 1));
  });

  it("is disproved by a guest that cannot be started", async () => {
    fake.reply(domains.domainCreateXML, () => {
      throw new LibvirtError("Could not access KVM kernel module", { code: ErrorCode.INTERNAL_ERROR });
    });
    assert.equal(await probe(connection), "a guest cannot be started under KVM: Could not access KVM kernel module");
  });

  it("is probed by a guest that needs nothing on the host", () => {
    const xml = probeXML("probe", "kvm");
    assert.match(xml, /type="kvm"/);
    assert.doesNotMatch(xml, /<disk|<interface|<kernel|<source/);
  });
});
