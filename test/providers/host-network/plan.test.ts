import assert from "node:assert/strict";
import fc from "fast-check";
import type { Kernel, Route } from "../../../providers/host-network/kernel";
import type { BridgeConfig } from "../../../providers/host-network/model";
import { affected, part, plan } from "../../../providers/host-network/plan";
import { resolve } from "../../../providers/host-network/resolve";
import { differences } from "../../../providers/host-network/differences";
import { restoration, transition, type Step } from "../../../providers/host-network/transition";
import { withdrawal } from "../../../providers/host-network/withdrawal";
import { batch } from "../../../providers/host-network/words";
import { gatewayComplaints, type LinuxBridgeInputs } from "../../../providers/schema/linux-bridge";
import { PlayedKernel } from "./played-kernel";
import { inputs, ip, nic, route } from "./small-kernel";

const host: Kernel = {
  links: [
    nic("eth0", [
      ip("192.168.155.32/24", { broadcast: "192.168.155.255" }),
      ip("192.168.155.33/24"),
      ip("fd00:155::32/64"),
      ip("fe80::1/64"),
    ]),
    nic("eth1", [ip("fe80::2/64")]),
  ],
  routes: [
    route("default", "192.168.155.1", "eth0", { metric: 100 }),
    route("10.0.0.0/8", "192.168.155.2", "eth0", {
      table: "100",
      source: "192.168.155.33",
      metrics: [["mtu", "1400"]],
    }),
    route("default", "fd00:155::1", "eth0"),
  ],
};

function lines(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => [
    `-- ${step.tool}${step.lenient ? ", lenient" : ""}`,
    ...step.lines.map((words) => words.join(" ")),
  ]);
}

/** The host after the change. */
function after(from: Kernel, steps: readonly Step[]): Kernel {
  const played = new PlayedKernel(from);
  played.run(steps);
  return played.now;
}

