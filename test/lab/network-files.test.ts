import assert from "node:assert/strict";
import { hostPlan } from "./lab-layout";
import { networkFiles } from "./network-files";

const files = (network: Parameters<typeof networkFiles>[1]) => {
  const entries = Object.entries(networkFiles(hostPlan("kvm1", 0, network), network));
  return Object.fromEntries(entries.map(([path, file]) => [path, typeof file === "string" ? file : file.content]));
};

describe("a lab host's network configuration", () => {
  it("is ifupdown's", () => {
    assert.deepEqual(files("ifupdown"), {
      "etc/network/interfaces": `source /etc/network/interfaces.d/*

auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
    address 192.168.155.32/24
    gateway 192.168.155.1
iface eth0 inet6 static
    address fd00:155::32/64
    gateway fd00:155::1
    dad-attempts 0
    accept_ra 0

auto eth1
iface eth1 inet manual
    pre-up ip link set dev eth1 up
`,
    });
  });

  it("is networkd's", () => {
    assert.deepEqual(files("networkd"), {
      "etc/systemd/network/10-eth0.network": `[Match]
Name=eth0

[Network]
Address=192.168.155.32/24
Address=fd00:155::32/64
Gateway=192.168.155.1
Gateway=fd00:155::1
IPv6AcceptRA=no
`,
      "etc/systemd/network/10-eth1.network": `[Match]
Name=eth1

[Network]
IPv6AcceptRA=no
`,
    });
  });

  it("is NetworkManager's, in keyfiles that only root reads", () => {
    const plan = hostPlan("kvm1", 0, "networkmanager");
    const { "etc/NetworkManager/system-connections/eth0.nmconnection": file } = networkFiles(plan, "networkmanager");
    assert.deepEqual(file, {
      content: `[connection]
id=eth0
type=ethernet
interface-name=eth0

[ipv4]
method=manual
address1=192.168.155.32/24
gateway=192.168.155.1

[ipv6]
method=manual
address1=fd00:155::32/64
gateway=fd00:155::1
`,
      mode: 0o600,
    });
  });

  it("is left out for hosts without a network", () => {
    assert.deepEqual(files("none"), {});
  });
});
