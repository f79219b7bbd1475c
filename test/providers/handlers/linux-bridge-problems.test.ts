import assert from "node:assert/strict";
import { bridgeProblems } from "../../../providers/handlers/linux-bridge-problems";
import type { HostNetwork } from "../../../providers/host-network/look";
import { aliasOf } from "../../../providers/host-network/plan";
import { resolve } from "../../../providers/host-network/resolve";
import type { LinuxBridgeInputs } from "../../../providers/schema/linux-bridge";
import { inputs, ip, nic, route } from "../host-network/small-kernel";

const eth0 = nic("eth0", [ip("192.168.155.32/24"), ip("fe80::1/64")]);
const eth1 = nic("eth1", [ip("10.1.0.1/16")]);
const lo = nic("lo", [ip("127.0.0.1/8")], { mac: undefined });

/** A host with eth0 on the LAN and eth1 in another network. */
function host(more: Partial<HostNetwork> = {}): HostNetwork {
  return {
    root: true,
    links: [lo, eth0, eth1],
    routes: [route("default", "192.168.155.1", "eth0")],
    rules: [],
    programs: new Set(["ip", "bridge"]),
    kinds: new Set(["bond", "vlan"]),
    networks: [],
    resolver: "",
    last: "",
    ...more,
  };
}

function problems(given: Partial<LinuxBridgeInputs>, on = host(), earlier?: Partial<LinuxBridgeInputs>): string[] {
  const before = earlier && resolve(inputs(earlier), on);
  return bridgeProblems(on, inputs(given), before).map(({ field, reason }) => `${field}: ${reason}`);
}

function links(...more: HostNetwork["links"]): HostNetwork {
  return host({ links: [lo, eth0, eth1, ...more] });
}

