import assert from "node:assert/strict";
import { networkd } from "../../../../providers/host-network/persist/networkd";
import { bridge, configurations } from "./configurations";
import { FileHost } from "./file-host";
import { assertGolden } from "./golden";

const foreign = {
  "/etc/systemd/network/10-eth0.network": "[Match]\nName=eth0\n\n[Network]\nDHCP=yes\nVLAN=eth0.7\n",
  "/etc/systemd/network/20-rest.network": "[Match]\nName=en* eth*\n\n[Network]\nDHCP=yes\n",
};

describe("networkd renderer", () => {
  for (const [name, config] of Object.entries(configurations))
    it(`keeps: ${name}`, async () => {
      const host = new FileHost(foreign);
      const before = host.etc;
      const kept = await networkd.persist(config, host, []);
      assertGolden(kept, `networkd/${name}`);
      const ours = await host.store(kept);
      assert.deepEqual((await networkd.persist(config, host, ours)).files, kept.files);
      for (const { path } of kept.files) assert.match(path, /pulumi-kvm/);
      await host.store(await networkd.forget(config, host, ours));
      assert.deepEqual(host.etc, before);
    });

  it("hands over where networkd has run", async () => {
    const host = new FileHost({ "/run/systemd/netif/links/2": "ADMIN_STATE=configured\n" });
    const { handover } = await networkd.persist(configurations["static"]!, host, []);
    assert.deepEqual(handover, [["networkctl", "reload"]]);
  });

  it("refuses a file of somebody else that would come first", async () => {
    const path = "/etc/systemd/network/00-lan.network";
    const host = new FileHost({ [path]: "[Match]\nName=eth*\n" });
    await assert.rejects(networkd.persist(configurations["static"]!, host, []), {
      message: `${path} configures eth0 and sorts before 00-pulumi-kvm-eth0.network, which could not take eth0 into br0. Fix: rename it to a later name, such as 20-eth0.network`,
    });
    await networkd.persist(bridge({ uplinks: [{ kind: "nic", name: "ens3" }] }), host, []);
  });

  it("leaves to another bridge the file of an uplink that went to it", async () => {
    const host = new FileHost();
    const [from, to] = [bridge({ uplinks: [{ kind: "nic", name: "eth0" }] }), bridge({ name: "br1" })];
    const ours = await host.store(await networkd.persist(from, host, []));
    await host.store(await networkd.persist({ ...to, uplinks: from.uplinks }, host, []));
    const { remove } = await networkd.persist({ ...from, uplinks: [] }, host, ours);
    assert.deepEqual(remove, []);
    assert.match(host.text("/etc/systemd/network/00-pulumi-kvm-eth0.network")!, /Bridge=br1/);
  });

  it("removes the file of an uplink that left", async () => {
    const host = new FileHost();
    const ours = await host.store(await networkd.persist(configurations["no-address"]!, host, []));
    const { remove } = await networkd.persist({ ...configurations["no-address"]!, uplinks: [] }, host, ours);
    assert.deepEqual(remove, [
      "/etc/systemd/network/00-pulumi-kvm-eth0.network",
      "/etc/systemd/network/00-pulumi-kvm-eth1.network",
    ]);
  });

  it("makes VLAN interfaces whether or not their link is in a bridge, and shares a link that nobody configures", async () => {
    const host = new FileHost();
    const on = (id: number) =>
      bridge({ name: `br${id}`, uplinks: [{ kind: "vlan", name: `eth1.${id}`, link: "eth1", id }] });
    const first = await host.store(await networkd.persist(on(100), host, []));
    const second = await host.store(await networkd.persist(on(200), host, []));
    await host.store(await networkd.forget(on(100), host, first));
    assert.deepEqual(Object.keys(host.etc).sort(), [...second].sort());
    await host.store(await networkd.forget(on(200), host, second));
    assert.deepEqual(host.etc, {});
  });
});
