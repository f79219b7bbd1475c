import assert from "node:assert/strict";
import { networkManager } from "../../../../providers/host-network/persist/network-manager";
import { bootSuite, type Kept } from "./boot-suite";
import { configurations } from "./configurations";

const kept: Kept = {
  renderer: networkManager,
  programs: ["NetworkManager", "nmcli", "nm-online", "dbus-daemon"],
  files: {
    "/etc/NetworkManager/conf.d/no-others.conf":
      "[main]\nno-auto-default=*\ndns=none\n[device]\ncarrier-wait-timeout=500\n",
    "/etc/NetworkManager/system-connections/lan.nmconnection": `[connection]
id=lan
uuid=27afa607-ee36-43f0-b8c3-9d245cdc4bb3
type=ethernet
interface-name=eth0

[ipv4]
method=manual
address1=192.168.155.9/24,192.168.155.1

[ipv6]
method=manual
address1=fd00:155::9/64
`,
  },
  takesOver: "anew",
  async start(host) {
    await host.startBus();
    host.start("NetworkManager", "NetworkManager", "--debug", "--log-level=INFO");
    // As NetworkManager-wait-online.service.
    await host.eventually(() => host.sh("nm-online", "-s", "-q", "-t", "20"));
  },
};

bootSuite(kept, (host) => {
  for (const name of ["filtering", "guest-vlan", "lacp", "standby", "vlan"])
    it(`has its profiles understood: ${name}`, async () => {
      const config = configurations[name]!;
      await host().boot();
      await kept.start(host());
      const { files } = await networkManager.persist(config, host(), []);
      host().store({ files, remove: [], handover: [], warnings: [] });
      for (const { path, content } of files) {
        host().sh("nmcli", "connection", "load", path);
        const [, uuid] = /^uuid=(.*)$/m.exec(content)!;
        assert.equal(host().sh("nmcli", "-g", "connection.uuid", "connection", "show", uuid!).trim(), uuid);
      }
      assert.doesNotMatch(host().sh("cat", "/run/NetworkManager.log"), /<warn>.*nmconnection/);
    });
});