describe("a bridge that cannot be", () => {
  it("is none where all is well", () => {
    assert.deepEqual(problems({}), []);
    assert.deepEqual(problems({ addresses: ["192.168.155.32/24", "192.168.200.1/24"] }), []);
    assert.deepEqual(problems({ uplink: [], addresses: ["192.168.200.1/24"] }), []);
  });

  it("is none over a bridge of ours that an interrupted run left", () => {
    const left = nic("br0", [], {
      kind: "bridge",
      alias: aliasOf("me"),
      bridge: { stp: false, forwardDelay: 0, vlanFiltering: false, others: [] },
    });
    assert.deepEqual(problems({ owner: "me" }, links(left)), []);
    assert.deepEqual(problems({ adopt: "br0" }, links({ ...left, alias: undefined })), []);
  });

  const bridge = nic("br7", [], {
    kind: "bridge",
    bridge: { stp: false, forwardDelay: 0, vlanFiltering: false, others: [] },
  });
  const bond = nic("bond3", [], { kind: "bond", bond: { mode: "802.3ad", miimon: 100 } });
  const nicOf = (name: string) => ({ kind: "nic" as const, name });
  const bonded = {
    kind: "bond" as const,
    name: "bond3",
    ports: ["eth0", "eth1"],
    mode: "active-backup" as const,
    miimon: 100,
  };

  const bad: [string, () => string[], string][] = [
    [
      "who is not root",
      () => problems({}, host({ root: false })),
      "machine: only root can change the network. Fix: connect as root, or set sudo: true",
    ],
    [
      "a NIC that is missing",
      () => problems({ uplink: [nicOf("eth9")] }),
      "uplink: there is no interface eth9. Those that exist: eth0, eth1",
    ],
    [
      "a NIC of a bond that is missing",
      () => problems({ uplink: [{ ...bonded, ports: ["eth0", "eth9"] }] }),
      "uplink: there is no interface eth9. Those that exist: eth0, eth1",
    ],
    [
      "a VLAN on nothing",
      () => problems({ uplink: [{ kind: "vlan", name: "eth9.7", link: "eth9", id: 7 }] }),
      "uplink: there is no interface eth9. Those that exist: eth0, eth1",
    ],
    [
      "a NIC of another bridge",
      () => problems({}, host({ links: [{ ...eth0, master: "br7" }, eth1, bridge] })),
      "uplink: eth0 is already in bridge br7. Fix: take it out there, or name another interface",
    ],
    [
      "a NIC of a bond",
      () => problems({}, host({ links: [{ ...eth0, master: "bond3" }, eth1, bond] })),
      'uplink: eth0 is already in bond bond3. Fix: name the bond: uplink: "bond3"',
    ],
    [
      "a bridge as uplink",
      () => problems({ uplink: [nicOf("br7")] }, links(bridge)),
      "uplink: br7 is a bridge itself. Fix: name the interface under it",
    ],
    [
      "the loopback",
      () => problems({ uplink: [nicOf("lo")] }),
      "uplink: lo is the loopback interface. Fix: name one of hardware",
    ],
    [
      "a NIC under a macvtap",
      () => problems({}, links(nic("macvtap0", [], { kind: "macvtap", parent: "eth0" }))),
      "uplink: eth0 carries macvtap0 (macvtap), and Linux allows no bridge beside. Fix: remove them",
    ],
    [
      "a bond that is there",
      () => problems({ uplink: [bonded] }, links(bond)),
      'uplink: there is an interface bond3 already. Fix: name it as it is, uplink: "bond3", or choose another name',
    ],
    [
      "another mode of a bond",
      () => problems({ uplink: [bonded] }, links(bond), { uplink: [{ ...bonded, mode: "802.3ad" }] }),
      "uplink: the mode of bond3 cannot change from 802.3ad to active-backup while it has ports. Fix: give the bond another name",
    ],
    [
      "a kernel without bonds",
      () => problems({ uplink: [bonded] }, host({ kinds: new Set() })),
      "uplink: the host's kernel has no bonds (module bonding)",
    ],
    [
      "a kernel without VLANs",
      () => problems({ uplink: [{ kind: "vlan", name: "eth0.7", link: "eth0", id: 7 }] }, host({ kinds: new Set() })),
      "uplink: the host's kernel has no VLAN interfaces (module 8021q)",
    ],
    [
      "a kernel that cannot filter",
      () => problems({ vlanFiltering: { guests: 7 } }, host({ kinds: new Set() })),
      "vlanFiltering: the host's kernel has no VLAN filtering (it comes with 8021q)",
    ],
    [
      "a host without bridge(8)",
      () => problems({ vlanFiltering: { guests: 7 } }, host({ programs: new Set(["ip"]) })),
      "vlanFiltering: the host has no program bridge. Fix: install iproute2 there",
    ],
    [
      "a name that something else has",
      () => problems({ name: "eth1" }),
      "name: there is an interface eth1, which is no bridge. Fix: choose another name",
    ],
    [
      "the name of a tap",
      () => problems({ name: "tap3" }, links(nic("tap3", [], { kind: "tun" }))),
      "name: there is an interface tap3, which is no bridge (tun). Fix: choose another name",
    ],
    [
      "somebody else's bridge",
      () => problems({ name: "br7" }, links(bridge)),
      'name: a bridge named "br7" already exists. Fix: set adopt: "br7" to take it over, or choose another name',
    ],
    [
      "libvirt's bridge",
      () =>
        problems(
          { name: "br7", adopt: "br7" },
          host({ links: [lo, eth0, eth1, bridge], networks: [{ name: "default", bridge: "br7", subnets: [] }] }),
        ),
      "name: br7 is the bridge of libvirt's network default. Fix: choose another name",
    ],
    [
      "the adoption of nothing",
      () => problems({ adopt: "br0" }),
      'adopt: there is no bridge "br0" to adopt. Fix: leave adopt out to make a new one',
    ],
    [
      "the adoption of another name",
      () => problems({ adopt: "br7" }, links(bridge)),
      'adopt: the bridge to adopt is "br7". Fix: set name: "br7"',
    ],
    [
      "an address of another interface's network",
      () => problems({ addresses: ["192.168.155.32/24", "10.1.2.3/24"] }),
      "addresses: 10.1.2.3/24 overlaps 10.1.0.1/16 of interface eth1. Fix: choose an address of a network that is free on the host",
    ],
    [
      "an address of libvirt's network",
      () =>
        problems(
          { addresses: ["192.168.155.32/24", "192.168.122.5/24"] },
          host({ networks: [{ name: "default", bridge: "virbr0", subnets: ["192.168.122.1/24"] }] }),
        ),
      "addresses: 192.168.122.5/24 overlaps libvirt's network default (192.168.122.1/24). Fix: choose an address of a network that is free on the host",
    ],
    [
      "an address that a route leads to",
      () =>
        problems(
          { addresses: ["192.168.155.32/24", "172.16.0.5/24"] },
          host({ routes: [route("172.16.0.0/12", "10.1.0.9", "eth1")] }),
        ),
      "addresses: 172.16.0.5/24 overlaps the host's route to 172.16.0.0/12 by eth1. Fix: choose an address of a network that is free on the host",
    ],
    [
      "a MAC address of another interface",
      () => problems({ mac: eth1.mac! }),
      `mac: ${eth1.mac} is the address of eth1. Fix: choose another one, or leave it out`,
    ],
    [
      "a gateway outside the kept addresses",
      () => problems({ gateway: ["192.168.1.1"] }),
      "gateway: 192.168.1.1 lies in no subnet of the bridge's addresses (192.168.155.32/24). Fix: correct one of them; an on-link gateway is a route with onlink: true",
    ],
    [
      "the loss of the way in",
      () => problems({ addresses: ["192.168.155.99/24"] }, host({ entrance: "192.168.155.32" })),
      'addresses: your own connection to the host came in by 192.168.155.32, which would leave it. Fix: keep "192.168.155.32/24" among the addresses; it can go when you connect by another one',
    ],
    [
      "a route that could not be put back",
      () => problems({}, host({ routes: [{ ...route("10.9.0.0/16", "192.168.155.9", "eth0"), unknown: ["encap"] }] })),
      "uplink: the route to 10.9.0.0/16 by eth0 has encap, which could not be put back as it was if the change failed. Fix: remove the route, or make it without",
    ],
    [
      "a route over two links that would be lost",
      () => {
        const hops = [
          { via: "192.168.155.9", device: "eth0", weight: 1, onlink: false },
          { via: "10.1.0.9", device: "eth1", weight: 1, onlink: false },
        ];
        return problems(
          { addresses: ["192.168.200.1/24"] },
          host({ routes: [route("10.9.0.0/16", undefined, "", { hops })] }),
        );
      },
      "uplink: the route to 10.9.0.0/16 by eth0 and eth1 would be lost: not all its gateways are in subnets of the bridge's addresses. Fix: remove the route, or keep the addresses",
    ],
    [
      "an MTU too small for the IPv6 that is kept",
      () => problems({ mtu: 1000 }, host({ links: [lo, nic("eth0", [ip("fd00::1/64")]), eth1] })),
      "mtu: got 1000. Allowed: at least 1280, which IPv6 needs (RFC 8200): fd00::1/64",
    ],
  ];
  for (const [what, found, message] of bad) it(`refuses ${what}`, () => assert.deepEqual(found(), [message]));
});
