import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { skip } from "../../skip";
import { Lab } from "../../lab/lab";
import { BridgeHost } from "./bridge-host";

/** The ways in which hosts of the lab keep their network, and how such a host is called. */
const ways = { ifupdown: "ifupdown", networkd: "networkd", networkmanager: "nm" } as const;

describe("a bridge that the host keeps", function () {
  this.timeout(120_000);
  let lab: Lab;
  const on = (way: keyof typeof ways) => new BridgeHost(lab.host(ways[way]));

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    const names: string[] = [];
    for (const [network, name] of Object.entries(ways) as [keyof typeof ways, string][]) {
      names.push(name);
      lab = await Lab.up({ name: "kept-bridges", hosts: names, network });
    }
  });

  after(() => lab?.down());

  // One a host, all at once: most of their time is waiting for ssh and managers.
  describe("in its own way", () => {
    const lives: { [way: string]: Promise<void> } = {};

    before(() => {
      for (const way of Object.keys(ways) as (keyof typeof ways)[]) {
        lives[way] = life(on(way), way);
        lives[way].catch(() => {});
      }
    });

    for (const way of Object.keys(ways)) it(`lives with ${way}, over reboots too`, () => lives[way]);
  });

  async function life(host: BridgeHost, way: string): Promise<void> {
    const { bridge } = host;
    const args = host.args({ persist: "auto" });
    await host.remember();
    const pings = lab.station.ping(host.host.ipv4, { count: 1500, interval: 0.01 });
    assert.deepEqual(await bridge.up(args), ["create"]);
    assert.equal(bridge.state["renderer"], way);
    const { lost } = await pings;
    assert.ok(lost <= 100, `${lost} pings of 10 ms were lost`);
    assert.deepEqual(await bridge.up(args), []);
    assert.deepEqual(await bridge.refresh(), []);

    await host.host.reboot();
    assert.deepEqual(await bridge.refresh(), []);
    assert.deepEqual(await lab.station.ping(host.host.ipv4), { sent: 3, received: 3, lost: 0 });

    await bridge.destroy();
    await host.assertRestored(way);
    const left = (await host.host.run(["find", "/etc", "-name", "*pulumi-kvm*"])).stdout;
    assert.equal(left, "");
    await host.host.reboot();
    await host.assertRestored(way);
  }

  it("is taken back with its files where it does not answer after the hand-over", async () => {
    const host = on("networkd");
    await host.remember();
    // It answers once: before the hand-over, but not after it.
    const server = createServer((socket) => {
      socket.destroy();
      server.close();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const message = await host.refused({ persist: "auto", confirmTimeout: "10s", confirm: { tcp: [endpoint] } });
    assert.match(
      message,
      /: 127\.0\.0\.1:\d+ does not answer from here\. The host has put its network back: it is as it was before$/,
    );
    await host.assertRestored();
    assert.equal((await host.host.run(["find", "/etc", "-name", "*pulumi-kvm*"])).stdout, "");
  });

  it("changes nothing where there is no room for its files", async () => {
    const host = on("ifupdown");
    await host.remember();
    const folder = "/etc/network/interfaces.d";
    const fill = 'mount -t tmpfs -o size=4k full "$1" && cat /dev/zero >"$1/fill"';
    await host.host.run(["sh", "-c", fill, "sh", folder], { accept: "any" });
    const message = await host.refused({ persist: "ifupdown" });
    assert.equal(
      message,
      "bridge br0 on ssh root@ifupdown: cannot create: nothing was changed: cannot write /etc/network/interfaces.d/pulumi-kvm-br0: is the disk full?",
    );
    await host.assertRestored();
    assert.equal((await host.host.run(["ls", "-A", folder])).stdout, "fill\n");
    await host.host.run(["umount", folder]);
  });

  it("is not there after a reboot midway, and made by the next up", async () => {
    const host = on("ifupdown");
    await host.remember();
    const outcome = host.refused({ persist: "auto", confirm: { ping: ["192.168.155.250"] } });
    await host.applied();
    await host.host.reboot();
    assert.equal(
      await outcome,
      "bridge br0 on ssh root@ifupdown: cannot create: the host was restarted midway. Its network is as it was before",
    );
    await host.assertRestored();
    assert.deepEqual(await host.bridge.up(host.args({ persist: "auto" })), ["create"]);
    await host.bridge.destroy();
    await host.assertRestored();
  });
});
