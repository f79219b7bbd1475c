import assert from "node:assert/strict";
import { networkd } from "../../../../providers/host-network/persist/networkd";
import { assertAsDeclared } from "./as-declared";
import { bootSuite, type Kept } from "./boot-suite";
import { bridge, configurations } from "./configurations";
import { seenLinks } from "./seen-link";
import { macOf, type SmallHost } from "./small-host";

const daemon = "/lib/systemd/systemd-networkd";

/** What it says of a file that it does not understand. */
const complaint = /pulumi-kvm\S*:\d+:|Ignoring/;

const eth0 = `[Match]
Name=eth0

[Network]
Address=192.168.155.9/24
Address=fd00:155::9/64
Gateway=192.168.155.1
IPv6AcceptRA=no
`;

const kept: Kept = {
  renderer: networkd,
  programs: ["systemd-networkd", "systemd-networkd-wait-online", "networkctl", "dbus-daemon"],
  files: {
    "/etc/systemd/network/10-eth0.network": eth0,
  },
  async start(host: SmallHost) {
    host.startBus();
    host.start("networkd", daemon);
    await host.eventually(() => {
      const states = host.sh("sh", "-c", "cat /run/systemd/netif/links/*");
      assert.match(states, /^ADMIN_STATE=configured$/m);
      assert.doesNotMatch(states, /^ADMIN_STATE=(pending|initialized|configuring)$/m);
    });
    // Whoever waits for the network at boot must not hang for a bridge that has no carrier yet.
    if (host.try("grep", "-qx", "REQUIRED_FOR_ONLINE=yes", "-r", "/run/systemd/netif/links").status === 0)
      host.sh(`${daemon}-wait-online`, "--timeout=20");
    assert.doesNotMatch(host.sh("cat", "/run/networkd.log"), complaint);
  },
};

bootSuite(kept, (host) => {
  it("is handed a bridge that is in use, and gives it back, without losing an address", async () => {
    await host().boot();
    await kept.start(host());
    const before = seenLinks(host());
    host().moveAddresses("eth0", "br0");
    const config = bridge({
      mac: macOf["eth0"],
      uplinks: [{ kind: "nic", name: "eth0" }],
      addressing: { addresses: ["192.168.155.9/24", "fd00:155::9/64"], gateway4: "192.168.155.1" },
    });
    const persistence = await networkd.persist(config, host(), []);
    assert.deepEqual(persistence.handover, [["networkctl", "reload"]]);
    const ours = host().store(persistence);
    assert.deepEqual(await host().lostWhile(persistence.handover), []);
    await host().eventually(() => assertAsDeclared(host(), config));

    host().moveAddresses("br0", "eth0");
    const forgotten = await networkd.forget(config, host(), ours);
    host().store(forgotten);
    assert.deepEqual(await host().lostWhile(forgotten.handover), []);
    await host().eventually(() => assert.deepEqual(seenLinks(host()), before));
  });

  for (const name of ["filtering", "lacp", "standby", "vlan"])
    it(`has its files understood: ${name}`, async () => {
      const config = configurations[name]!;
      await host().boot();
      host().store(await networkd.persist(config, host(), []));
      host().start("networkd", daemon);
      await host().eventually(() => assert.match(host().sh("cat", "/run/networkd.log"), /Enumeration completed/));
      assert.doesNotMatch(host().sh("cat", "/run/networkd.log"), complaint);
    });
});
