import assert from "node:assert/strict";
import { networkd } from "../../../../providers/host-network/persist/networkd";
import { bootSuite, type Kept } from "./boot-suite";
import { configurations } from "./configurations";
import { complaint, startNetworkd } from "./networkd-boot";

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
  start: startNetworkd,
};

bootSuite(kept, (host) => {
  for (const name of ["filtering", "guest-vlan", "lacp", "standby", "vlan"])
    it(`has its files understood: ${name}`, async () => {
      const config = configurations[name]!;
      await host().boot();
      host().store(await networkd.persist(config, host(), []));
      host().start("networkd", "/lib/systemd/systemd-networkd");
      await host().eventually(() => assert.match(host().sh("cat", "/run/networkd.log"), /Enumeration completed/));
      assert.doesNotMatch(host().sh("cat", "/run/networkd.log"), complaint);
    });
});