describe("the plan of a bridge", () => {
  it("moves the uplink's addresses and routes onto it in one batch", () => {
    const config = resolve(inputs(), host);
    const { from, to } = plan(host, config, undefined, { alias: "pulumi-kvm:1" });
    assert.deepEqual(lines(transition(from, to)), [
      "-- ip",
      "link add name br0 address 02:00:00:00:00:00 type bridge stp_state 0 forward_delay 0",
      "-- sysctl",
      "/proc/sys/net/ipv6/conf/br0/accept_ra 2",
      "-- ip",
      "link set dev eth0 addrgenmode none",
      "link set dev br0 mtu 1500",
      "link set dev br0 alias pulumi-kvm:1",
      "link set dev br0 up",
      "addr add 192.168.155.32/24 broadcast 192.168.155.255 dev br0",
      "addr add 192.168.155.33/24 dev br0",
      "addr add fd00:155::32/64 dev br0 nodad",
      "addr add fe80::1/64 dev br0 nodad",
      "link set dev eth0 master br0",
      "route append default via 192.168.155.1 dev br0 proto static metric 100",
      "route append default via fd00:155::1 dev br0 proto static metric 1024",
      "route append 10.0.0.0/8 via 192.168.155.2 dev br0 proto static table 100 src 192.168.155.33 mtu 1400",
      "route del default via 192.168.155.1 dev eth0 proto static metric 100",
      "route del 10.0.0.0/8 via 192.168.155.2 dev eth0 proto static table 100 src 192.168.155.33",
      "route del default via fd00:155::1 dev eth0 proto static metric 1024",
      "addr del fe80::1/64 dev eth0",
      "addr del fd00:155::32/64 dev eth0",
      "addr del 192.168.155.33/24 dev eth0",
      "addr del 192.168.155.32/24 dev eth0",
    ]);
  });

  it("has nothing to do the second time", () => {
    const config = resolve(inputs(), host);
    const { from, to } = plan(host, config);
    const now = after(host, transition(from, to));
    const again = resolve(inputs(), now, config);
    assert.deepEqual(again, config);
    assert.deepEqual(transition(...two(plan(now, again, config))), []);
  });

  it("changes in place what changes", () => {
    const made = bridged(inputs({ addresses: ["192.168.155.32/24"], gateway: ["192.168.155.1"] }));
    const news = inputs({
      addresses: ["192.168.155.32/24", "192.168.155.40/24"],
      gateway: ["192.168.155.1"],
      uplink: [
        { kind: "nic", name: "eth0" },
        { kind: "nic", name: "eth1" },
      ],
      mtu: 9000,
    });
    const config = resolve(news, made.now, made.config);
    assert.deepEqual(lines(transition(...two(plan(made.now, config, made.config)))), [
      "-- ip",
      "link set dev eth0 mtu 9000",
      "link set dev eth1 mtu 9000",
      "link set dev eth1 addrgenmode none",
      "link set dev br0 mtu 9000",
      "addr add 192.168.155.40/24 broadcast 192.168.155.255 dev br0",
      "link set dev eth1 master br0",
      "addr del fe80::2/64 dev eth1",
    ]);
  });

  it("leaves guests' ports and others' addresses and routes on it alone", () => {
    const made = bridged(inputs());
    const now = structuredClone(made.now);
    now.links.push(nic("vnet0", [], { kind: "tun", master: "br0" }));
    now.links.find(({ name }) => name === "br0")!.addresses.push(ip("10.1.0.1/24"));
    now.routes.push(route("10.2.0.0/16", "10.1.0.2", "br0"));
    const config = resolve(inputs({ addresses: ["192.168.155.32/24"] }), now, made.config);
    const { from, to } = plan(now, config, made.config);
    const changed = after(now, transition(from, to));
    assert.equal(changed.links.find(({ name }) => name === "vnet0")!.master, "br0");
    assert.deepEqual(
      changed.links.find(({ name }) => name === "br0")!.addresses.map(({ local }) => local),
      ["192.168.155.32", "fe80::1", "10.1.0.1"],
    );
    assert.ok(changed.routes.some(({ to }) => to === "10.2.0.0/16"));
  });

  it("gives a bridge without addresses no part in the network", () => {
    const config = resolve(inputs({ name: "br1", uplink: [{ kind: "nic", name: "eth1" }], addresses: [] }), host);
    const { from, to } = plan(host, config);
    const bridge = after(host, transition(from, to)).links.find(({ name }) => name === "br1")!;
    assert.deepEqual([bridge.generation, bridge.acceptRa, bridge.addresses], ["none", 0, []]);
  });

  it("makes bonds of NICs that are down, and VLANs of links", () => {
    const config = resolve(
      inputs({
        uplink: [
          { kind: "bond", name: "bond0", ports: ["eth0", "eth1"], mode: "active-backup", miimon: 100, primary: "eth1" },
          { kind: "vlan", name: "eth2.7", link: "eth2", id: 7 },
        ],
      }),
      { ...host, links: [...host.links, nic("eth2")] },
    );
    const all = { ...host, links: [...host.links, nic("eth2")] };
    const { from, to } = plan(all, config);
    const steps = transition(from, to);
    assert.deepEqual(lines(steps.slice(0, 1)), [
      "-- ip",
      "link add name bond0 address 02:00:00:00:00:00 type bond mode active-backup miimon 100",
      "link add link eth2 name eth2.7 type vlan id 7",
      "link add name br0 address 02:00:00:00:00:00 type bridge stp_state 0 forward_delay 0",
    ]);
    const now = after(all, steps);
    assert.deepEqual(
      now.links.map(({ name, master, up }) => [name, master, up]),
      [
        ["eth0", "bond0", true],
        ["eth1", "bond0", true],
        ["eth2", undefined, true],
        ["bond0", "br0", true],
        ["eth2.7", "br0", true],
        ["br0", undefined, true],
      ],
    );
    assert.deepEqual(transition(...two(plan(now, config, config))), []);
    const back = withdrawal(now, config, part(all, ["eth0", "eth1", "bond0", "eth2.7"]));
    assert.deepEqual(differences(all, after(now, transition(back.from, back.to))), []);
  });

  it("puts every port into its VLANs before the bridge begins to filter", () => {
    const config = resolve(
      inputs({
        uplink: [{ kind: "nic", name: "eth0", vlans: { untagged: 10, tagged: [20, 30] } }],
        vlanFiltering: { host: 10, guests: 20 },
      }),
      host,
    );
    const { from, to } = plan(host, config);
    const steps = transition(from, to);
    assert.deepEqual(lines(steps.slice(3)), [
      "-- bridge",
      "vlan add dev eth0 vid 10 pvid untagged",
      "vlan add dev eth0 vid 20",
      "vlan add dev eth0 vid 30",
      "vlan add dev br0 vid 10 pvid untagged self",
      "-- bridge, lenient",
      "vlan del dev br0 vid 20 self",
      "-- ip",
      "link set dev br0 type bridge vlan_filtering 1",
    ]);
    const now = after(host, steps);
    assert.deepEqual(transition(...two(plan(now, config, config))), []);
    const none = resolve(inputs(), now, config);
    const off = after(now, transition(...two(plan(now, none, config))));
    assert.equal(off.links.find(({ name }) => name === "br0")!.bridge!.vlanFiltering, false);
  });

  it("switches spanning tree on and off in an order that Linux takes", () => {
    const made = bridged(inputs());
    const stp = resolve(inputs({ stp: true, forwardDelay: 4 }), made.now, made.config);
    const on = after(made.now, transition(...two(plan(made.now, stp, made.config))));
    const none = resolve(inputs(), on, stp);
    const off = after(on, transition(...two(plan(on, none, stp))));
    assert.deepEqual(differences(made.now, off), []);
  });

  it("gives the uplinks back what they had, also after changes in place", () => {
    const made = bridged(inputs());
    const news = inputs({ addresses: ["192.168.155.32/24", "192.168.155.99/24"], gateway: ["192.168.155.7"] });
    const config = resolve(news, made.now, made.config);
    const changed = after(made.now, transition(...two(plan(made.now, config, made.config))));
    const { from, to } = withdrawal(changed, config, part(host, ["eth0"]));
    assert.deepEqual(differences(host, after(changed, transition(from, to))), []);
  });

  it("moves the bridge's own addresses back where nobody knows what was before", () => {
    const made = bridged(inputs());
    const { from, to } = withdrawal(made.now, made.config, undefined);
    assert.deepEqual(differences(host, after(made.now, transition(from, to))), []);
  });

  it("takes lent addresses and routes along, with what is left of their lives", () => {
    const lent: Kernel = {
      links: [
        nic("eth0", [
          ip("192.168.155.120/24", { valid: 3000, preferred: 3000 }),
          ip("2001:db8::5/64", { valid: 80000, preferred: 10000, flags: ["mngtmpaddr"] }),
          ip("fe80::1/64"),
        ]),
      ],
      routes: [
        route("default", "192.168.155.1", "eth0", { protocol: "boot" }),
        route("default", "fe80::9", "eth0", { protocol: "ra", expires: 1700 }),
      ],
    };
    const config = resolve(inputs(), lent);
    assert.deepEqual(config.addressing, {
      addresses: [],
      dhcp4: true,
      dhcp6: false,
      acceptRa: true,
      dns: [],
      search: [],
      routes: [],
    });
    const { from, to } = plan(lent, config);
    const steps = transition(from, to);
    const moved = lines(steps).filter((line) => /^(addr|route) (add|append)/.test(line));
    assert.deepEqual(moved, [
      "addr add 192.168.155.120/24 dev br0 valid_lft 3000 preferred_lft 3000",
      "addr add 2001:db8::5/64 dev br0 valid_lft 80000 preferred_lft 10000 mngtmpaddr nodad",
      "addr add fe80::1/64 dev br0 nodad",
      "route append default via 192.168.155.1 dev br0 proto boot",
      "route append default via fe80::9 dev br0 proto ra metric 1024 expires 1700",
    ]);
    // An announcement that comes meanwhile is no failure.
    const learned = lines(steps.filter(({ lenient }) => lenient)).filter((line) => line.startsWith("route append"));
    assert.deepEqual(learned, moved.slice(-1));
  });

  it("writes no word that a batch file would read in another way", () => {
    for (const word of ["a b", "a\nlink del eth0", 'a"b', "a#b", ""])
      assert.throws(() => batch([["link", "set", word]]), /cannot be a word of a batch file/);
  });
});

