import assert from "node:assert/strict";
import fc from "fast-check";
import { parseVolume, volumeXML } from "../../../../providers/libvirt/xml/volume";
import { assertGolden, golden } from "./golden";

describe("volume document", () => {
  it("is written for an overlay", () => {
    const backing = { path: "/var/lib/libvirt/images/debian.qcow2", format: "qcow2" };
    assertGolden(
      volumeXML({ name: "web-1.qcow2", format: "qcow2", capacity: 20 * 2 ** 30, backing }),
      "volume-overlay.xml",
    );
  });

  it("leaves the capacity to the backing store, and the qcow2 version out of raw volumes", () => {
    const backing = { path: "/b", format: "raw" };
    assert.equal(
      volumeXML({ name: "a", format: "qcow2", backing }).replace(/.*<allocation/, "<allocation"),
      '<allocation unit="bytes">0</allocation><target><format type="qcow2"/><compat>1.1</compat></target>' +
        '<backingStore><path>/b</path><format type="raw"/></backingStore></volume>',
    );
    assert.equal(
      volumeXML({ name: "r", format: "raw", capacity: 1024, allocation: 1024 }),
      '<volume><name>r</name><capacity unit="bytes">1024</capacity><allocation unit="bytes">1024</allocation>' +
        '<target><format type="raw"/></target></volume>',
    );
  });

  it("is read as libvirt reports it", () => {
    assert.deepEqual(parseVolume(golden("volume-report.xml")), {
      name: "web-1.qcow2",
      key: "/var/lib/libvirt/images/web-1.qcow2",
      path: "/var/lib/libvirt/images/web-1.qcow2",
      format: "qcow2",
      capacity: 20 * 2 ** 30,
      allocation: 200704,
      physical: 196616,
      backing: { path: "/var/lib/libvirt/images/debian.qcow2", format: "qcow2" },
    });
  });

  it("reads every unit that libvirt takes", () => {
    const capacity = (unit: string) => parseVolume(`<volume><capacity unit="${unit}">3</capacity></volume>`).capacity;
    assert.equal(parseVolume("<volume><capacity>3</capacity></volume>").capacity, 3);
    assert.deepEqual(["B", "bytes", "KB", "k", "KiB", "MB", "M", "MiB", "GB", "G", "GiB", "TiB"].map(capacity), [
      3,
      3,
      3e3,
      3072,
      3072,
      3e6,
      3 * 2 ** 20,
      3 * 2 ** 20,
      3e9,
      3 * 2 ** 30,
      3 * 2 ** 30,
      3 * 2 ** 40,
    ]);
  });

  it("gives back what it was made of", () => {
    const text = fc
      .string({ minLength: 1, maxLength: 30 })
      .filter((value) => /^[^\p{Cc}\p{Cs}\uFFFE\uFFFF]+$/u.test(value) && value === value.trim());
    fc.assert(
      fc.property(text, text, fc.nat(), (name, path, capacity) => {
        const report = parseVolume(volumeXML({ name, format: "qcow2", capacity, backing: { path, format: "raw" } }));
        assert.deepEqual([report.name, report.capacity, report.backing], [name, capacity, { path, format: "raw" }]);
      }),
    );
  });
});
