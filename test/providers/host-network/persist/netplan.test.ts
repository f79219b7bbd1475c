import assert from "node:assert/strict";
import { netplan } from "../../../../providers/host-network/persist/netplan";
import { bridge, configurations } from "./configurations";
import { FileHost } from "./file-host";
import { assertGolden } from "./golden";

const cloud = "/etc/netplan/50-cloud-init.yaml";

const foreign = {
  [cloud]: `network:
  version: 2
  ethernets:
    lan: {match: {macaddress: "52:54:00:AA:00:10"}, set-name: eth0, dhcp4: true}
  vlans:
    eth0.7: {id: 7, link: lan}
`,
  "/run/systemd/network/10-netplan-lan.network":
    "[Match]\nPermanentMACAddress=52:54:00:AA:00:10\nName=eth0\n[Network]\nDHCP=ipv4\nVLAN=eth0.7\n",
  "/sys/class/net/eth0/address": "52:54:00:aa:00:10\n",
};

describe("netplan renderer", () => {
  for (const [name, config] of Object.entries(configurations))
    it(`keeps: ${name}`, async () => {
      const host = new FileHost(foreign);
      const before = host.etc;
      const kept = await netplan.persist(config, host, []);
      assertGolden(kept, `netplan/${name}`);
      const ours = await host.store(kept);
      assert.deepEqual((await netplan.persist(config, host, ours)).files, kept.files);
      for (const { path } of kept.files) assert.match(path, /pulumi-kvm/);
      await host.store(await netplan.forget(config, host, ours));
      assert.deepEqual(host.etc, before);
    });

  it("hands over where networkd has run", async () => {
    const host = new FileHost({ "/run/systemd/netif/links/2": "" });
    const { handover } = await netplan.persist(configurations["static"]!, host, []);
    assert.deepEqual(handover, [
      ["netplan", "generate"],
      ["networkctl", "reload"],
    ]);
  });

  const refusals: { [text: string]: string } = {
    "network: {renderer: NetworkManager}":
      "netplan hands this host's network to NetworkManager. Fix: choose networkmanager, whose own profiles win over those that netplan writes",
    "network: {bridges: {br0: {dhcp4: true}}}": `${cloud} defines br0 already, and netplan would mix its settings with ours. Fix: take br0 out of it, or choose networkd, whose own files win over those that netplan writes`,
    "network: {bridges: {br9: {interfaces: [eth0]}}}": `${cloud} has eth0 in br9. Fix: take it out of br9 first`,
    "network: [": `${cloud} is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ] at line 1, column 11:. Fix: correct it; \`netplan generate\` has to run without an error`,
  };
  for (const [text, message] of Object.entries(refusals))
    it(`refuses beside ${JSON.stringify(text)}`, async () => {
      const host = new FileHost({ [cloud]: text });
      await assert.rejects(netplan.persist(configurations["static"]!, host, []), { message });
    });

  it("takes the renderer from the file that sorts last, and shadowed files for none", async () => {
    const host = new FileHost({
      "/lib/netplan/00-manager.yaml": "network: {renderer: NetworkManager}",
      "/etc/netplan/00-manager.yaml": "network: {version: 2}",
      "/etc/netplan/10.yaml": "network: {renderer: NetworkManager}",
      "/run/netplan/20.yaml": "network: {renderer: networkd}",
    });
    await netplan.persist(bridge(), host, []);
  });

  it("refuses a file of networkd that would come first", async () => {
    const path = "/etc/systemd/network/05-all.network";
    const host = new FileHost({ [path]: "[Match]\nName=e*\n" });
    await assert.rejects(netplan.persist(configurations["static"]!, host, []), {
      message: `${path} configures eth0 and sorts before 10-netplan-0-pulumi-kvm-eth0.network, which could not take eth0 into br0. Fix: rename it to a later name, such as 20-eth0.network`,
    });
  });
});
