import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { skip } from "../../skip";
import { Lab } from "../../lab/lab";
import { BridgeHost } from "./bridge-host";

const clients = ["/usr/sbin/dhclient", "/sbin/dhclient"];

describe("a bridge over a NIC with addresses that were lent to it", function () {
  this.timeout(90_000);
  let lab: Lab;

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    if (!clients.some(existsSync)) skip(this, "needs dhclient");
    lab = await Lab.up({ name: "lent-bridges", hosts: 2, network: "none", lanDhcp: true });
    // One address of its own, by which ssh comes in; others by DHCP and by the router's announcements.
    const script = [
      'ip link set eth0 up && ip addr add "$1/24" dev eth0 && mkdir -p /var/lib/dhcp',
      "dhclient -4 -1 -pf /run/dhclient.eth0.pid -lf /var/lib/dhcp/dhclient.eth0.leases eth0",
      "until ip -6 -o addr show dev eth0 dynamic | grep -q . && ip -6 route show default | grep -q .; do sleep 0.1; done",
    ].join("\n");
    await Promise.all(lab.hosts.map((host) => host.run(["sh", "-c", script, "sh", host.ipv4])));
  });

  after(() => lab?.down());

  it("takes them along with their lives, and asks for them itself", async () => {
    const on = new BridgeHost(lab.host("kvm1"));
    await on.remember();
    const old = (await on.look()).links.find(({ name }) => name === "eth0")!;
    assert.deepEqual([old.clients, old.addresses.filter(({ valid }) => valid !== undefined).length], [[4], 2]);
    const pings = lab.station.ping(on.host.ipv4, { count: 800, interval: 0.01 });
    assert.deepEqual(await on.bridge.up(on.args()), ["create"]);

    const { links } = await on.look();
    const [eth0, br0] = ["eth0", "br0"].map((device) => links.find(({ name }) => name === device)!);
    const locals = (link: typeof old) => link.addresses.map(({ local }) => local).sort();
    assert.deepEqual(locals(br0!), locals(old));
    assert.ok(
      br0!.addresses.every(
        ({ local, valid }) =>
          (valid === undefined) === (old.addresses.find((one) => one.local === local)!.valid === undefined),
      ),
    );
    assert.deepEqual([br0!.clients, eth0!.clients, eth0!.addresses], [[4], [], []]);
    assert.deepEqual(await on.bridge.refresh(), []);
    assert.deepEqual(await on.bridge.up(on.args()), []);

    await on.bridge.destroy();
    await on.assertRestored();
    assert.deepEqual((await on.look()).links.find(({ name }) => name === "eth0")!.clients, [4]);
    const { lost } = await pings;
    assert.ok(lost <= 100, `${lost} pings of 10 ms were lost`);
  });

  it("gets one that it did not have, or is taken back", async () => {
    const on = new BridgeHost(lab.host("kvm2"));
    await on.remember();
    // eth1 is on a wire without a DHCP server.
    const br1 = { name: "br1", owner: "br1", uplink: "eth1", dhcp: "ipv4", confirmTimeout: "8s" };
    assert.match(
      await on.refused({ ...br1, addresses: [] }),
      /: no DHCP server gave br1 an IPv4 address\. The host has put its network back: it is as it was before$/,
    );
    await on.assertRestored();
  });
});
