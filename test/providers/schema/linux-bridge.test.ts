import assert from "node:assert/strict";
import { linuxBridgeSchema } from "../../../providers/schema/linux-bridge";
import { complaints, parsed } from "./parse";

const br0 = { machine: { kind: "local" }, name: "br0", uplink: "eth0" };

function complaint(more: object): string {
  const found = complaints(linuxBridgeSchema, { ...br0, ...more });
  assert.equal(found.length, 1, found.join("\n"));
  return found[0]!;
}

describe("bridge inputs", () => {
  it("are the uplink's own, when nothing is said", () => {
    assert.deepEqual(parsed(linuxBridgeSchema, br0), {
      machine: { kind: "local" },
      name: "br0",
      uplink: [{ kind: "nic", name: "eth0" }],
      addresses: "keep",
      stp: false,
      persist: "auto",
      confirmTimeout: "60s",
      confirm: { ping: [], tcp: [] },
      disruption: "live",
    });
  });

  it("have one spelling for each thing", () => {
    const given = parsed(linuxBridgeSchema, {
      ...br0,
      uplink: [
        { nic: "eth0", trunk: [30, 20, 10], native: 10 },
        { bond: { ports: ["eth1", "eth2"], mode: "802.3ad", lacpRate: "fast" }, access: 20 },
        { vlan: { link: "eth3", id: 7 } },
      ],
      addresses: ["192.168.155.32/24", "FD00:155:0::32/64"],
      gateway: ["192.168.155.1", "FD00:155::1"],
      routes: [
        { to: "10.1.2.3/8", via: "192.168.155.2" },
        { to: "default", via: "192.168.155.3", table: "7" },
      ],
      stp: true,
      forwardDelay: "4s",
      vlanFiltering: { host: 10 },
      mac: "52:54:00:AB:CD:EF",
    });
    assert.deepEqual(given.uplink, [
      { kind: "nic", name: "eth0", vlans: { untagged: 10, tagged: [20, 30] } },
      {
        kind: "bond",
        name: "bond0",
        ports: ["eth1", "eth2"],
        mode: "802.3ad",
        miimon: 100,
        lacpRate: "fast",
        vlans: { untagged: 20, tagged: [] },
      },
      { kind: "vlan", name: "eth3.7", link: "eth3", id: 7 },
    ]);
    assert.deepEqual(given.addresses, ["192.168.155.32/24", "fd00:155::32/64"]);
    assert.deepEqual(given.gateway, ["192.168.155.1", "fd00:155::1"]);
    assert.deepEqual(given.routes, [
      { to: "10.0.0.0/8", via: "192.168.155.2" },
      { to: "default", via: "192.168.155.3", table: "7" },
    ]);
    assert.deepEqual([given.forwardDelay, given.vlanFiltering, given.mac], [4, { host: 10 }, "52:54:00:ab:cd:ef"]);
    assert.deepEqual(parsed(linuxBridgeSchema, { ...br0, gateway: "192.168.155.1" }).gateway, ["192.168.155.1"]);
    assert.deepEqual(parsed(linuxBridgeSchema, { ...br0, vlanFiltering: true }).vlanFiltering, { host: 1, guests: 1 });
    assert.equal(parsed(linuxBridgeSchema, { ...br0, vlanFiltering: false }).vlanFiltering, undefined);
  });

  const bad: [string, object, string][] = [
    [
      "a name of over 15 characters",
      { name: "bridge-to-nowhere" },
      'name: "bridge-to-nowhere" is not an interface name. Allowed: 1 to 15 characters without blanks, "/" and ":"',
    ],
    [
      "a name that file names cannot have",
      { name: "br*" },
      'name: "br*" is not a bridge name. Allowed: 1 to 15 letters, digits, "_", "." and "-", e.g. "br0"',
    ],
    ["the same uplink twice", { uplink: ["eth0", { nic: "eth0" }] }, "uplink: eth0 is named more than once"],
    [
      "a NIC beside its bond",
      { uplink: ["eth0", { bond: { ports: ["eth0", "eth1"] } }] },
      "uplink: eth0 is named more than once",
    ],
    ["itself as uplink", { uplink: ["br0"] }, "uplink: br0 is the bridge itself"],
    [
      "VLANs of ports without filtering",
      { uplink: [{ nic: "eth0", access: 7 }] },
      "uplink: eth0: access, trunk and native go with a bridge that filters. Fix: set vlanFiltering: true",
    ],
    [
      "a VLAN interface whose name is too long",
      { uplink: [{ vlan: { link: "enp129s0f0np0", id: 1000 } }] },
      'uplink.0: "enp129s0f0np0.1000" is no name for a VLAN interface: it has over 15 characters. Fix: give vlan.name',
    ],
    [
      "a VLAN that there is not",
      { uplink: [{ vlan: { link: "eth0", id: 4095 } }] },
      "uplink.0.vlan.id: got 4095. Allowed: a whole number from 1 to 4094",
    ],
    [
      "a bond of nothing",
      { uplink: [{ bond: { ports: [] } }] },
      'uplink.0.bond.ports: got []. Allowed: the NICs of the bond, e.g. ["eth0", "eth1"]',
    ],
    [
      "a primary that is not in the bond",
      { uplink: [{ bond: { ports: ["eth0"], primary: "eth1" } }] },
      "uplink.0: bond.primary eth1 is not in the bond. Allowed: eth0",
    ],
    [
      "LACP without LACP",
      { uplink: [{ bond: { ports: ["eth0"], lacpRate: "fast" } }] },
      'uplink.0: bond.lacpRate goes with mode "802.3ad" only',
    ],
    [
      "an address without its subnet",
      { addresses: ["192.168.155.32"] },
      'addresses.0: "192.168.155.32" is not an address with its subnet. Allowed: CIDR notation, e.g. "192.168.155.32/24"',
    ],
    [
      "a subnet for an address",
      { addresses: ["192.168.155.0/24"] },
      'addresses.0: "192.168.155.0/24" is the subnet itself. Allowed: an address in it, e.g. of a host',
    ],
    [
      "an address twice",
      { addresses: ["192.168.155.32/24", "192.168.155.32/16"] },
      "addresses: 192.168.155.32 is given more than once",
    ],
    [
      "another word for keep",
      { addresses: "uplink" },
      'addresses: got "uplink". Allowed: "keep", or a list of addresses',
    ],
    [
      "a gateway outside the subnet",
      { addresses: ["192.168.155.32/24"], gateway: "192.168.1.1" },
      "gateway: 192.168.1.1 lies in no subnet of the bridge's addresses (192.168.155.32/24). Fix: correct one of them; an on-link gateway is a route with onlink: true",
    ],
    [
      "a gateway of a family without addresses",
      { addresses: ["192.168.155.32/24"], gateway: "fd00::1" },
      "gateway: fd00::1 lies in no subnet of the bridge's addresses (it has none of IPv6). Fix: correct one of them; an on-link gateway is a route with onlink: true",
    ],
    [
      "itself as gateway",
      { addresses: ["192.168.155.32/24"], gateway: "192.168.155.32" },
      "gateway: 192.168.155.32 is the bridge's own address",
    ],
    [
      "two gateways of a family",
      { gateway: ["192.168.155.1", "192.168.155.2"] },
      'gateway: got ["192.168.155.1","192.168.155.2"]. Allowed: one gateway of each family; further ones are routes',
    ],
    [
      "a default route to nowhere",
      { routes: [{ to: "default" }] },
      'routes.0: via is required where to is "default". Allowed: the gateway\'s address',
    ],
    [
      "an MTU too small for IPv6",
      { addresses: ["fd00::1/64"], mtu: 1000 },
      "mtu: got 1000. Allowed: at least 1280, which IPv6 needs (RFC 8200)",
    ],
    [
      "DHCP without an uplink",
      { uplink: [], dhcp: true },
      "dhcp: without an uplink nobody answers. Fix: name an uplink, or give addresses",
    ],
    ["DHCP of another kind", { dhcp: "v4" }, 'dhcp: got "v4". Allowed: true, false, "ipv4" or "ipv6"'],
    [
      "a delay that spanning tree cannot have",
      { stp: true, forwardDelay: 1 },
      "forwardDelay: got 1 s. Allowed with stp: 2 to 30 seconds (IEEE 802.1D)",
    ],
    ["a delay of an hour", { forwardDelay: "1h" }, "forwardDelay: got 3600 s. Allowed: 0 to 30 seconds"],
    ["no time to confirm", { confirmTimeout: "1s" }, 'confirmTimeout: got "1s". Allowed: "3s" to "1h"'],
    [
      "a probe without a port",
      { confirm: { tcp: ["192.168.155.40"] } },
      'confirm.tcp.0: "192.168.155.40" is not a host and port. Allowed: e.g. "192.168.155.40:443" or "[fd00::40]:443"',
    ],
    [
      "a probe of a name",
      { confirm: { ping: ["gateway"] } },
      'confirm.ping.0: "gateway" is not an IP address. Allowed: e.g. "192.168.122.10" or "fd00:122::10"',
    ],
    [
      "a misspelt field",
      { vlan_filtering: true },
      'vlan_filtering: unknown field "vlan_filtering"; did you mean "vlanFiltering"? Allowed: machine, name, adopt, owner, uplink, addresses, dhcp, gateway, dns, search, routes, acceptRa, mtu, mac, stp, forwardDelay, vlanFiltering, persist, confirmTimeout, confirm, disruption',
    ],
  ];
  for (const [what, more, message] of bad)
    it(`refuse ${what}`, () => {
      assert.equal(complaint(more), message);
    });
});
