import assert from "node:assert/strict";
import fc from "fast-check";
import { attribute, child, children, parse, text } from "../../../../providers/libvirt/xml/document";
import {
  editNetwork,
  hostsOf,
  networkOwner,
  networkXML,
  parseNetwork,
  type NetworkModel,
} from "../../../../providers/libvirt/xml/network";
import { assertGolden, compact, golden } from "./golden";

const full: NetworkModel = {
  name: "lab",
  mode: "nat",
  uplink: "eth0",
  natIpv6: true,
  bridge: "virbr7",
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
    assertGolden(networkXML({ name: "lan", mode: "bridge", bridge: "br0" }), "network-bridge.xml");
  });

  it("reads back what it wrote", () => {
    assert.deepEqual(parseNetwork(networkXML(full)), full);
    assert.deepEqual(parseNetwork(golden("network-nat.xml")), full);
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
      bridge: "virbr3",
      domain: { name: "old.test", localOnly: false },
      dnsHosts: [{ ip: "172.20.0.1", hostnames: ["gw"] }],
      ipv4: "172.20.0.0/16",
      ipv4Address: "172.20.0.1",
      dhcp: true,
      dhcpRange: { start: "172.20.0.100", end: "172.20.0.200" },
      hosts: [{ ip: "172.20.0.10", mac: "52:54:00:00:00:0a", name: "a" }],
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
      dnsTxt: _txt,
      dnsHosts: _hosts,
      dnsSrv: _srv,
      dnsForwarders: _forwarders,
      domain: _domain,
      ...less
    } = full;
    assert.deepEqual(parseNetwork(editNetwork(networkXML(full), less, full)), less);
    const { ipv6: _6, ipv6Address: _a6, dhcp6: _d6, dhcp6Range: _r6, natIpv6: _n6, ...only4 } = full;
    const hosts = hostsOf(full, "ipv4");
    assert.deepEqual(parseNetwork(editNetwork(networkXML(full), { ...only4, hosts }, full)), { ...only4, hosts });
  });

  it("changes mode in both directions", () => {
    for (const mode of ["route", "open", "isolated"]) {
      const { natIpv6: _nat, ...rest } = full;
      const model = mode === "isolated" || mode === "open" ? { ...rest, mode, uplink: undefined } : { ...rest, mode };
      if (model.uplink === undefined) delete model.uplink;
      const changed = editNetwork(networkXML(full), model, full);
      assert.deepEqual(parseNetwork(changed), model);
      assert.deepEqual(parseNetwork(editNetwork(changed, full, model)), full);
    }
  });

  it("changes nothing when nothing changes", () => {
    for (const name of ["network-nat.xml", "network-isolated.xml", "network-bridge.xml"]) {
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
