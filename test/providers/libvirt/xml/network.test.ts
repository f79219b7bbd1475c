import assert from "node:assert/strict";
import fc from "fast-check";
import { attribute, child, children, parse, text } from "../../../../providers/libvirt/xml/document";
import {
  editNetwork,
  networkOwner,
  networkXML,
  parseNetwork,
  type NetworkModel,
} from "../../../../providers/libvirt/xml/network";
import { hostsOf, ownHosts } from "../../../../providers/libvirt/xml/network-hosts";
import { assertGolden, compact, golden } from "./golden";

const full: NetworkModel = {
  name: "lab",
  mode: "nat",
  uplink: "eth0",
  natIpv6: true,
  natAddresses: { start: "203.0.113.10", end: "203.0.113.12" },
  natPorts: { start: 2000, end: 3000 },
  bridge: "virbr7",
  stp: false,
  mtu: 1400,
  domain: { name: "lab.test", localOnly: true },
  ipv4: "192.168.150.0/24",
  ipv4Address: "192.168.150.1",
  dhcp: true,
  dhcpRange: { start: "192.168.150.100", end: "192.168.150.199", leaseTime: "12h" },
  ipv6: "fd00:150::/64",
  ipv6Address: "fd00:150::1",
  dhcp6: true,
  dhcp6Range: { start: "fd00:150::100", end: "fd00:150::1ff" },
  hosts: [
    { ip: "192.168.150.10", mac: "52:54:00:00:00:0a", name: "web-1" },
    { ip: "192.168.150.11", name: "web-2" },
    { ip: "fd00:150::10", id: "0:3:0:1:52:54:0:0:0:a", name: "web-1" },
  ],
  dnsHosts: [{ ip: "192.168.150.1", hostnames: ["gateway", "gw"] }],
  dnsTxt: [{ name: "motto", value: 'a <b> & "c"' }],
  dnsSrv: [{ service: "ldap", protocol: "tcp", target: "ldap.lab.test", port: 389, priority: 1, weight: 2 }],
  dnsForwarders: [{ address: "192.0.2.53", domain: "corp.test" }, { address: "192.0.2.54" }],
  routes: [
    { to: "10.50.0.0/16", via: "192.168.150.9", metric: 5 },
    { to: "fd00:50::/48", via: "fd00:150::9" },
  ],
  bandwidth: { inbound: { average: "10MiB", peak: "20MiB", burst: "1MiB" }, outbound: { average: "5MiB" } },
  portGroups: [
    { name: "fast", default: true },
    { name: "slow", bandwidth: { outbound: { average: "64KiB" } } },
  ],
  isolatedPorts: true,
};

const lan: NetworkModel = {
  name: "lan",
  mode: "bridge",
  bridge: "br0",
  vlans: { untagged: 10 },
  portGroups: [
    { name: "trunk", vlans: { untagged: 10, tagged: [20, 30] } },
    { name: "tagged", vlans: { tagged: [20] } },
  ],
};

const onInterfaces: NetworkModel = {
  name: "direct",
  mode: "macvtap",
  macvtapMode: "private",
  uplinks: ["eth0", "eth1"],
};

