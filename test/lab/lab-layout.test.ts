import assert from "node:assert/strict";
import { fixedPlans, hostPlan, mostHosts } from "./lab-layout";

describe("the layout of a lab", () => {
  const hosts = Array.from({ length: mostHosts }, (_, index) => hostPlan(`host-${index}`, index, "ifupdown"));
  const nics = [...fixedPlans(), ...hosts].flatMap(({ nics }) => nics);

  it("gives every NIC a MAC address of its own, and every address once", () => {
    const macs = nics.map(({ mac }) => mac);
    const addresses = nics.flatMap(({ addresses }) => addresses);
    assert.equal(new Set(macs).size, macs.length);
    assert.equal(new Set(addresses).size, addresses.length);
    for (const mac of macs) assert.match(mac, /^02(:[0-9a-f]{2}){5}$/);
  });

  it("keeps its hosts out of the addresses that DHCP hands out", () => {
    for (const { nics } of hosts) {
      const last = Number(/^192\.168\.155\.(\d+)\/24$/.exec(nics[0]!.addresses[0]!)![1]);
      assert.ok(last >= 32 && last < 100, `${last}`);
    }
  });

  it("puts the first host where the picture has kvm1", () => {
    const [eth0, eth1] = hostPlan("kvm1", 0, "none").nics;
    assert.deepEqual(eth0!.addresses, ["192.168.155.32/24", "fd00:155::32/64"]);
    assert.deepEqual([eth0!.segment, eth1!.segment], ["lan", "wan"]);
    assert.deepEqual(eth1!.addresses, []);
  });
});
