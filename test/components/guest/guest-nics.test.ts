import assert from "node:assert/strict";
import * as v from "valibot";
import { assertAccepted, computes, computeOutputs, find, ofKind, run, type Registered } from "../mocks";
import {
  BridgedNetwork,
  Guest,
  IsolatedNetwork,
  KvmHost,
  type GuestNicArgs,
  type KvmHostArgs,
} from "../../../components";
import { rulesOf } from "../../../providers/handlers/network-filter-rules";
import { networkFilterSchema } from "../../../providers/schema/network-filter";

/** Members in any order. */
function plain(rule: string): string {
  const [action, direction, protocol, ...fields] = rule.split(" ");
  return [action, direction, protocol, ...fields.sort()].join(" ");
}

/** "drop out arp match=false arpSrcMac=$MAC" */
function said(filter: Registered): string[] {
  return rulesOf(v.parse(networkFilterSchema, filter.inputs))!.map(({ action, direction, protocol, ...rest }) => {
    const { priority: _priority, ...match } = rest;
    const fields = Object.entries(match).map(([field, value]) => `${field}=${value}`);
    return plain([action, direction, protocol, ...fields].join(" "));
  });
}

const mac = "52:54:00:00:00:01";

describe("a guest's NICs", () => {
  before(() => {
    computeOutputs();
    computes("Network", ({ ipv4, ipv6 }) => ({
      bridge: "virbr1",
      ...(ipv4 && { ipv4Address: "192.168.150.1" }),
      ...(ipv6 && { ipv6Address: "fd00:150::1" }),
    }));
  });

  const networks: KvmHostArgs["networks"] = {
    lab: { ipv4: "192.168.150.0/24", ipv6: "fd00:150::/64" },
    cable: { mode: "isolated" },
    direct: { mode: "macvtap", uplink: "eth0" },
  };

  async function web(nic: GuestNicArgs, host: KvmHostArgs = {}): Promise<Registered[]> {
    const made = await run(() => new Guest("web", { host: new KvmHost("kvm1", { networks, ...host }), nics: [nic] }));
    assertAccepted(made);
    return made;
  }

  const always = [
    "drop out mac match=false srcMac=$MAC",
    "drop out vlan",
    "drop out mac etherType=0x88a8",
    "drop out arp match=false arpSrcMac=$MAC",
    "drop out ip ipProtocol=udp srcPort=67",
    "drop out ipv6 ipProtocol=udp srcPort=547",
    "drop out ipv6 ipProtocol=icmpv6 icmpType=134",
  ].map(plain);

  it("speak from their network's subnet, but not as its gateway", async () => {
    const made = await web({ network: "lab", mac });
    const filter = find("NetworkFilter", "web-0", made);
    assert.deepEqual([filter.inputs["name"], filter.inputs["connection"]], ["web-525400000001", "qemu:///system"]);
    assert.deepEqual(said(filter), [
      ...always,
      "drop out arp arpSrcIp=192.168.150.1",
      "drop out ip srcIp=192.168.150.1",
      "accept out arp arpSrcIp=192.168.150.0/24",
      "accept out arp arpSrcIp=0.0.0.0",
      "accept out ip srcIp=192.168.150.0/24",
      plain("accept out ip srcIp=0.0.0.0 ipProtocol=udp srcPort=68 dstPort=67"),
      "drop out arp",
      "drop out ip",
      "drop out ipv6 srcIp=fd00:150::1",
      "accept out ipv6 srcIp=fe80::/10",
      "accept out ipv6 srcIp=::",
      "accept out ipv6 srcIp=fd00:150::/64",
      "drop out ipv6",
    ]);
    assert.deepEqual(find("Domain", "web", made).inputs["nics"], [{ network: "lab", mac, filter: "web-525400000001" }]);
    assert.ok(find("Domain", "web", made).dependencies.includes("NetworkFilter web-0"));
  });

  it("have the addresses that they are given, and speak from these and the allowed ones", async () => {
    const made = await web({
      ...{ network: "lab", mac, ipv4: "192.168.150.20", ipv6: "fd00:150::20" },
      allowedAddresses: ["192.168.150.100", "fd00:150::100", "10.88.0.0/16"],
    });
    const lease = find("DhcpReservation", "web-0", made);
    assert.deepEqual(lease.inputs, {
      ...{ connection: "qemu:///system", network: "lab", mac, name: "web" },
      ...{ ipv4: "192.168.150.20", ipv6: "fd00:150::20" },
    });
    assert.deepEqual(lease.dependencies, ["Network kvm1-lab"]);
    const rules = said(find("NetworkFilter", "web-0", made));
    assert.deepEqual(
      rules.filter((rule) => rule.startsWith("accept") && !/fe80|::$|0\.0\.0\.0/.test(rule)),
      [
        "accept out arp arpSrcIp=192.168.150.20",
        "accept out arp arpSrcIp=192.168.150.100",
        "accept out arp arpSrcIp=10.88.0.0/16",
        "accept out ip srcIp=192.168.150.20",
        "accept out ip srcIp=192.168.150.100",
        "accept out ip srcIp=10.88.0.0/16",
        "accept out ipv6 srcIp=fd00:150::20",
        "accept out ipv6 srcIp=fd00:150::100",
      ],
    );
    assert.ok(!rules.some((rule) => rule.includes("192.168.150.1 ") || rule.endsWith("192.168.150.1")));
    assert.ok(find("Domain", "web", made).dependencies.includes("DhcpReservation web-0"), "the lease is there first");
  });

  it("speak from the addresses that a container's NIC is given", async () => {
    const addresses = ["192.168.150.50/24", "fd00:150::50/64"];
    const made = await run(
      () => new Guest("web", { host: new KvmHost("kvm1", { networks }), nics: [{ network: "lab", mac, addresses }] }),
    );
    const rules = said(find("NetworkFilter", "web-0", made));
    assert.ok(
      rules.includes("accept out ip srcIp=192.168.150.50") && rules.includes("accept out ipv6 srcIp=fd00:150::50"),
    );
    assert.ok(!rules.some((rule) => rule.includes("/24") || rule.includes("/64")));
  });

  it("are held to their MAC address where no subnet is known", async () => {
    for (const nic of [{ bridge: "br0" }, { network: "foreign" }, { network: "cable" }])
      assert.deepEqual(said(find("NetworkFilter", "web-0", await web({ ...nic, mac }))), always);
    const rules = said(
      find("NetworkFilter", "web-0", await web({ bridge: "br0", mac, allowedAddresses: ["10.0.0.9"] })),
    );
    assert.ok(rules.includes("accept out ip srcIp=10.0.0.9") && rules.includes("drop out ip"));
    assert.ok(!rules.includes("drop out ipv6"));
  });

  it("may send tagged frames where their port takes some", async () => {
    const rules = said(find("NetworkFilter", "web-0", await web({ bridge: "br0", mac, vlans: { tagged: [7] } })));
    assert.ok(!rules.some((rule) => rule.includes("vlan") || rule.includes("0x88a8")));
  });

  it("have no filter where the program or the kind of network wants none", async () => {
    for (const [nic, host] of [
      [{ network: "lab", antiSpoofing: false }, {}],
      [{ network: "direct" }, {}],
      [{ network: "lab" }, { antiSpoofing: false }],
      [{ network: "lab" }, { connection: { uri: "qemu:///session" } }],
    ] as [GuestNicArgs, KvmHostArgs][]) {
      const made = await web({ ...nic, mac }, host);
      assert.deepEqual(ofKind("NetworkFilter", made), []);
      assert.deepEqual(find("Domain", "web", made).inputs["nics"], [{ network: nic.network, mac }]);
    }
    const made = await web({ network: "lab", mac, antiSpoofing: false, filter: "clean-traffic" });
    assert.equal(find("Domain", "web", made).inputs["nics"][0].filter, "clean-traffic");
    assert.ok(ofKind("Host", made)[0]!.inputs["needs"].networkFilters, "others of the host may want them");
  });

  it("let others reach what the program allows, and no more", async () => {
    const allow: GuestNicArgs["allow"] = [
      22,
      "8000-8080",
      "53/udp",
      "vrrp",
      { protocol: "tcp", port: 5432, from: "10.0.0.0/8" },
    ];
    const made = await web({ network: "lab", mac, antiSpoofing: false, allow });
    assert.deepEqual(
      said(find("NetworkFilter", "web-0", made)),
      [
        "accept in ip ipProtocol=icmp",
        "accept in ip ipProtocol=igmp",
        "accept in ip ipProtocol=udp srcPort=67 dstPort=68",
        "accept in ipv6 ipProtocol=icmpv6",
        "accept in ipv6 ipProtocol=0",
        "accept in ipv6 ipProtocol=udp srcPort=547 dstPort=546",
        "accept in ip ipProtocol=tcp dstPort=32768-65535",
        "accept in ip ipProtocol=udp dstPort=32768-65535",
        "accept in ipv6 ipProtocol=tcp dstPort=32768-65535",
        "accept in ipv6 ipProtocol=udp dstPort=32768-65535",
        "accept in ip ipProtocol=tcp dstPort=22",
        "accept in ipv6 ipProtocol=tcp dstPort=22",
        "accept in ip ipProtocol=tcp dstPort=8000-8080",
        "accept in ipv6 ipProtocol=tcp dstPort=8000-8080",
        "accept in ip ipProtocol=udp dstPort=53",
        "accept in ipv6 ipProtocol=udp dstPort=53",
        "accept in ip ipProtocol=112",
        "accept in ipv6 ipProtocol=112",
        "accept in ip ipProtocol=tcp dstPort=5432 srcIp=10.0.0.0/8",
        "drop in ip",
        "drop in ipv6",
      ].map(plain),
    );
  });

  it("keep the filter that they name beside their own", async () => {
    const filter = { name: "no-mail", parameters: { PORT: "25" } };
    const made = await web({ network: "lab", mac, filter });
    assert.deepEqual(find("NetworkFilter", "web-0", made).inputs["filters"], [filter]);
    assert.equal(find("Domain", "web", made).inputs["nics"][0].filter, "web-525400000001");
  });

  it("have addresses of the host's or the network's pool", async () => {
    const own = {
      networks: { lab: { ipv4: "192.168.150.0/24" }, dmz: { macPool: "02:00:00:00:07", mode: "isolated" as const } },
    };
    const made = await run(() => {
      const host = new KvmHost("kvm1", { ...own, macPool: "52:54:00:1A" });
      new Guest("web", { host, nics: [{ network: "lab" }, { network: "dmz" }, { network: "lab", mac }] });
    });
    assertAccepted(made);
    assert.deepEqual(
      find("Domain", "web", made).inputs["nics"].map((nic: GuestNicArgs) => nic.mac),
      ["52:54:00:1a:7a:f7", "02:00:00:00:07:5b", mac],
    );
    assert.equal(find("NetworkFilter", "web-0", made).inputs["name"], "web-5254001a7af7");
  });

  it("are known by the networks that stand beside the host too", async () => {
    const made = await run(() => {
      const host = new KvmHost("kvm1");
      const backend = new IsolatedNetwork("backend", { host, ipv4: "10.22.0.0/24" });
      new BridgedNetwork("lan", { host, bridge: { name: "br0" } });
      new Guest("web", { host, nics: [{ network: backend.name, mac }, { network: "lan" }] });
    });
    assertAccepted(made);
    assert.ok(said(find("NetworkFilter", "web-0", made)).includes("accept out ip srcIp=10.22.0.0/24"));
    assert.ok(find("Domain", "web", made).dependencies.includes("Network lan"));
    assert.equal(find("Network", "lan", made).inputs["bridge"], "br0");
  });

  for (const [what, nic, message] of [
    [
      "an address that nobody keeps",
      { bridge: "br0", ipv4: "10.0.0.9" },
      "Guest web: nics.0: ipv4 and ipv6 are kept by a network's DHCP server, and a bridge of the host has none. Fix: name them in allowedAddresses, and give them inside the guest",
    ],
    [
      "allowed addresses that limit nothing",
      { network: "lab", antiSpoofing: false, allowedAddresses: ["10.0.0.9"] },
      "Guest web: nics.0: allowedAddresses limit nothing without antiSpoofing. Fix: leave one of them out",
    ],
    [
      "filters on macvtap",
      { network: "direct", allow: [22] },
      "Guest web: nics.0: frames of a macvtap network pass no filter of the host. Fix: leave antiSpoofing and allow out, or use another network",
    ],
    [
      "what cannot be reached",
      { network: "lab", allow: ["ssh/tcp"] },
      'Guest web: nics.0.allow.0: got "ssh/tcp". Allowed: 22, "8000-8080", "53/udp", "vrrp", or { protocol, port, from }',
    ],
    [
      "a port of a protocol without ports",
      { network: "lab", allow: [22, { protocol: "esp", port: 1 }] },
      "Guest web: nics.0.allow.1: esp has no ports. Allowed: with tcp, udp, sctp",
    ],
    [
      "a misspelt field of an allowed port",
      { network: "lab", allow: [{ protocol: "tcp", prot: 1 } as never] },
      'Guest web: nics.0.allow.0: unknown field "prot"; did you mean "port"? Allowed: protocol, port, from',
    ],
  ] as [string, GuestNicArgs, string][])
    it(`refuse ${what}`, async () => {
      await assert.rejects(
        run(() => new Guest("web", { host: new KvmHost("kvm1", { networks }), nics: [nic] })),
        { message },
      );
    });
});
