import assert from "node:assert/strict";
import type { Topology } from "../../../scripts/topology/model";
import { readTopology } from "../../../scripts/topology/read-topology";
import type { SegmentName } from "../../../scripts/topology/segments";
import { defaultMac } from "../../../providers/schema/domain-nic";
import { readState } from "../../../scripts/topology/state";
import { datacenter, dev, State, twoHosts } from "./states";

function read(state: State, names: SegmentName[] = []): Topology {
  const topology = readTopology("lab", readState(state.text(), "test"), names);
  assert.ok(topology);
  return topology;
}

/** The switches of a stack, in their order, with what they are wired to. */
function switches({ hosts, segments }: Topology): string[] {
  return hosts.flatMap((host) =>
    host.switches.map((each) => {
      const wire = segments.find(({ id }) => id === each.uplink?.segment)?.name;
      return [
        `${host.name}: ${each.name}`,
        each.mode ?? each.kind,
        ...each.addresses,
        ...each.automatic,
        ...each.networks.map((name) => `as ${name}`),
        ...each.details,
        ...(each.routed ? ["routed"] : []),
        ...(each.uplink ? [`${each.uplink.label} on ${wire}`] : []),
        ...(each.declared ? [] : ["undeclared"]),
      ].join(", ");
    }),
  );
}

/** The guests of a stack with what their NICs are plugged into. */
function guests({ hosts }: Topology): string[] {
  return hosts.flatMap((host) =>
    host.guests.map((guest) =>
      [
        `${host.name}: ${guest.name}`,
        guest.kind,
        guest.state,
        ...(guest.group ? [`${guest.group.kind} ${guest.group.name}`] : []),
        ...guest.nics.map((nic) => {
          const plugged = host.switches.find(({ id }) => id === nic.switch)!.name;
          return [plugged, ...(nic.addresses.length > 0 ? nic.addresses : [nic.mac]), ...nic.port].join(" ");
        }),
        ...guest.published,
      ].join(", "),
    ),
  );
}

const local = "qemu:///system";

/** One host on which only this is declared. */
function withHost(fill: (state: State, host: string) => void): Topology {
  const state = new State();
  fill(state, state.host("kvm1", local));
  return read(state);
}

