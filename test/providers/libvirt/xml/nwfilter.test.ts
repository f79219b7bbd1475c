import assert from "node:assert/strict";
import {
  editNetworkFilter,
  networkFilterXML,
  parseNetworkFilter,
  type NetworkFilterModel,
} from "../../../../providers/libvirt/xml/nwfilter";
import type { FilterRule } from "../../../../providers/libvirt/xml/nwfilter-rule";
import { assertGolden, golden } from "./golden";

const rule = (more: Partial<FilterRule>): FilterRule => ({ action: "drop", direction: "out", priority: 500, ...more });

const full: NetworkFilterModel = {
  name: "web-out",
  uuid: "6f1c3d5e-0000-4000-8000-000000000001",
  chain: "ipv4-web",
  priority: -650,
  rules: [
    rule({ priority: -900, protocol: "mac", match: false, srcMac: "$MAC" }),
    rule({ protocol: "mac", etherType: "0x88a8", dstMac: "01:00:5e:00:00:00", dstMacMask: "ff:ff:ff:80:00:00" }),
    rule({ protocol: "arp", arpOpcode: "Reply", arpSrcIp: "192.0.2.0/24", arpSrcMac: "$MAC", gratuitous: true }),
    rule({ action: "accept", direction: "in", protocol: "ip", ipProtocol: "tcp", dstPort: "8000-8080" }),
    rule({ protocol: "ipv6", srcIp: "fe80::/10", ipProtocol: "icmpv6", icmpType: "134", icmpCode: "0" }),
    rule({ action: "return", protocol: "ip", srcIp: "$IP" }),
    rule({
      action: "reject",
      stateMatch: false,
      protocol: "tcp",
      srcIp: "192.0.2.1-192.0.2.9",
      dstIp: "198.51.100.7",
      state: "NEW,ESTABLISHED",
      tcpFlags: "SYN,ACK/SYN",
      dscp: "8",
      connLimitAbove: "5",
      srcPort: "1024-65535",
      dstPort: "25",
      comment: "no <mail>",
    }),
    rule({ action: "continue", direction: "inout", protocol: "vlan", vlanId: "3" }),
    rule({ direction: "inout", priority: 1000 }),
  ],
  filters: [{ name: "clean-traffic", parameters: { IP: ["192.0.2.1", "192.0.2.2"] } }, { name: "allow-arp" }],
};

describe("network filter document", () => {
  it("is written whole", () => assertGolden(networkFilterXML(full), "nwfilter-full.xml"));

  it("reads back what it wrote", () => {
    assert.deepEqual(parseNetworkFilter(networkFilterXML(full)), full);
    assert.deepEqual(parseNetworkFilter(golden("nwfilter-full.xml")), full);
  });

  it("is edited where something is said, and stays in the rest", () => {
    const [first] = full.rules;
    const fewer = editNetworkFilter(networkFilterXML(full), { rules: [first!] });
    assert.deepEqual(parseNetworkFilter(fewer), { ...full, rules: [first] });
    const moved = editNetworkFilter(fewer, { chain: "root", filters: [] });
    const { priority: _priority, ...rest } = full;
    assert.deepEqual(parseNetworkFilter(moved), { ...rest, chain: "root", rules: [first], filters: [] });
  });

  it("reads one address and one port as such, however they are written", () => {
    const [read] = parseNetworkFilter(
      `<filter name="x"><rule action="drop" direction="in">
        <tcp-ipv6 srcipaddr="FD00:0:0::1" srcipmask="128" dstportstart="80" dstportend="80"/></rule></filter>`,
    ).rules;
    assert.deepEqual(read, {
      ...{ action: "drop", direction: "in", priority: 500, protocol: "tcp-ipv6" },
      ...{ srcIp: "fd00::1", dstPort: "80" },
    });
  });
});
