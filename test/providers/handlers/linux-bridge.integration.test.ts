import assert from "node:assert/strict";
import { skip } from "../../skip";
import { Lab } from "../../lab/lab";
import { BridgeHost } from "./bridge-host";
import { mishaps, survive } from "./dead-man";

describe("a bridge over the NIC that its host is reached by", function () {
  this.timeout(90_000);
  let lab: Lab;
  let hosts: BridgeHost[];

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    lab = await Lab.up({ name: "bridges", hosts: 6 });
    hosts = lab.hosts.map((host) => new BridgeHost(host));
  });

  after(() => lab?.down());

  it("lives: made, seen again, changed in place, drifted, repaired, removed, without losing a second of pings", async () => {
    const on = hosts[0]!;
    const { bridge, host } = on;
    await on.remember();
    const pings = lab.station.ping(host.ipv4, { count: 1000, interval: 0.01 });
    assert.deepEqual(await bridge.up(on.args()), ["create"]);
    assert.deepEqual(bridge.state["ports"], ["eth0"]);
    assert.deepEqual(bridge.state["assigned"], ["192.168.155.32/24", "fd00:155::32/64"]);
    assert.equal(bridge.state["mac"], "02:4c:41:42:20:00");
    assert.deepEqual(await bridge.up(on.args()), []);
    assert.deepEqual(await bridge.refresh(), []);

    // One more address and an MTU, while guests go on.
    await host.run(["sh", "-c", "ip link add vnet0 type veth peer name guest0 && ip link set vnet0 master br0 up"]);
    const more = on.args({ addresses: ["192.168.155.32/24", "192.168.155.232/24", "fd00:155::32/64"], mtu: 1600 });
    assert.deepEqual(await bridge.preview(more), []);
    assert.deepEqual(await bridge.up(more), ["addresses: live", "mtu: live"]);
    assert.deepEqual(await lab.station.ping("192.168.155.232"), { sent: 3, received: 3, lost: 0 });
    assert.deepEqual(await bridge.refresh(), []);

    await host.run([
      "sh",
      "-c",
      "ip addr del 192.168.155.232/24 dev br0; ip link set br0 mtu 1500; ip link set br0 type bridge stp_state 1",
    ]);
    assert.deepEqual(await bridge.refresh(), ["addresses", "mtu", "stp"]);
    assert.deepEqual(await bridge.up(more), ["addresses: live", "mtu: live", "stp: live"]);
    assert.deepEqual(await bridge.refresh(), []);
    assert.match((await host.run(["ip", "-br", "link", "show", "master", "br0"])).stdout, /^eth0@.*\nvnet0@/m);

    await assert.rejects(bridge.destroy(), /something is plugged into it: vnet0\. Fix: stop the guests/);
    await host.run(["ip", "link", "del", "vnet0"]);
    await bridge.destroy();
    await on.assertRestored();
    const { lost } = await pings;
    assert.ok(lost <= 100, `${lost} pings of 10 ms were lost`);
  });

  // Each on its own host, all at once: most of their time is waiting for a window to end.
  describe("of which a change goes wrong", () => {
    const ends: { [what: string]: Promise<void> } = {};

    before(() => {
      for (const [at, [what, mishap]] of Object.entries(mishaps).entries()) {
        ends[what] = survive(mishap, hosts[at]!, "10s");
        ends[what].catch(() => {});
      }
    });

    for (const what of Object.keys(mishaps)) it(`is as it was before after ${what}`, () => ends[what]);
  });
});
