import assert from "node:assert/strict";
import { parse } from "../../../../providers/libvirt/xml/document";
import { applyOverlay, hasOverlay } from "../../../../providers/libvirt/xml/overlay";

const document = `<domain><features><acpi/></features><cpu mode="maximum"/><devices><emulator>qemu</emulator><rng model="virtio"/></devices></domain>`;

/** The overlay applied and taken out again must leave what was there. */
function bothWays(overlay: string, expected: string): void {
  const applied = applyOverlay(document, overlay);
  assert.equal(applied, expected);
  assert.ok(hasOverlay(parse(applied), overlay));
  assert.equal(applyOverlay(applied, overlay, overlay), applied);
  assert.equal(applyOverlay(applied, overlay), applied, "twice is once");
}

describe("what a program adds to a document", () => {
  it("is merged into elements of the same name", () => {
    bothWays(
      `<domain><features><apic/></features><cpu><topology sockets="1"/></cpu></domain>`,
      `<domain><features><acpi/><apic/></features><cpu mode="maximum"><topology sockets="1"/></cpu><devices><emulator>qemu</emulator><rng model="virtio"/></devices></domain>`,
    );
  });

  it("adds devices to those of the same kind", () => {
    bothWays(
      `<domain><devices><rng model="virtio-transitional"/><watchdog model="itco"/></devices></domain>`,
      document.replace("</devices>", `<rng model="virtio-transitional"/><watchdog model="itco"/></devices>`),
    );
  });

  it("puts an element without parts in the place of its like", () => {
    bothWays(`<domain><cpu mode="host-model"/></domain>`, document.replace("maximum", "host-model"));
  });

  it("is taken out with what libvirt added to it", () => {
    const overlay = `<domain><features><pvspinlock state="on"/></features><devices><watchdog model="itco"/></devices></domain>`;
    const applied = applyOverlay(document, overlay);
    const libvirts = applied.replace(
      `<watchdog model="itco"/>`,
      `<watchdog model="itco" action="reset"><alias name="w0"/></watchdog>`,
    );
    assert.ok(hasOverlay(parse(libvirts), overlay));
    assert.equal(applyOverlay(libvirts, undefined, overlay), document);
  });

  it("gives way to another", () => {
    const watchdog = (model: string) => `<domain><devices><watchdog model="${model}"/></devices></domain>`;
    const first = applyOverlay(document, watchdog("itco"));
    assert.equal(applyOverlay(first, watchdog("ib700"), watchdog("itco")), applyOverlay(document, watchdog("ib700")));
  });

  it("is missed where it is gone", () => {
    const two = `<domain><devices><rng model="virtio"/><rng model="virtio"/></devices></domain>`;
    assert.equal(hasOverlay(parse(document), two), false);
    assert.equal(hasOverlay(parse(document), `<domain><devices><emulator>other</emulator></devices></domain>`), false);
    assert.equal(hasOverlay(parse(document), `<domain><devices><emulator>qemu</emulator></devices></domain>`), true);
  });

  it("leaves the text of a document alone that says it already", () => {
    const odd = `<domain  a='1'><devices/></domain>`;
    assert.equal(applyOverlay(odd, undefined), odd);
    assert.equal(applyOverlay(odd, `<domain a="1"/>`, `<domain a="1"/>`), odd);
  });
});
