import assert from "node:assert/strict";
import { networkd } from "../../../../providers/host-network/persist/networkd";
import { bootSuite, type Kept } from "./boot-suite";
import { configurations } from "./configurations";
import type { SmallHost } from "./small-host";

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
  takesOver: "silently",
  async start(host: SmallHost) {
    await host.startBus();
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
