import assert from "node:assert/strict";
import { netplan } from "../../../../providers/host-network/persist/netplan";
import { bootSuite, type Kept } from "./boot-suite";
import { configurations } from "./configurations";
import { startNetworkd, complaint } from "./networkd-boot";

const kept: Kept = {
  renderer: netplan,
  programs: ["netplan", "systemd-networkd", "systemd-networkd-wait-online", "networkctl", "dbus-daemon"],
  files: {
    // As an installer writes it; cloud-init also has the MAC address, but a veth has none that is permanent.
    "/etc/netplan/00-installer-config.yaml": `network:
  version: 2
  ethernets:
    eth0:
      addresses: [192.168.155.9/24, "fd00:155::9/64"]
      accept-ra: false
      routes: [{to: 0.0.0.0/0, via: 192.168.155.1}]
`,
  },
  // The rest is networkd's, which boots with them by itself.
  names: ["dual-stack", "routes", "dhcp6", "no-address", "filtering", "guest-vlan", "lacp", "standby", "vlan"],
  takesOver: "silently",
  async start(host) {
    // As its generator does before anything else is started.
    host.sh("netplan", "generate");
    await startNetworkd(host);
  },
};

bootSuite(kept, (host) => {
  for (const name of ["filtering", "guest-vlan", "lacp", "standby", "vlan"])
    it(`has its files understood: ${name}`, async () => {
      const config = configurations[name]!;
      await host().boot();
      host().store(await netplan.persist(config, host(), []));
      host().sh("netplan", "generate");
      host().start("networkd", "/lib/systemd/systemd-networkd");
      await host().eventually(() => assert.match(host().sh("cat", "/run/networkd.log"), /Enumeration completed/));
      assert.doesNotMatch(host().sh("cat", "/run/networkd.log"), complaint);
    });
});