describe("network document", () => {
  it("is written whole", () => {
    assertGolden(networkXML(full, "site/dev/lab"), "network-nat.xml");
    assertGolden(
      networkXML({
        name: "inner",
        mode: "isolated",
        ipv4: "10.9.0.0/28",
        ipv4Address: "10.9.0.1",
        dhcp: true,
        dhcpRange: { start: "10.9.0.2", end: "10.9.0.14" },
      }),
      "network-isolated.xml",
    );
    assertGolden(networkXML(lan), "network-bridge.xml");
    assertGolden(networkXML(onInterfaces), "network-macvtap.xml");
  });

  it("reads back what it wrote", () => {
    assert.deepEqual(parseNetwork(networkXML(full)), full);
    assert.deepEqual(parseNetwork(golden("network-nat.xml")), full);
    assert.deepEqual(parseNetwork(golden("network-bridge.xml")), {
      ...lan,
      portGroups: [...lan.portGroups!].reverse(),
    });
    assert.deepEqual(parseNetwork(golden("network-macvtap.xml")), onInterfaces);
    assert.equal(networkOwner(golden("network-nat.xml")), "site/dev/lab");
    assert.equal(networkOwner(golden("network-bridge.xml")), undefined);
  });

  it("reads what others wrote", () => {
    const model = parseNetwork(golden("network-foreign.xml"));
    assert.deepEqual(model, {
      name: "old",
      uuid: "3b7f1c1e-7a62-4c9e-9d2f-9a4f1f0a7b11",
      mode: "nat",
      uplink: "eth1",
      natAddresses: { start: "192.0.2.10", end: "192.0.2.12" },
      natPorts: { start: 2000, end: 3000 },
      bridge: "virbr3",
      stp: true,
      domain: { name: "old.test", localOnly: false },
      dnsHosts: [{ ip: "172.20.0.1", hostnames: ["gw"] }],
      ipv4: "172.20.0.0/16",
      ipv4Address: "172.20.0.1",
      dhcp: true,
      dhcpRange: { start: "172.20.0.100", end: "172.20.0.200" },
      hosts: [{ ip: "172.20.0.10", mac: "52:54:00:00:00:0a", name: "a" }],
      routes: [{ to: "10.50.0.0/16", via: "172.20.0.9" }],
      bandwidth: { inbound: { average: "1000KiB", peak: "5000KiB", burst: "5MiB" } },
      portGroups: [{ name: "slow", bandwidth: { inbound: { average: "10KiB" } } }],
    });
  });

  it("shows a second range, which the program did not declare", () => {
    const two = golden("network-isolated.xml").replace("</dhcp>", '<range start="10.9.0.2" end="10.9.0.3"/></dhcp>');
    assert.deepEqual(parseNetwork(two).dhcpRange, { start: "10.9.0.2", end: "10.9.0.3" });
  });

  it("is edited in place, and what the model does not know stays", () => {
    const before = golden("network-foreign.xml");
    const model = {
      ...parseNetwork(before),
      mtu: 9000,
      hosts: [...parseNetwork(before).hosts!, { ip: "172.20.0.11", name: "b" }],
    };
    const after = editNetwork(before, model, parseNetwork(before));
    assert.deepEqual(parseNetwork(after), model);

    const root = parse(after);
    assert.equal(text(root, "metadata", "app:info"), "kept");
    assert.equal(attribute(child(root, "bridge"), "macTableManager"), "libvirt");
    assert.equal(attribute(child(root, "forward", "nat", "address"), "start"), "192.0.2.10");
    assert.equal(attribute(child(root, "dns"), "forwardPlainNames"), "no");
    assert.equal(attribute(child(root, "ip", "tftp"), "root"), "/srv/tftp");
    assert.equal(attribute(child(root, "ip"), "localPtr"), "yes");
    assert.equal(children(root, "ip").length, 2);
    for (const kept of ["bandwidth", "route", "portgroup", "dnsmasq:options", "mac"])
      assert.ok(child(root, kept), kept);
    const [first] = children(child(root, "ip", "dhcp"), "host");
    assert.equal(
      attribute(child(first, "lease"), "unit"),
      "hours",
      "a lease that is as declared keeps its further settings",
    );
  });

  it("keeps what the program never set, and removes what it no longer sets", () => {
    const { name, mode } = full;
    const untouched = editNetwork(networkXML(full), { name, mode }, {});
    assert.deepEqual(parseNetwork(untouched), full);
    const {
      mtu: _mtu,
      stp: _stp,
      dnsTxt: _txt,
      dnsHosts: _hosts,
      dnsSrv: _srv,
      dnsForwarders: _forwarders,
      domain: _domain,
      natAddresses: _addresses,
      natPorts: _ports,
      routes: _routes,
      bandwidth: _bandwidth,
      portGroups: _groups,
      isolatedPorts: _isolated,
      ...less
    } = full;
    assert.deepEqual(parseNetwork(editNetwork(networkXML(full), less, full)), { ...less, stp: false });
    const { ipv6: _6, ipv6Address: _a6, dhcp6: _d6, dhcp6Range: _r6, natIpv6: _n6, ...only4 } = full;
    only4.routes = only4.routes!.slice(0, 1);
    const hosts = hostsOf(full, "ipv4");
    assert.deepEqual(parseNetwork(editNetwork(networkXML(full), { ...only4, hosts }, full)), { ...only4, hosts });
  });

  it("changes mode in both directions", () => {
    for (const mode of ["route", "open", "isolated"]) {
      const { natIpv6: _nat, natAddresses: _addresses, natPorts: _ports, ...rest } = full;
      const model = mode === "isolated" || mode === "open" ? { ...rest, mode, uplink: undefined } : { ...rest, mode };
      if (model.uplink === undefined) delete model.uplink;
      const changed = editNetwork(networkXML(full), model, full);
      assert.deepEqual(parseNetwork(changed), model);
      assert.deepEqual(parseNetwork(editNetwork(changed, full, model)), full);
    }
  });

  it("moves onto interfaces of the host and back, and takes its own bridge again after one of the host's", () => {
    const plain = { name: "n", mode: "nat", bridge: "virbr9", ipv4: "10.0.0.0/24", ipv4Address: "10.0.0.1" };
    const direct = { name: "n", mode: "macvtap", macvtapMode: "bridge", uplinks: ["eth0"] };
    const moved = editNetwork(networkXML(plain), direct, plain);
    assert.deepEqual(parseNetwork(moved), direct);
    assert.deepEqual(parseNetwork(editNetwork(moved, plain, direct)), { ...plain, dhcp: false });
    const { bridge: _bridge, ...own } = plain;
    const hosts = editNetwork(networkXML(lan), { ...own, name: "lan" }, lan);
    assert.equal(parseNetwork(hosts).bridge, undefined);
  });

  it("leaves the leases of others alone, and takes back its own", () => {
    const own = { ip: "192.168.150.10", mac: "52:54:00:00:00:0a", name: "web-1" };
    const others = [
      { ip: "192.168.150.20", mac: "52:54:00:00:00:14" },
      { ip: "192.168.150.21", name: "db" },
    ];
    const before = { ...full, hosts: [own] };
    const there = networkXML({ ...full, hosts: [own, ...others] });
    assert.deepEqual(parseNetwork(editNetwork(there, { ...full, hosts: undefined }, before)).hosts, others);
    const inTheWay = { ip: "192.168.150.21", mac: "52:54:00:00:00:0a" };
    assert.deepEqual(parseNetwork(editNetwork(there, { ...full, hosts: [inTheWay] }, before)).hosts, [
      others[0],
      inTheWay,
    ]);
    const moved = { ...full, ipv4: "192.168.151.0/24", ipv4Address: "192.168.151.1", hosts: undefined };
    assert.equal(parseNetwork(editNetwork(there, moved, before)).hosts, undefined, "outside the subnet");
    assert.deepEqual(ownHosts([own, ...others], [own]), [own]);
    assert.deepEqual(ownHosts([inTheWay, ...others], [own]), [inTheWay]);
    assert.equal(ownHosts(others, [own]), undefined);
  });

  it("changes nothing when nothing changes", () => {
    for (const name of ["nat", "isolated", "bridge", "macvtap"].map((kind) => `network-${kind}.xml`)) {
      const xml = compact(golden(name));
      assert.equal(editNetwork(xml, parseNetwork(xml), parseNetwork(xml)), xml);
    }
  });

  it("reads subnets without a prefix as libvirt does", () => {
    const subnet = (ip: string) => parseNetwork(`<network><name>n</name>${ip}</network>`);
    assert.equal(subnet('<ip address="10.1.2.1"/>').ipv4, "10.0.0.0/8");
    assert.equal(subnet('<ip address="172.16.2.1"/>').ipv4, "172.16.0.0/16");
    assert.equal(subnet('<ip address="192.168.2.1"/>').ipv4, "192.168.2.0/24");
    assert.equal(subnet('<ip address="192.168.2.1" netmask="255.255.255.240"/>').ipv4, "192.168.2.0/28");
    assert.equal(subnet('<ip family="ipv6" address="fd00:1:0:0::1"/>').ipv6, "fd00:1::/64");
  });

  it("takes any text without breaking out of the document", () => {
    const printable = fc
      .string({ minLength: 1, maxLength: 40 })
      .filter((value) => !/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/u.test(value));
    fc.assert(
      fc.property(printable, printable, (name, value) => {
        const model: NetworkModel = { name: "n", mode: "isolated", dnsTxt: [{ name, value }] };
        assert.deepEqual(parseNetwork(networkXML(model)), model);
      }),
    );
  });
});
