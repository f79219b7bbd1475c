import assert from "node:assert/strict";
import { containerImageOr } from "../lab/container-image";
import { Lab } from "../lab/lab";
import { skip } from "../skip";
import { StackCopy } from "./stack-copy";

describe("the server room", function () {
  this.timeout(600_000);
  let lab: Lab;
  let room: StackCopy;

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    await containerImageOr(this);
    lab = await Lab.up();
    room = await StackCopy.create("datacenter", { "datacenter:lab": lab.name });
  });

  after(async () => {
    await lab?.down();
    await room?.dispose();
  });

  const title = (page: string) => /<h1>(.*)<\/h1>/.exec(page)?.[1];
  const host = () => lab.host("kvm1");

  it("comes up with one command, over the NIC that carries the connection", async () => {
    await room.up();
    const { stdout } = await host().run(["ip", "-br", "link", "show", "master", "br0"]);
    assert.match(stdout, /^eth0/m);
  });

  it("shows no change afterwards", async () => {
    assert.deepEqual(await room.plan(), []);
  });

  it("answers on the LAN and on the WAN, by IPv4 and IPv6", async () => {
    const seen = [
      await lab.station.get("http://192.168.155.40/"),
      await lab.station.get("http://[fd00:155::40]/"),
      await lab.station.get("http://192.168.155.41/"),
      await lab.wan.get("http://203.0.113.40/"),
      await lab.wan.get("http://[2001:db8:203::40]/"),
      await lab.wan.get("http://203.0.113.41/"),
    ];
    assert.deepEqual(seen.map(title), ["intranet", "intranet", "edge", "portal", "portal", "edge"]);
  });

  it("publishes what is behind NAT, and nothing else of it", async () => {
    assert.equal(title(await lab.station.get("http://192.168.155.32:8080/")), "office");
    assert.equal(title(await lab.station.get("http://[fd00:155::32]:8080/")), "office");
    await lab.station.run(["ip", "route", "replace", "192.168.122.0/24", "via", "192.168.155.32"]);
    await lab.station.run(["ip", "-6", "route", "replace", "fd00:122::/64", "via", "fd00:155::32"]);
    await assert.rejects(lab.station.get("http://192.168.122.10/"));
    await assert.rejects(lab.station.get("http://[fd00:122::10]/"));
  });

  /** A command in a guest. */
  const inside = (guest: string, ...argv: string[]) => host().inContainer(guest, argv, { accept: [0, 1, 2, 7, 28] });

  it("lets guests behind NAT out, and those in the back nowhere", async () => {
    const out = await inside("office", "/usr/bin/curl", "-s", "-m", "5", "http://198.51.100.2/");
    assert.match(out.stdout, /192\.168\.155\.32/, "the server in the internet sees the host's address");
    const out6 = await inside("office", "/usr/bin/curl", "-s", "-m", "5", "http://[2001:db8:51::2]/");
    assert.match(out6.stdout, /fd00:155::32/);
    for (const server of ["198.51.100.2", "[2001:db8:51::2]"]) {
      const none = await inside("store", "/usr/bin/curl", "-s", "-m", "3", `http://${server}/`);
      assert.notEqual(none.exitCode, 0);
    }
    const back = await inside("edge", "/usr/bin/curl", "-s", "-m", "5", "http://10.155.0.20/");
    assert.equal(title(back.stdout), "store");
  });

  it("has guests that back up and prove what they serve", async () => {
    const { stderr } = await inside("store", "/usr/local/sbin/kvm-backup-store-pages", "run");
    assert.match(stderr, /published .*\n(.*\n)*drill: \S+ restores: \d+ files and folders as they were/);
  });

  it("changes a guest in place, and nothing else", async () => {
    await room.edit("stacks/datacenter/site.ts", 'memory: "256MiB"', 'memory: "320MiB"');
    assert.deepEqual(
      (await room.plan()).sort(),
      ["edge", "intranet", "office", "portal", "store"].map((name) => `update Domain ${name}`),
    );
    const before = (await host().run(["virsh", "-c", "lxc:///system", "domid", "portal"])).stdout;
    await room.up();
    assert.equal((await host().run(["virsh", "-c", "lxc:///system", "domid", "portal"])).stdout, before);
    assert.deepEqual(await room.plan(), []);
  });

  it("finds and repairs what was changed behind its back", async () => {
    await host().run(["ip", "addr", "del", "fd00:155::32/64", "dev", "br0"]);
    await host().run(["virsh", "-c", "lxc:///system", "destroy", "portal"]);
    await room.refresh();
    const drift = await room.plan();
    assert.ok(drift.includes("update LinuxBridge kvm1-br0"), drift.join(", "));
    assert.ok(drift.includes("update Domain portal"), drift.join(", "));
    await room.up();
    assert.equal(title(await lab.wan.get("http://203.0.113.40/")), "portal");
    assert.match((await host().run(["ip", "addr", "show", "br0"])).stdout, /fd00:155::32\/64/);
    assert.deepEqual(await room.plan(), []);
  });

  it("has its bridges again after the host's reboot", async () => {
    await host().reboot();
    const { stdout } = await host().run(["ip", "-br", "addr", "show", "br0"]);
    assert.match(stdout, /192\.168\.155\.32\/24/);
    assert.match(stdout, /fd00:155::32\/64/);
  });

  it("leaves the host as it was", async () => {
    await room.destroy();
    const { stdout } = await host().run(["ip", "-br", "addr"]);
    assert.doesNotMatch(stdout, /^br[01] /m);
    assert.match(stdout, /^eth0.* 192\.168\.155\.32\/24/m);
    assert.equal((await host().run(["virsh", "-c", "lxc:///system", "list", "--all", "--name"])).stdout.trim(), "");
    assert.doesNotMatch((await host().run(["nft", "list", "tables"])).stdout, /pulumi_kvm/);
  });
});
