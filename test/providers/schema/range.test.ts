import assert from "node:assert/strict";
import fc from "fast-check";
import { capacity, contains, firstAddress, nth, prefix } from "../../../providers/schema/address";
import { canonicalLease, defaultRange, lastHost, offsetIn } from "../../../providers/schema/range";

describe("DHCP range", () => {
  it("takes the wider side of the bridge's address", () => {
    assert.deepEqual(defaultRange(prefix("10.0.0.0/24"), "10.0.0.1"), { start: "10.0.0.2", end: "10.0.0.254" });
    assert.deepEqual(defaultRange(prefix("10.0.0.0/24"), "10.0.0.254"), { start: "10.0.0.1", end: "10.0.0.253" });
    assert.deepEqual(defaultRange(prefix("10.0.0.0/24"), "10.0.0.100"), { start: "10.0.0.101", end: "10.0.0.254" });
    assert.deepEqual(defaultRange(prefix("10.0.0.0/30"), "10.0.0.2"), { start: "10.0.0.1", end: "10.0.0.1" });
    assert.deepEqual(defaultRange(prefix("fd00::/64"), "fd00::1"), { start: "fd00::2", end: "fd00::ffff" });
  });

  it("stays where libvirt takes one range", () => {
    assert.deepEqual(defaultRange(prefix("10.0.0.0/8"), "10.0.0.1"), { start: "10.0.0.2", end: "10.0.255.255" });
    assert.deepEqual(defaultRange(prefix("10.0.0.0/16"), "10.0.0.1"), { start: "10.0.0.2", end: "10.0.255.254" });
  });

  it("is always inside the subnet and beside the bridge, and never broadcast", () => {
    const lengths = fc.oneof(
      fc.integer({ min: 8, max: 30 }).map((length) => ["172.20.17.33", length] as const),
      fc.integer({ min: 64, max: 126 }).map((length) => ["fd00:1:2:3:4:5:6:7", length] as const),
    );
    fc.assert(
      fc.property(lengths, fc.bigInt({ min: 0n, max: 2n ** 64n }), ([address, length], at) => {
        const network = prefix(`${firstAddress(prefix(`${address}/${length}`))}/${length}`);
        const bridge = nth(network, 1n + (at % lastHost(network)));
        const { start, end } = defaultRange(network, bridge);
        assert.ok(contains(network, start) && contains(network, end));
        const [first, last, own] = [start, end, bridge].map((one) => offsetIn(network, one));
        assert.ok(first! <= last! && last! <= lastHost(network) && first! >= 1n);
        assert.ok(own! < first! || own! > last!);
        assert.ok(last! - first! < 65536n);
      }),
    );
  });

  it("counts addresses", () => {
    const network = prefix("10.1.0.0/16");
    assert.equal(offsetIn(network, "10.1.1.0"), 256n);
    assert.equal(nth(network, offsetIn(network, "10.1.200.7")), "10.1.200.7");
    assert.equal(lastHost(network), capacity(network) - 2n);
  });

  it("has one spelling for a lease time", () => {
    assert.deepEqual(["60m", "3600s", "90m", "2d", "150s"].map(canonicalLease), ["1h", "1h", "90m", "48h", "150s"]);
  });
});
