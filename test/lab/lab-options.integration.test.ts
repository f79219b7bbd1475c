import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { skip } from "../skip";
import { Lab } from "./lab";
import type { HostNetwork } from "./lab-layout";
import { labObstacle } from "./lab-obstacle";

describe("a lab's options", function () {
  this.timeout(120_000);

  before(function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
  });

  afterEach(async () => {
    for (const name of Lab.names()) if (name === "options") await Lab.down(name);
  });

  const eventually = async (condition: () => Promise<boolean>, what: string): Promise<void> => {
    for (let attempt = 0; attempt < 100; attempt++) {
      if (await condition()) return;
      await sleep(100);
    }
    assert.fail(what);
  };

  for (const network of ["networkd", "networkmanager"] satisfies HostNetwork[])
    it(`have hosts whose network is ${network}'s, also after a boot`, async function () {
      const obstacle = labObstacle(network);
      if (obstacle) skip(this, obstacle);
      const lab = await Lab.up({ name: "options", network });
      const host = lab.host("kvm1");
      for (const round of ["first boot", "second boot"]) {
        for (const target of [lab.internet.ipv4, lab.internet.ipv6])
          await eventually(async () => (await host.ping(target, { count: 1 })).received === 1, `${round}: ${target}`);
        const { stdout } = await host.run(["cat", "/sys/class/net/eth1/operstate"]);
        assert.equal(stdout, "up\n");
        if (round === "first boot") await host.reboot();
      }
      const tool = network === "networkd" ? ["networkctl", "reload"] : ["nmcli", "connection", "reload"];
      await host.run(tool);
    });

  it("hand out addresses on the LAN", async () => {
    const lab = await Lab.up({ name: "options", network: "none", lanDhcp: true });
    const host = lab.host("kvm1");
    await host.run(["ip", "link", "set", "eth0", "up"]);
    await host.run(["dhclient", "-1", "-v", "eth0"]);
    const addresses = async () => (await host.run(["ip", "-br", "address", "show", "eth0"])).stdout;
    assert.match(await addresses(), / 192\.168\.155\.1\d\d\/24 /);
    await eventually(async () => / fd00:155::4c:41ff:fe42:2000\/64 /.test(await addresses()), "no address by RA");
    assert.equal((await host.ping(lab.internet.ipv4)).lost, 0);
    await eventually(async () => (await host.ping(lab.internet.ipv6)).lost === 0, "no route by RA");
  });

  it("give hosts a disk that can be filled", async () => {
    const lab = await Lab.up({ name: "options", disk: "64MiB" });
    const host = lab.host("kvm1");
    const fill = await host.run(["dd", "if=/dev/zero", "of=/root/full", "bs=1M"], { accept: [1] });
    assert.match(fill.stderr, /No space left on device/);
    await host.reboot();
    await assert.rejects(host.run(["cp", "/bin/bash", "/etc/copy"]), /No space left on device/);
    await host.run(["rm", "/root/full"]);
    await host.run(["cp", "/bin/bash", "/etc/copy"]);
  });

  it("are refused when they are no sizes", async () => {
    await assert.rejects(Lab.up({ name: "options", disk: "big" }), /"big" is not a size/);
  });
});
