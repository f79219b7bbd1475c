import assert from "node:assert/strict";
import { kernelWords, networkFile, networkFileName, parseNetworkFile } from "../../../providers/guest/network-file";

const mac = "52:54:00:00:00:0a";
const nic = {
  addresses: ["192.168.155.40/24", "fd00:155::40/64"],
  gateway: ["192.168.155.1", "fd00:155::1"],
  routes: [
    { to: "10.9.0.0/16", via: "192.168.155.9" },
    { to: "10.8.0.1/32", via: "192.168.155.9" },
  ],
  dns: ["192.168.155.1"],
};

const file = `[Match]
PermanentMACAddress=52:54:00:00:00:0a

[Network]
IPv6AcceptRA=no
LLMNR=no
MulticastDNS=no
Address=192.168.155.40/24
Address=fd00:155::40/64
DNS=192.168.155.1

[Route]
Destination=0.0.0.0/0
Gateway=192.168.155.1

[Route]
Destination=::/0
Gateway=fd00:155::1

[Route]
Destination=10.9.0.0/16
Gateway=192.168.155.9

[Route]
Destination=10.8.0.1/32
Gateway=192.168.155.9`;

describe("a guest's file for systemd-networkd", () => {
  it("says all that a NIC is given, and that it asks nobody", () => {
    assert.equal(networkFile(mac, nic), file);
    assert.equal(networkFileName(mac), "05-pulumi-kvm-52540000000a.network");
  });

  it("keeps a NIC without addresses off DHCP too", () => {
    assert.equal(
      networkFile(mac, { addresses: [] }),
      "[Match]\nPermanentMACAddress=52:54:00:00:00:0a\n\n[Network]\nIPv6AcceptRA=no\nLLMNR=no\nMulticastDNS=no",
    );
  });

  it("is read back", () => {
    const { addresses, dns, routes } = parseNetworkFile(file);
    assert.deepEqual([addresses, dns], [nic.addresses, nic.dns]);
    assert.deepEqual(routes, [
      { to: "0.0.0.0/0", via: "192.168.155.1" },
      { to: "::/0", via: "fd00:155::1" },
      ...nic.routes,
    ]);
    assert.deepEqual(parseNetworkFile(""), { addresses: [], dns: [], routes: [] });
  });

  it("is told apart from what the kernel has by ip's words", () => {
    assert.deepEqual(kernelWords(nic), [
      "192.168.155.40/24",
      "fd00:155::40/64",
      "default via 192.168.155.1",
      "default via fd00:155::1",
      "10.9.0.0/16 via 192.168.155.9",
      "10.8.0.1 via 192.168.155.9",
    ]);
  });
});
