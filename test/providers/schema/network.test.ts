import assert from "node:assert/strict";
import { networkSchema } from "../../../providers/schema/network";
import { complaints, parsed } from "./parse";

const lab = { name: "lab", ipv4: "192.168.150.0/24" };
const guest = { ip: "192.168.150.10", mac: "52:54:00:00:00:0a" };

function complaint(raw: object): string {
  const found = complaints(networkSchema, raw);
  assert.equal(found.length, 1, found.join("\n"));
  return found[0]!;
}

describe("network inputs", () => {
  it("write out what the subnets imply", () => {
    assert.deepEqual(parsed(networkSchema, { ...lab, ipv6: "fd00:150::/64" }), {
      connection: "qemu:///system",
      name: "lab",
      mode: "nat",
      autostart: true,
      active: true,
      ipv4: "192.168.150.0/24",
      ipv4Address: "192.168.150.1",
      dhcp: true,
      dhcpRange: { start: "192.168.150.2", end: "192.168.150.254" },
      ipv6: "fd00:150::/64",
      ipv6Address: "fd00:150::1",
      dhcp6: true,
      dhcp6Range: { start: "fd00:150::2", end: "fd00:150::ffff" },
      natIpv6: true,
    });
  });

  it("give no range without DHCP, and none of this without a subnet", () => {
    const { dhcp, dhcpRange } = parsed(networkSchema, { ...lab, dhcp: false });
    assert.deepEqual([dhcp, dhcpRange], [false, undefined]);
    assert.deepEqual(parsed(networkSchema, { name: "lan", mode: "bridge", bridge: "br0" }), {
      connection: "qemu:///system",
      name: "lan",
      mode: "bridge",
      bridge: "br0",
      autostart: true,
      active: true,
    });
  });

  it("translate IPv6 by default only where addresses are private", () => {
    assert.equal(parsed(networkSchema, { name: "n", ipv6: "2001:db8:1::/64" }).natIpv6, false);
    assert.equal(parsed(networkSchema, { name: "n", ipv6: "fd00::/64", natIpv6: false }).natIpv6, false);
    assert.equal(parsed(networkSchema, { name: "n", mode: "route", ipv6: "fd00::/64" }).natIpv6, undefined);
  });

  it("keep what is given, in canonical form", () => {
    const inputs = parsed(networkSchema, {
      ...lab,
      domain: "lab.test",
      ipv4Address: "192.168.150.254",
      dhcpRange: { start: "192.168.150.100", leaseTime: "60m" },
      hosts: [
        { ip: "192.168.150.9", name: "z" },
        { ip: "192.168.150.10", mac: "52:54:00:00:00:0A" },
      ],
    });
    assert.deepEqual(inputs.domain, { name: "lab.test", localOnly: true });
    assert.deepEqual(inputs.dhcpRange, { start: "192.168.150.100", end: "192.168.150.253", leaseTime: "1h" });
    assert.deepEqual(inputs.hosts, [guest, { ip: "192.168.150.9", name: "z" }]);
    assert.deepEqual(
      parsed(networkSchema, { ...lab, hosts: [{ ip: "192.168.150.9", name: "z" }, guest] }).hosts,
      inputs.hosts,
      "the order in which leases are written carries no meaning",
    );
  });

  it("are the same when they are parsed again", () => {
    const once = parsed(networkSchema, { ...lab, ipv6: "fd00::/64", hosts: [guest], domain: "lab.test" });
    assert.deepEqual(parsed(networkSchema, once), once);
  });

  const wrong: [name: string, raw: object, message: RegExp][] = [
    ["a misspelt field", { ...lab, dchp: true }, /^dchp: unknown field "dchp"; did you mean "dhcp"\?/],
    ["no name", { ipv4: lab.ipv4 }, /^name: is required/],
    [
      "an unknown mode",
      { ...lab, mode: "bridged" },
      /^mode: got "bridged"; did you mean "bridge"\? Allowed: .*"bridge"/,
    ],
    ["host bits in the subnet", { name: "n", ipv4: "10.0.0.1/24" }, /^ipv4: .* the subnet is "10\.0\.0\.0\/24"$/],
    ["a subnet without hosts", { name: "n", ipv4: "10.0.0.0/31" }, /^ipv4: .* 31 bits\. Allowed: 8 to 30$/],
    ["an IPv6 subnet that is too wide", { name: "n", ipv6: "fd00::/48" }, /^ipv6: .* 48 bits\. Allowed: 64 to 126$/],
    ["NAT without a subnet", { name: "n" }, /^ipv4: is required with mode "nat"/],
    ["a bridge without its name", { name: "n", mode: "bridge" }, /^bridge: is required with mode "bridge"/],
    ["addresses on a bridge", { ...lab, mode: "bridge", bridge: "br0" }, /^ipv4: has no meaning with mode "bridge"/],
    [
      "an uplink without forwarding",
      { ...lab, mode: "isolated", uplink: "eth0" },
      /^uplink: has no meaning with mode "isolated"/,
    ],
    ["IPv6 NAT without IPv6", { ...lab, natIpv6: true }, /^natIpv6: has no meaning without/],
    ["DHCPv6 without IPv6", { ...lab, dhcp6: true }, /^dhcp6: has no meaning without ipv6/],
    [
      "a bridge address elsewhere",
      { ...lab, ipv4Address: "10.0.0.1" },
      /^ipv4Address: 10\.0\.0\.1 is outside 192\.168\.150\.0\/24\. Allowed: 192\.168\.150\.1 to 192\.168\.150\.254$/,
    ],
    ["the broadcast address", { ...lab, ipv4Address: "192.168.150.255" }, /is the broadcast address/],
    ["a range elsewhere", { ...lab, dhcpRange: { end: "10.0.0.9" } }, /^dhcpRange: 10\.0\.0\.9 is outside/],
    ["a range with the network address", { ...lab, dhcpRange: { start: "192.168.150.0" } }, /is the network address/],
    [
      "a reversed range",
      { ...lab, dhcpRange: { start: "192.168.150.9", end: "192.168.150.8" } },
      /ends before it starts$/,
    ],
    [
      "a range over the bridge",
      { ...lab, dhcpRange: { start: "192.168.150.1" } },
      /contains 192\.168\.150\.1, the bridge's own address/,
    ],
    [
      "a range that is too wide",
      { name: "n", ipv4: "10.0.0.0/8", dhcpRange: { end: "10.9.0.0" } },
      /too wide for libvirt/,
    ],
    [
      "a lease time that is none",
      { ...lab, dhcpRange: { leaseTime: "5 parsecs" } },
      /^dhcpRange\.leaseTime: "5 parsecs" is not a duration\. Allowed: a number with ms, s, m, h or d, e\.g\. "30s"$/,
    ],
    ["a short lease", { ...lab, dhcpRange: { leaseTime: "10s" } }, /"10s" is too short\. Allowed: at least "2m"/],
    ["a lease outside the subnet", { ...lab, hosts: [{ ...guest, ip: "10.0.0.5" }] }, /^hosts: 10\.0\.0\.5 is outside/],
    [
      "a lease without its subnet",
      { ...lab, hosts: [{ ip: "fd00::5", name: "a" }] },
      /^hosts: fd00::5 has no subnet to be in\. Fix: give ipv6$/,
    ],
    [
      "a lease of the bridge's address",
      { ...lab, hosts: [{ ...guest, ip: "192.168.150.1" }] },
      /is the bridge's own address/,
    ],
    ["a lease for nobody", { ...lab, hosts: [{ ip: guest.ip }] }, /says no guest\. Fix: give mac or name$/],
    ["a bad MAC", { ...lab, hosts: [{ ...guest, mac: "52:54:00" }] }, /"52:54:00" is not a MAC address/],
    ["a multicast MAC", { ...lab, hosts: [{ ...guest, mac: "53:54:00:00:00:01" }] }, /multicast/],
    [
      "two leases for one address",
      { ...lab, hosts: [guest, { ip: guest.ip, name: "b" }] },
      /^hosts: ip 192\.168\.150\.10 has more than one fixed lease/,
    ],
    [
      "two leases for one MAC",
      { ...lab, hosts: [guest, { ...guest, ip: "192.168.150.11" }] },
      /^hosts: mac 52:54:00:00:00:0a has more than one/,
    ],
    [
      "two leases for one name",
      {
        ...lab,
        hosts: [
          { ip: "192.168.150.8", name: "a" },
          { ip: "192.168.150.9", name: "a" },
        ],
      },
      /^hosts: name a has more than one fixed IPv4 lease/,
    ],
    [
      "one address with two DNS records",
      {
        ...lab,
        dnsHosts: [
          { ip: "192.0.2.1", hostnames: ["a"] },
          { ip: "192.0.2.1", hostnames: ["b"] },
        ],
      },
      /^dnsHosts: 192\.0\.2\.1 stands twice/,
    ],
    [
      "two texts of one name",
      {
        ...lab,
        dnsTxt: [
          { name: "a", value: "b" },
          { name: "a", value: "c" },
        ],
      },
      /^dnsTxt: a has more than one text/,
    ],
    [
      "a service port without target",
      { ...lab, dnsSrv: [{ service: "ldap", protocol: "tcp", port: 389 }] },
      /^dnsSrv: ldap: port, priority and weight need a target/,
    ],
    ["an empty forwarder", { ...lab, dnsForwarders: [{}] }, /^dnsForwarders: an empty forwarder/],
    ...[
      [
        "mode macvtap without interface",
        { mode: "macvtap" },
        'uplink: is required with mode "macvtap". Allowed: an interface of the host, e.g. "eth0"',
      ],
      [
        "mode macvtap with both",
        { mode: "macvtap", uplink: "eth0", uplinks: ["eth1"] },
        "uplinks: uplink and uplinks are both given. Allowed: one of them",
      ],
      [
        "one interface twice",
        { mode: "macvtap", uplinks: ["eth0", "eth0"] },
        "uplinks: eth0 stands twice. Fix: keep one",
      ],
      [
        "a subnet on macvtap",
        { mode: "macvtap", uplink: "eth0", ipv4: "10.0.0.0/24" },
        'ipv4: has no meaning with mode "macvtap": guests sit on the host\'s interface, without a bridge. Fix: leave it out, or choose another mode',
      ],
      [
        "limits on the LAN's bridge",
        { mode: "bridge", bridge: "br0", bandwidth: { inbound: { average: "1MiB" } } },
        'bandwidth: has no meaning with mode "bridge": addresses, DHCP, DNS and limits there are the LAN\'s. Fix: leave it out, or choose another mode',
      ],
      [
        "macvtap's mode elsewhere",
        { ipv4: lab.ipv4, macvtapMode: "vepa" },
        'macvtapMode: has no meaning with mode "nat". Allowed: with "macvtap"',
      ],
      [
        "several uplinks of NAT",
        { ipv4: lab.ipv4, uplinks: ["eth0"] },
        'uplinks: has no meaning with mode "nat". Allowed: with "macvtap"',
      ],
      [
        "an uplink of nothing",
        { mode: "isolated", uplink: "eth0" },
        'uplink: has no meaning with mode "isolated". Allowed: with "nat" or "route" or "macvtap"',
      ],
      [
        "NAT ports of a routed network",
        { mode: "route", ipv4: lab.ipv4, natPorts: { start: 1, end: 2 } },
        'natPorts: has no meaning with mode "route". Allowed: with "nat"',
      ],
      [
        "NAT ports the wrong way round",
        { ipv4: lab.ipv4, natPorts: { start: 9, end: 8 } },
        "natPorts: 9 to 8 ends before it starts",
      ],
      [
        "NAT addresses the wrong way round",
        { ipv4: lab.ipv4, natAddresses: { start: "203.0.113.9", end: "203.0.113.8" } },
        "natAddresses: 203.0.113.9 to 203.0.113.8 ends before it starts",
      ],
      [
        "NAT addresses of IPv6",
        { ipv6: "fd00:1::/64", natAddresses: { start: "203.0.113.8", end: "203.0.113.9" } },
        "natAddresses: has no meaning without ipv4: IPv6 is translated to one address",
      ],
      [
        "VLANs of a bridge of its own",
        { ipv4: lab.ipv4, vlans: { untagged: 7 } },
        'vlans: has no meaning with mode "nat". Allowed: with "bridge"',
      ],
      [
        "VLANs of a port group there",
        { ipv4: lab.ipv4, portGroups: [{ name: "a", vlans: { untagged: 7 } }] },
        'portGroups: a: vlans have no meaning with mode "nat". Allowed: with "bridge"',
      ],
      [
        "a VLAN twice",
        { mode: "bridge", bridge: "br0", vlans: { untagged: 7, tagged: [7] } },
        'vlans: {"untagged":7,"tagged":[7]} names a VLAN twice. Fix: give each once, tagged or untagged',
      ],
      [
        "no VLAN",
        { mode: "bridge", bridge: "br0", vlans: {} },
        "vlans: names no VLAN. Allowed: untagged: 1 to 4094, tagged: a list of them, or both",
      ],
      [
        "a route through nobody",
        { ...lab, routes: [{ to: "10.9.0.0/16", via: "10.8.0.1" }] },
        "routes: 10.8.0.1 is outside 192.168.150.0/24. Allowed: 192.168.150.1 to 192.168.150.254",
      ],
      [
        "a route through the bridge",
        { ...lab, routes: [{ to: "10.9.0.0/16", via: "192.168.150.1" }] },
        "routes: 10.9.0.0/16 via 192.168.150.1: the next hop is the bridge's own address. Fix: name a guest's",
      ],
      [
        "a route to itself",
        { ...lab, routes: [{ to: "192.168.0.0/16", via: "192.168.150.9" }] },
        "routes: 192.168.0.0/16 via 192.168.150.9: overlaps 192.168.150.0/24, the network's own subnet",
      ],
      [
        "a route of both families",
        { ...lab, routes: [{ to: "fd00:9::/64", via: "192.168.150.9" }] },
        "routes: fd00:9::/64 via 192.168.150.9: the next hop is of the other family. Allowed: an IPv6 address",
      ],
      [
        "a route without a subnet",
        { ...lab, routes: [{ to: "fd00:9::/64", via: "fd00:8::1" }] },
        "routes: fd00:9::/64 via fd00:8::1: the network has no IPv6 subnet in which the next hop can be. Fix: give ipv6",
      ],
      [
        "one route twice",
        {
          ...lab,
          routes: [
            { to: "10.9.0.0/16", via: "192.168.150.8" },
            { to: "10.9.0.0/16", via: "192.168.150.9" },
          ],
        },
        "routes: 10.9.0.0/16 stands twice. Fix: keep one",
      ],
      [
        "one port group twice",
        { ...lab, portGroups: [{ name: "a" }, { name: "a", default: true }] },
        "portGroups: a stands twice. Fix: keep one",
      ],
      [
        "two defaults",
        {
          ...lab,
          portGroups: [
            { name: "a", default: true },
            { name: "b", default: true },
          ],
        },
        "portGroups: a, b are all the default. Allowed: one of them",
      ],
    ].map(([what, raw, message]): [string, object, RegExp] => [
      what as string,
      { name: "n", ...(raw as object) },
      new RegExp(`^${(message as string).replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}$`),
    ]),
    ["a bad MTU", { ...lab, mtu: 20 }, /^mtu: got 20\. Allowed: a whole number from 68 to 65535$/],
    [
      "a bridge name that Linux refuses",
      { ...lab, bridge: "a-very-long-bridge-name" },
      /^bridge: .* is not an interface name/,
    ],
  ];
  for (const [name, raw, message] of wrong)
    it(`refuse ${name}`, () => {
      assert.match(complaint(raw), message);
    });

  it("take one name in both families", () => {
    const hosts = [
      { ip: "192.168.150.10", name: "a" },
      { ip: "fd00::10", name: "a" },
    ];
    assert.deepEqual(complaints(networkSchema, { ...lab, ipv6: "fd00::/64", hosts }), []);
  });
});