describe("readTopology", () => {
  it("reads the dev environment: a NAT network behind what the host has, guests, a published port", () => {
    const topology = read(dev());
    assert.deepEqual(topology.segments, [
      { id: "outside local", name: "outside, by local's own routes", subnets: [], gateways: [], declared: false },
    ]);
    assert.equal(topology.hosts[0]!.outside, "outside local");
    assert.deepEqual(topology.hosts[0]!.facts, ["libvirt 9.0.0", "16 CPUs", "63GiB", "KVM"]);
    assert.deepEqual(switches(topology), ["local: dev, nat, 192.168.190.1/24, fd00:190::1/64, routed"]);
    assert.deepEqual(guests(topology), [
      "local: dev-app, vm, running, dev 192.168.190.152 fd00:190::39c",
      "local: dev-web, vm, running, dev 192.168.190.21 fd00:190::1a7, 8080 → 80/tcp",
    ]);
    assert.deepEqual(topology.hosts[0]!.guests[0]!.size, ["1 vCPU", "384MiB"]);
  });

  it("orders switches from the wire inwards, and takes QEMU's and LXC's guests of one host together", () => {
    const topology = read(datacenter());
    assert.deepEqual(
      topology.hosts.map(({ name, connections }) => [name, ...connections]),
      [["kvm1", "qemu:///system", "lxc:///system"]],
    );
    assert.deepEqual(switches(topology), [
      "kvm1: br1, bridge, eth1 on behind eth1",
      "kvm1: br0, bridge, 192.168.155.32/24, fd00:155::32/64, routed, eth0 on LAN",
      "kvm1: default, nat, 192.168.122.1/24, fd00:122::1/64, routed",
      "kvm1: backend, isolated, 10.10.0.1/24, fd00:10::1/64",
    ]);
    assert.deepEqual(
      topology.segments.map(({ name, subnets, gateways }) => [name, subnets, gateways]),
      [
        ["LAN", ["192.168.155.0/24", "fd00:155::/64"], ["192.168.155.1", "fd00:155::1"]],
        ["behind eth1", [], []],
      ],
    );
    const all = guests(topology);
    assert.equal(all.length, 11);
    for (const line of [
      "kvm1: app-3, container, running, GuestGroup app, default 192.168.122.13 fd00:122::13, backend 10.10.0.13 fd00:10::13",
      "kvm1: build, vm, paused, default 192.168.122.77 fd00:122::77",
      "kvm1: printer, container, shutoff, br0 52:54:00:00:00:17",
    ])
      assert.ok(all.includes(line), `${line} is not among\n${all.join("\n")}`);
  });

  it("puts bridges with addresses in one subnet on one LAN, and those without on wires of their own", () => {
    const topology = read(twoHosts());
    assert.deepEqual(
      topology.segments.map(({ name }) => name),
      ["LAN", "behind eth1 of kvm1", "behind eth1 of kvm2"],
    );
    assert.deepEqual(
      topology.hosts.map((host) => host.switches.map(({ uplink }) => uplink?.segment)),
      [
        ["segment kvm1.example.org/bridge/br1", "segment kvm1.example.org/bridge/br0", undefined, undefined],
        ["segment kvm2.example.org/bridge/br1", "segment kvm1.example.org/bridge/br0", undefined, undefined],
      ],
    );
  });

  it("lets the operator name wires, by a subnet or by bridges, which joins them", () => {
    const topology = read(twoHosts(), [
      { name: "Office", members: ["192.168.155.0/24"] },
      { name: "WAN", members: ["kvm1/br1", "kvm2/br1"] },
    ]);
    assert.deepEqual(
      topology.segments.map(({ name }) => name),
      ["Office", "WAN"],
    );
  });

  it("knows one LAN by its gateway, and never by link-local addresses", () => {
    const state = new State();
    for (const [at, shape] of [
      { addresses: ["10.1.0.2/24", "fe80::1/64"], gateway: ["10.0.0.1"] },
      { addresses: ["10.2.0.2/24"], gateway: ["10.0.0.1"] },
      { addresses: ["10.3.0.2/24", "fe80::2/64"], gateway: [] },
    ].entries()) {
      const host = state.host(`kvm${at + 1}`, `qemu+ssh://kvm${at + 1}/system`);
      state.object("LinuxBridge", `br-${at}`, { name: "br0", uplink: ["eth0"], ...shape }, host);
    }
    assert.deepEqual(
      read(state).segments.map(({ subnets }) => subnets),
      [["10.1.0.0/24", "10.2.0.0/24"], ["10.3.0.0/24"]],
    );
  });

  it("says what a bridge's addresses and uplinks came to, else what the program declares", () => {
    const topology = withHost((state, host) => {
      const bridge = (name: string, shape: object) => state.object("LinuxBridge", name, { name, ...shape }, host);
      bridge("br0", {
        addresses: "keep",
        assigned: ["10.0.0.7/24"],
        uplink: [{ kind: "bond", name: "bond0", ports: ["eth0", "eth1"], mode: "802.3ad" }],
        config: { addressing: { dhcp4: true, addresses: [] } },
      });
      bridge("br1", { addresses: [], assigned: [], uplink: [{ kind: "vlan", name: "eth2.7", link: "eth2", id: 7 }] });
      bridge("br2", {
        addresses: [],
        uplink: [{ kind: "nic", name: "eth3", vlans: { untagged: 1, tagged: [10, 20] } }],
        vlanFiltering: { guests: 10 },
      });
      bridge("br3", {
        addresses: "keep",
        dhcp: true,
        uplink: [{ bond: { ports: ["eth4"] } }, { vlan: { link: "eth5", id: 9 } }],
      });
      bridge("br4", { addresses: ["10.4.0.1/24"], assigned: ["10.4.0.9/24"], uplink: [] });
    });
    assert.deepEqual(switches(topology), [
      "kvm1: br2, bridge, filters VLANs, eth3 (VLAN 1, VLANs 10, 20 tagged) on behind eth3",
      "kvm1: br1, bridge, eth2.7 (VLAN 7 of eth2) on behind eth2.7",
      "kvm1: br3, bridge, DHCP, DHCPv6, routed, bond0 (eth4), eth5.9 (VLAN 9 of eth5) on LAN",
      "kvm1: br0, bridge, 10.0.0.7/24, DHCP, routed, bond0 (eth0 + eth1, 802.3ad) on LAN",
      "kvm1: br4, bridge, 10.4.0.1/24, routed",
    ]);
  });

  it("takes networks on a bridge for that bridge, macvtap for a wire, and draws what the stack does not declare", () => {
    const topology = withHost((state, host) => {
      const network = (name: string, shape: object) =>
        state.object("Network", name, { connection: local, name, ...shape }, host);
      state.object("LinuxBridge", "br0", { name: "br0", addresses: [], uplink: ["eth0"] }, host);
      network("lan", {
        mode: "bridge",
        bridge: "br0",
        vlans: { untagged: 5 },
        portGroups: [{ name: "dmz", vlans: { untagged: 6 } }],
      });
      network("old", { mode: "bridge", bridge: "br9" });
      network("direct", { mode: "macvtap", uplinks: ["eth7", "eth8"] });
      network("lab", {
        mode: "nat",
        bridge: "virbr4",
        ipv4: "10.9.0.0/24",
        domain: { name: "lab.test" },
        active: false,
      });
      state.guest("a", {
        nics: [{ network: "lan" }, { network: "lan", portGroup: "dmz", linkState: "down", isolated: true }],
      });
      state.guest("b", {
        nics: [{ network: "old" }, { bridge: "br9" }, { network: "direct" }, { network: "foreign" }],
      });
      state.guest("c", { nics: [{ bridge: "virbr4", vlans: { untagged: 8, tagged: [] } }] });
    });
    assert.deepEqual(switches(topology), [
      "kvm1: direct, macvtap, eth7, eth8 on behind eth7",
      "kvm1: br0, bridge, as lan, eth0 on behind eth0",
      "kvm1: lab, nat, 10.9.0.0/24, domain lab.test, not running, routed",
      "kvm1: br9, bridge, as old, undeclared",
      "kvm1: foreign, network, undeclared",
    ]);
    assert.deepEqual(guests(topology), [
      `kvm1: a, vm, running, br0 ${defaultMac("a", 0)} VLAN 5, br0 ${defaultMac("a", 1)} dmz VLAN 6 isolated cable out`,
      `kvm1: b, vm, running, br9 ${defaultMac("b", 0)}, br9 ${defaultMac("b", 1)}, direct ${defaultMac("b", 2)}, foreign ${defaultMac("b", 3)}`,
      `kvm1: c, vm, running, lab ${defaultMac("c", 0)} VLAN 8`,
    ]);
  });

  it("gives a guest the address that its network keeps for it", () => {
    const topology = withHost((state, host) => {
      const hosts = [
        { ip: "10.0.0.5", mac: "52:54:00:00:00:05" },
        { ip: "fd00::6", name: "six" },
      ];
      state.object("Network", "lab", { connection: local, name: "lab", hosts }, host);
      state.object("Network", "other", { connection: local, name: "other" }, host);
      state.guest("five", { nics: [{ network: "lab", mac: "52:54:00:00:00:05" }] });
      state.guest("six", { nics: [{ network: "lab" }, { network: "other", mac: "52:54:00:00:00:05" }] });
    });
    assert.deepEqual(guests(topology), [
      "kvm1: five, vm, running, lab 10.0.0.5",
      "kvm1: six, vm, running, lab fd00::6, other 52:54:00:00:00:05",
    ]);
  });

  it("sorts guests as people count, and says how they were found, else how they shall be", () => {
    const topology = withHost((state) => {
      for (const name of ["web-10", "web-2"]) state.guest(name, {});
      const adopted = { connection: local, adopt: "legacy" };
      state.object("Domain", "legacy", { ...adopted, name: "legacy" });
      state.object("Domain", "old", { ...adopted, name: "old", power: "paused" });
      state.guest("stopped", { state: "running", power: "shutoff" });
    });
    assert.deepEqual(guests(topology), [
      "kvm1: legacy, vm, unknown",
      "kvm1: old, vm, paused",
      "kvm1: stopped, vm, shutoff",
      "kvm1: web-2, vm, running",
      "kvm1: web-10, vm, running",
    ]);
  });

  it("tells what is published by the guest it is for, else by the network around, else by the host", () => {
    const topology = withHost((state, host) => {
      const lab = { connection: local, name: "lab", mode: "nat", ipv4: "10.0.0.0/24", ipv6: "fd00::/64" };
      state.object("Network", "lab", lab, host);
      state.guest("web", { nics: [{ network: "lab" }], addresses: [{ nic: 0, ipv4: ["10.0.0.5"], ipv6: [] }] });
      state.guest("db", { nics: [{ network: "lab" }] });
      const forward = (name: string, shape: object, parent?: string) =>
        state.object("PortForward", name, { machine: { kind: "local" }, ...shape }, parent);
      const component = state.resources.find(({ urn }) => urn.endsWith("Guest::db"))!.urn;
      forward("by-address", {
        to: ["10.0.0.5"],
        ports: [
          { host: 8080, guest: 80 },
          { host: "9000-9010", protocol: "udp" },
        ],
      });
      forward(
        "by-component",
        { to: ["10.0.0.66"], ports: [{ host: 5432, address: "192.0.2.1", interface: "br1" }] },
        component,
      );
      forward("around", { to: ["fd00::9"], ports: [{ host: 53 }], active: false });
      forward("elsewhere", { to: ["172.16.0.9"], ports: [{ host: 25 }] });
    });
    assert.deepEqual(guests(topology), [
      `kvm1: db, vm, running, lab ${defaultMac("db", 0)}, 192.0.2.1:5432 on br1 → 5432/tcp`,
      "kvm1: web, vm, running, lab 10.0.0.5, 8080 → 80/tcp, 9000-9010 → 9000-9010/udp",
    ]);
    assert.deepEqual(topology.hosts[0]!.switches[0]!.details, ["53 → [fd00::9]:53/tcp (off)"]);
    assert.equal(topology.hosts[0]!.facts.at(-1), "25 → 172.16.0.9:25/tcp");
  });

  it("knows a host by its address or the folder of its sockets, and names it as the program does", () => {
    const state = new State();
    const host = state.host("first", "qemu+unix:///system?socket=/run/first/libvirt-sock");
    state.guest("a", { connection: "lxc+unix:///system?socket=/run/first/virtlxcd-sock" });
    state.guest("b", { connection: "qemu+unix:///system?socket=/run/second/libvirt-sock" });
    state.guest("c", { connection: "qemu+ssh://root@[fd00::3]:2222/system?keyfile=/root/key" });
    state.guest("d", { connection: "qemu+ssh://admin@[fd00::3]:2222/system" });
    const machine = { kind: "ssh", host: "fd00::3", port: 2222 };
    state.object("LinuxBridge", "e", { machine, name: "br7", uplink: ["eth0"], addresses: [] });
    state.object("LinuxBridge", "f", { machine: { kind: "local" }, name: "br8", uplink: [], addresses: [] }, host);
    assert.deepEqual(
      read(state).hosts.map(({ name, connections, guests, switches }) => [
        name,
        connections,
        [...switches, ...guests].map((each) => each.name),
      ]),
      [
        [
          "fd00::3",
          ["qemu+ssh://root@[fd00::3]:2222/system", "qemu+ssh://admin@[fd00::3]:2222/system"],
          ["br7", "c", "d"],
        ],
        ["first", ["qemu+unix:///system", "lxc+unix:///system"], ["br8", "a"]],
        ["this machine", ["qemu+unix:///system"], ["b"]],
      ],
    );
  });

  it("has nothing to show of a stack without hosts, networks and guests", () => {
    const state = new State();
    state.component("pulumi-kvm:host:KvmHost", "kvm1");
    state.object("File", "page", { machine: { kind: "local" } });
    assert.equal(readTopology("lab", readState(state.text(), "test")), undefined);
    assert.equal(readTopology("lab", []), undefined);
  });

  it("passes over what has another shape than it knows", () => {
    const topology = withHost((state, host) => {
      state.object(
        "LinuxBridge",
        "br0",
        { name: 5, uplink: { eth: 0 }, addresses: [1, "10.0.0.1/24"], config: [] },
        host,
      );
      state.object("Network", "net", { connection: local, hosts: [{ ip: 7 }], mode: null, ipv4: {} }, host);
      state.object("Domain", "odd", { connection: local, nics: [5, { network: "net" }], addresses: {}, memory: [] });
    });
    assert.deepEqual(switches(topology), ["kvm1: br0, bridge, 10.0.0.1/24, routed", "kvm1: net, nat, routed"]);
    assert.deepEqual(guests(topology), [`kvm1: odd, vm, running, net ${defaultMac("odd", 0)}`]);
  });
});
