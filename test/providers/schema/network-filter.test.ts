import assert from "node:assert/strict";
import { networkFilterSchema } from "../../../providers/schema/network-filter";
import { complaints, parsed } from "./parse";

const rules = (...given: object[]) => parsed(networkFilterSchema, { name: "f", rules: given }).rules;
const wrong = (rule: object) => complaints(networkFilterSchema, { name: "f", rules: [rule] });
const drop = { action: "drop" };

describe("network filter schema", () => {
  it("writes out defaults, and everything as libvirt writes it", () => {
    assert.deepEqual(rules(drop), [{ action: "drop", direction: "inout", priority: 500 }]);
    const canonical = (rule: object) => {
      const { action: _a, direction: _d, priority: _p, protocol: _r, ...rest } = rules({ ...drop, ...rule })![0]!;
      return rest;
    };
    assert.deepEqual(canonical({ protocol: "ip", ipProtocol: 17, srcIp: "10.0.0.0/8", dstPort: 53 }), {
      ipProtocol: "udp",
      srcIp: "10.0.0.0/8",
      dstPort: "53",
    });
    assert.deepEqual(canonical({ protocol: "ip", ipProtocol: "112", srcIp: "10.0.0.1/32" }), {
      ipProtocol: "112",
      srcIp: "10.0.0.1",
    });
    assert.deepEqual(canonical({ protocol: "mac", etherType: "0x88A8", srcMac: "52:54:00:AA:BB:CC" }), {
      etherType: "0x88a8",
      srcMac: "52:54:00:aa:bb:cc",
    });
    assert.deepEqual(canonical({ protocol: "mac", etherType: 2048 }), { etherType: "ipv4" });
    assert.deepEqual(canonical({ protocol: "arp", arpOpcode: 2, arpSrcIp: "$IP" }), {
      arpOpcode: "Reply",
      arpSrcIp: "$IP",
    });
    assert.deepEqual(
      canonical({ protocol: "tcp", state: "established,new", srcIp: "10.0.0.1-10.0.0.9", dstPort: "80-80" }),
      { state: "NEW,ESTABLISHED", srcIp: "10.0.0.1-10.0.0.9", dstPort: "80" },
    );
    assert.deepEqual(canonical({ protocol: "tcp-ipv6", dstIp: "FD00:0::1", srcPort: "$PORT[@1]" }), {
      dstIp: "fd00::1",
      srcPort: "$PORT[@1]",
    });
    assert.deepEqual(canonical({ protocol: "vlan", vlanId: "0x10" }), { vlanId: "16" });
  });

  it("takes other filters by name or with values", () => {
    const { filters } = parsed(networkFilterSchema, {
      name: "f",
      filters: [
        "a",
        { name: "b", parameters: { PORT: "80", IP: ["10.0.0.1", "10.0.0.2"] } },
        { name: "c", parameters: {} },
      ],
    });
    assert.deepEqual(filters, [
      { name: "a" },
      { name: "b", parameters: { IP: ["10.0.0.1", "10.0.0.2"], PORT: ["80"] } },
      { name: "c", parameters: undefined },
    ]);
  });

  for (const [what, rule, reason] of [
    [
      "an address of the other family",
      { protocol: "ip", srcIp: "fd00::1" },
      "srcIp: fd00::1 is an IPv6 address, and the rule is for ip",
    ],
    [
      "what the protocol does not have",
      { protocol: "arp", dstPort: 80 },
      /^rules\.0\.dstPort: is nothing that a rule for arp looks at\. Allowed: match, comment, srcMac, /,
    ],
    [
      "a match without protocol",
      { srcIp: "10.0.0.1" },
      "srcIp: goes with a protocol. Fix: name the protocol, or leave it out",
    ],
    [
      "a range where there is none",
      { protocol: "ip", srcIp: "10.0.0.1-10.0.0.2" },
      "srcIp: 10.0.0.1-10.0.0.2 is a range, which a rule for ip cannot look at. Allowed: an address or a subnet",
    ],
    [
      "ports without a protocol that has some",
      { protocol: "ip", dstPort: 80 },
      "dstPort: needs ipProtocol. Allowed: tcp, udp, sctp",
    ],
    ["ICMP types of another protocol", { protocol: "ipv6", icmpType: 1 }, 'icmpType: needs ipProtocol: "icmpv6"'],
    ["a code without a type", { protocol: "icmp", icmpCode: 1 }, "icmpCode: needs icmpType"],
    [
      "host bits",
      { protocol: "ip", srcIp: "10.0.0.1/8" },
      'srcIp: "10.0.0.1/8" has host bits set: the subnet is "10.0.0.0/8"',
    ],
    [
      "a port too high",
      { protocol: "tcp", dstPort: 70000 },
      'dstPort: "70000" is not a port. Allowed: 1 to 65535, or a range "8000-8080"',
    ],
    [
      "a range of ports the wrong way round",
      { protocol: "tcp", dstPort: "9-8" },
      'dstPort: "9-8" ends before it begins',
    ],
    [
      "an unknown EtherType",
      { protocol: "mac", etherType: "ipx" },
      /^rules\.0\.etherType: "ipx" is not an EtherType\. Allowed: "ipv4", "arp", "rarp", "vlan", "ipv6", or a number up to 65535$/,
    ],
    [
      "an unknown state",
      { protocol: "tcp", state: "OPEN" },
      'state: "OPEN" is not a state. Allowed: NEW, ESTABLISHED, RELATED, INVALID, NONE, with commas',
    ],
    [
      "flags that are none",
      { protocol: "tcp", tcpFlags: "SYN" },
      'tcpFlags: "SYN" are not TCP flags. Allowed: those looked at and those set, e.g. "SYN,ACK/SYN"',
    ],
    ["a priority out of range", { priority: 2000 }, "priority: got 2000. Allowed: a whole number from -1000 to 1000"],
    ["a misspelt field", { dstport: 1 }, /^rules\.0\.dstport: unknown field "dstport"; did you mean "dstPort"\?/],
  ] as [string, object, string | RegExp][])
    it(`refuses ${what}`, () => {
      const [found, ...more] = wrong({ ...drop, ...rule });
      assert.deepEqual(more, []);
      if (typeof reason === "string") assert.equal(found, `rules.0.${reason}`);
      else assert.match(found!, reason);
    });

  it("refuses chains and variables that libvirt does not take", () => {
    const of = (more: object) => complaints(networkFilterSchema, { name: "f", ...more });
    assert.deepEqual(of({ chain: "ip" }), [
      'chain: "ip" is not a chain. Allowed: "root", or a name that begins with mac, vlan, stp, arp, rarp, ipv4 or ipv6',
    ]);
    assert.deepEqual(of({ chain: "ipv4-too-long" }), ['chain: "ipv4-too-long" has 13 characters. Allowed: at most 12']);
    assert.deepEqual(of({ filters: [{ name: "a", parameters: { IP: "a b" } }] }), [
      'filters.0.parameters.IP: "a b" is not a value of a filter\'s variable. Allowed: letters, digits, "." and ":"',
    ]);
  });

  it("takes what may be reached in short and in full, and says what is wrong with it", () => {
    const { allow } = parsed(networkFilterSchema, {
      name: "f",
      allow: [22, "8000-8080", "53/udp", "vrrp", "esp", { protocol: 6, port: 5432, from: "10.0.0.0/8" }],
    });
    assert.deepEqual(allow, [
      { protocol: "tcp", port: "22" },
      { protocol: "tcp", port: "8000-8080" },
      { protocol: "udp", port: "53" },
      { protocol: "112" },
      { protocol: "esp" },
      { protocol: "tcp", port: "5432", from: "10.0.0.0/8" },
    ]);
    for (const [given, complaint] of [
      ["ssh/tcp", /^allow\.0: got "ssh\/tcp"\. Allowed: 22, "8000-8080", "53\/udp", "vrrp", or/],
      ["no-such", /^allow\.0\.protocol: "no-such" is not an IP protocol\./],
      [99999, /^allow\.0\.port: "99999" is not a port\./],
      [{ protocol: "vrrp", port: 1 }, /^allow\.0: 112 has no ports\. Allowed: with tcp, udp, sctp$/],
      [{ protocol: "tcp", from: "10.0.0.1-10.0.0.9" }, /^allow\.0\.from: 10\.0\.0\.1-10\.0\.0\.9 is a range\. Allowed/],
    ] as const)
      assert.match(complaints(networkFilterSchema, { name: "f", allow: [given] })[0]!, complaint);
  });

  it("takes the addresses of one family under its name only", () => {
    const wrongSource = {
      antiSpoofing: { ipv4: { allowed: ["fd00::1"] }, ipv6: { allowed: ["fd00::/64"], gateway: "10.0.0.1" } },
    };
    assert.deepEqual(complaints(networkFilterSchema, { name: "f", ...wrongSource }), [
      "antiSpoofing.ipv4.allowed.0: fd00::1 is no IPv4 address",
      "antiSpoofing.ipv6.gateway: 10.0.0.1 is no IPv6 address",
    ]);
  });
});
