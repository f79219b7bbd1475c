import assert from "node:assert/strict";
import { networkManager } from "../../../../providers/host-network/persist/network-manager";
import { bridge, configurations } from "./configurations";
import { FileHost } from "./file-host";
import { assertGolden } from "./golden";

const folder = "/etc/NetworkManager/system-connections";
const foreign = { [`${folder}/eth0.nmconnection`]: "[connection]\nid=eth0\ninterface-name=eth0\n" };

describe("NetworkManager renderer", () => {
  for (const [name, config] of Object.entries(configurations))
    it(`keeps: ${name}`, async () => {
      const host = new FileHost(foreign);
      const before = host.etc;
      const kept = await networkManager.persist(config, host, []);
      assertGolden(kept, `network-manager/${name}`);
      const ours = await host.store(kept);
      assert.deepEqual((await networkManager.persist(config, host, ours)).files, kept.files);
      for (const { path, mode } of kept.files) {
        assert.match(path, /pulumi-kvm/);
        assert.equal(mode, 0o600);
      }
      await host.store(await networkManager.forget(config, host, ours));
      assert.deepEqual(host.etc, before);
    });

  it("gives every profile a UUID of its own, always the same", async () => {
    const uuids = async (name: string) => {
      const config = bridge({ name, uplinks: [{ kind: "nic", name: "eth0" }] });
      const { files } = await networkManager.persist(config, new FileHost(), []);
      return files.map(({ content }) => /^uuid=(.*)$/m.exec(content)![1]!);
    };
    const all = [...(await uuids("br0")), ...(await uuids("br1"))];
    assert.equal(new Set(all).size, 4);
    assert.deepEqual([...(await uuids("br0")), ...(await uuids("br1"))], all);
    for (const uuid of all) assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("hands over where NetworkManager has run", async () => {
    const host = new FileHost({ "/run/NetworkManager/devices/2": "[device]\n" });
    const config = configurations["static"]!;
    const kept = await networkManager.persist(config, host, []);
    const [, uuid] = /^uuid=(.*)$/m.exec(kept.files[0]!.content)!;
    assert.deepEqual(kept.handover, [
      ["nmcli", "connection", "reload"],
      ["nmcli", "--wait", "25", "connection", "up", "uuid", uuid],
    ]);
    const ours = await host.store(kept);
    assert.deepEqual((await networkManager.forget(config, host, ours)).handover, [["nmcli", "connection", "reload"]]);
  });

  it("refuses a profile of somebody else's that could win", async () => {
    const path = `${folder}/lan.nmconnection`;
    const host = (line: string) => new FileHost({ [path]: `[connection]\nautoconnect-priority=999\n${line}\n` });
    const message = `${path} is for eth0 and has the highest autoconnect-priority, 999, so ours could not win. Fix: give it a lower one`;
    const config = configurations["static"]!;
    await assert.rejects(networkManager.persist(config, host("interface-name=eth0"), []), { message });
    await networkManager.persist(config, host("interface-name=ens3"), []);
    const script = "/etc/sysconfig/network-scripts/ifcfg-lan";
    const redHat = new FileHost({ [script]: 'DEVICE="eth0"\nAUTOCONNECT_PRIORITY=999\n' });
    await assert.rejects(networkManager.persist(config, redHat, []), {
      message: `${script} is for eth0 and has the highest AUTOCONNECT_PRIORITY, 999, so ours could not win. Fix: give it a lower one`,
    });
  });
});
