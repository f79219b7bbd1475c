import assert from "node:assert/strict";
import { linuxBridgeSchema } from "../../../providers/schema/linux-bridge";
import { LinuxBridgeHandler } from "../../../providers/handlers/linux-bridge";
import * as v from "valibot";
import { skip } from "../../skip";
import { Lab } from "../../lab/lab";
import { BridgeHost, nobody } from "./bridge-host";
import { FakeContext } from "./fake-context";

describe("a bridge among others who work on its host", function () {
  this.timeout(120_000);
  let lab: Lab;
  const on = (name: string) => new BridgeHost(lab.host(name));
  const shell = (host: BridgeHost, script: string) => host.host.run(["sh", "-c", script]);

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    lab = await Lab.up({ name: "busy-bridges", hosts: 3 });
  });

  after(() => lab?.down());

  it("waits for another change of the same host", async () => {
    const [first, second] = [on("kvm1"), on("kvm1")];
    await first.remember();
    const refused = first.refused({ confirmTimeout: "10s", confirm: { ping: [nobody] } });
    await first.applied();
    // Another way to the same host, so that nothing but the host knows that it is one.
    const { machine } = first.host;
    const other = { ...machine, options: { ...machine.options, TCPKeepAlive: "yes" } };
    const br1 = { machine: other, name: "br1", owner: "br1", uplink: "eth1", addresses: [], persist: "none" };
    assert.deepEqual(await second.bridge.up(br1), ["create"]);
    assert.match(
      await refused,
      /does not answer the host's pings\. The host has put its network back: it is as it was before$/,
    );
    await second.bridge.destroy();
    await first.assertRestored();
  });

  it("is taken back by the next change where its guard was killed", async () => {
    const host = on("kvm2");
    await host.remember();
    const refused = host.refused({ confirm: { ping: [nobody] } });
    await host.applied();
    await shell(host, 'kill -KILL "$(cat /run/pulumi-kvm/network/change/guard.pid)"');
    assert.match(await refused, /The host has put its network back: it is as it was before$/);
    await host.assertRestored();
  });

  it("is taken back at once where its run is interrupted", async () => {
    const host = on("kvm2");
    await host.remember();
    const context = new FakeContext();
    const inputs = v.parse(linuxBridgeSchema, host.args({ confirm: { ping: [nobody] } }));
    const making = new LinuxBridgeHandler().create(inputs, context);
    await host.applied();
    context.abort.abort(new Error("interrupted"));
    await assert.rejects(making, /The host has put its network back: it is as it was before$/);
    await host.assertRestored();
    assert.ok(host.seconds()! < 60, "by the interruption, not by the timer");
  });

  it("is known again after a run that ended before it could write down what it had made", async () => {
    const [lost, host] = [on("kvm3"), on("kvm3")];
    await host.remember();
    await lost.bridge.up(lost.args());
    assert.match(
      (await host.bridge.preview(host.args({ owner: "other" }))).join(),
      /a bridge named "br0" already exists\. Fix: set adopt: "br0"/,
    );
    assert.deepEqual(await host.bridge.up(host.args()), ["create"]);
    assert.equal((await shell(host, "ls -d /run/pulumi-kvm/network/*/")).stdout.trim().split("\n").length, 1);
    await host.bridge.destroy();
    await host.assertRestored();
  });

  it("is taken over as it is, brought to what is declared, and left", async () => {
    const host = on("kvm3");
    await host.remember();
    const made = "link add br0 type bridge\nlink set eth0 master br0\nlink set br0 up\naddr add 10.99.0.1/24 dev br0\n";
    await host.host.run(["ip", "-batch", "-"], {
      stdin: `${made}addr flush dev eth0\naddr add 192.168.155.34/24 dev br0\n`,
    });
    assert.match((await host.bridge.preview(host.args())).join(), /a bridge named "br0" already exists/);
    const args = host.args({ adopt: "br0", confirm: { gateway: false } });
    assert.deepEqual(await host.bridge.up(args), ["create"]);
    assert.deepEqual(host.bridge.state["assigned"], ["10.99.0.1/24", "192.168.155.34/24"]);
    assert.deepEqual(await host.bridge.up({ ...args, stp: true, forwardDelay: 2, disruption: "reboot" }), [
      "stp: reboot",
      "forwardDelay: live",
    ]);
    assert.deepEqual(await host.bridge.refresh(), []);
    await host.bridge.destroy();
    assert.match((await shell(host, "bridge link")).stdout, /eth0.* master br0 state forwarding/);
  });
});
