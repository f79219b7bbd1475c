import { ifupdown } from "../../../../providers/host-network/persist/ifupdown";
import { bootSuite } from "./boot-suite";

bootSuite({
  renderer: ifupdown,
  programs: ["ifup", "dhclient"],
  files: {
    // As Debian's installer writes it.
    "/etc/network/interfaces": `source /etc/network/interfaces.d/*

auto lo
iface lo inet loopback

allow-hotplug eth0
auto eth0
iface eth0 inet static
\taddress 192.168.155.9/24
\tgateway 192.168.155.1

iface eth0 inet6 static
\taddress fd00:155::9/64
`,
  },
  async start(host) {
    host.sh("ifup", "-a");
  },
});