describe("what a plan does", () => {
  const addresses = fc.uniqueArray(
    fc.constantFrom(
      "10.0.0.5/24",
      "10.0.0.6/24",
      "10.0.0.7/24",
      "10.0.1.5/24",
      "10.9.0.1/16",
      "fd00::5/64",
      "fd00:1::6/64",
    ),
  );
  const routes = fc.uniqueArray(
    fc.constantFrom<Route>(
      route("default", "10.0.0.1", "eth0"),
      route("10.7.0.0/16", "10.0.1.1", "eth0", { source: "10.0.1.5" }),
      route("10.8.0.0/16", "10.0.0.2", "eth0", { table: "7", metric: 5, source: "10.0.0.6" }),
      route("default", "fd00::1", "eth0"),
      route("10.6.0.0/16", "10.0.0.3", "eth0", {
        hops: [
          { via: "10.0.0.3", device: "eth0", weight: 2, onlink: false },
          { via: "10.0.0.4", device: "eth1", weight: 1, onlink: false },
        ],
      }),
    ),
  );
  const hosts = fc.record({ addresses, routes }).map(({ addresses, routes }): Kernel => ({
    links: [nic("eth0", [...addresses.map((text) => ip(text)), ip("fe80::1/64")]), nic("eth1", [ip("10.5.0.1/24")])],
    routes: routes.filter(
      ({ source }) => source === undefined || addresses.some((one) => one.startsWith(`${source}/`)),
    ),
  }));
  const declared = fc.record({
    uplink: fc.constantFrom<LinuxBridgeInputs["uplink"]>(
      [{ kind: "nic", name: "eth0" }],
      [
        { kind: "nic", name: "eth1" },
        { kind: "nic", name: "eth0" },
      ],
      [{ kind: "bond", name: "bond0", ports: ["eth0", "eth1"], mode: "active-backup", miimon: 100 }],
      [{ kind: "vlan", name: "eth0.9", link: "eth0", id: 9 }],
      [],
    ),
    addresses: fc.oneof(fc.constant("keep" as const), addresses),
    gateway: fc.option(fc.constantFrom<string[]>(["10.0.0.1"], ["10.0.0.9", "fd00::1"]), { nil: undefined }),
    stp: fc.boolean(),
    mtu: fc.constantFrom(undefined, 1400, 9000),
    vlanFiltering: fc.constantFrom(undefined, {}, { host: 3, guests: 4 }),
    acceptRa: fc.constantFrom(undefined, true, false),
  });

  it("ends in what was planned, and comes back from every point of the way", () => {
    fc.assert(
      fc.property(hosts, declared, declared, (host, first, second) => {
        let now = host;
        let earlier: BridgeConfig | undefined;
        for (const { gateway, ...rest } of [first, second]) {
          const given = rest.addresses === "keep" ? [] : rest.addresses;
          const fits = gateway && gatewayComplaints(gateway, given, undefined).length === 0;
          const each = fits ? { ...rest, gateway } : rest;
          const config = resolve(inputs(each), now, earlier);
          const { from, to } = plan(now, config, earlier);
          const steps = transition(from, to);
          batch(steps.flatMap((step) => step.lines));
          const done = after(now, steps);
          assert.deepEqual(transition(part(done, affected(config, earlier)), to), []);
          assert.deepEqual(transition(...two(plan(done, resolve(inputs(each), done, config), config))), []);
          const undo = restoration(to, from);
          for (let most = 0; most <= steps.flatMap((step) => step.lines).length; most++) {
            const played = new PlayedKernel(now);
            played.run(steps, most);
            played.run(undo);
            assert.deepEqual(differences(now, played.now), [], `after ${most} lines of\n${lines(steps).join("\n")}`);
          }
          [now, earlier] = [done, config];
        }
        const { from, to } = withdrawal(now, earlier!, part(host, affected(earlier!)));
        const gone = after(now, transition(from, to));
        assert.ok(!gone.links.some(({ name }) => name === "br0"));
        const again = new PlayedKernel(gone);
        again.run(restoration(to, from));
        assert.deepEqual(differences(now, again.now), []);
      }),
      { numRuns: 40 },
    );
  });
});

function two({ from, to }: { from: Kernel; to: Kernel }): [Kernel, Kernel] {
  return [from, to];
}

/** A host with a bridge of these inputs. */
function bridged(of: LinuxBridgeInputs): { now: Kernel; config: BridgeConfig } {
  const config = resolve(of, host);
  return { now: after(host, transition(...two(plan(host, config)))), config };
}
