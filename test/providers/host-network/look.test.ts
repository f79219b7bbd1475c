import assert from "node:assert/strict";
import { parseLook } from "../../../providers/host-network/look";

/** What LOOK prints, of these sections; a number is the exit code of one that failed. */
function printed(sections: { [name: string]: unknown }): string {
  const all: { [name: string]: unknown } = {
    user: "0\n",
    links: "[]",
    addresses: "[]",
    routes4: "[]",
    routes6: "[]",
    ...sections,
  };
  return Object.entries(all)
    .map(([name, value]) => {
      if (typeof value === "number") return `\x1e${name}\n\x1f${value}`;
      return `\x1e${name}\n${typeof value === "string" ? value : JSON.stringify(value)}\x1f0`;
    })
    .join("");
}

// As iproute2 6.1 printed it on a Debian 12 host, without what nobody reads.
const eth0 = {
  ifindex: 2,
  ifname: "eth0",
  flags: ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
  mtu: 1500,
  qdisc: "noqueue",
  operstate: "UP",
  link_type: "ether",
  address: "62:21:cf:0d:5a:f0",
  broadcast: "ff:ff:ff:ff:ff:ff",
  linkinfo: { info_kind: "veth" },
  inet6_addr_gen_mode: "eui64",
};
const addresses = [
  {
    family: "inet",
    local: "10.9.0.32",
    prefixlen: 24,
    broadcast: "10.9.0.255",
    scope: "global",
    label: "eth0",
    valid_life_time: 4294967295,
    preferred_life_time: 4294967295,
  },
  {
    family: "inet",
    local: "10.8.0.1",
    address: "10.8.0.2",
    prefixlen: 32,
    metric: 33,
    scope: "global",
    dynamic: true,
    noprefixroute: true,
    label: "eth0",
    valid_life_time: 1000,
    preferred_life_time: 500,
  },
  {
    family: "inet6",
    local: "fd09:1::5",
    prefixlen: 64,
    scope: "global",
    home: true,
    tentative: true,
    dynamic: true,
    mngtmpaddr: true,
    valid_life_time: 1000,
    preferred_life_time: 500,
  },
  {
    family: "inet6",
    local: "fe80::6021:cfff:fe0d:5af0",
    prefixlen: 64,
    scope: "link",
    nodad: true,
    valid_life_time: 4294967295,
    preferred_life_time: 4294967295,
  },
];

describe("a look at a host's network", () => {
  it("has its links with their addresses", () => {
    const { links } = parseLook(
      printed({
        links: [eth0],
        addresses: [{ ...eth0, addr_info: addresses }],
        sysctls: "/proc/sys/net/ipv6/conf/eth0/accept_ra:1\n/proc/sys/net/ipv6/conf/eth0.7/accept_ra:2\n",
        clients: "dhclient -4 -pf /run/dhclient.eth0.pid -lf /var/lib/dhcp/dhclient.eth0.leases eth0 \n",
      }),
    );
    const plain = {
      peer: undefined,
      metric: undefined,
      broadcast: undefined,
      valid: undefined,
      preferred: undefined,
      protocol: undefined,
    };
    assert.deepEqual(links, [
      {
        name: "eth0",
        kind: "veth",
        up: true,
        carrier: true,
        mtu: 1500,
        mac: "62:21:cf:0d:5a:f0",
        master: undefined,
        parent: undefined,
        generation: "eui64",
        alias: undefined,
        acceptRa: 1,
        clients: [4],
        addresses: [
          {
            ...plain,
            family: 4,
            local: "10.9.0.32",
            length: 24,
            broadcast: "10.9.0.255",
            scope: "global",
            label: "eth0",
            flags: [],
          },
          {
            ...plain,
            family: 4,
            local: "10.8.0.1",
            length: 32,
            peer: "10.8.0.2",
            metric: 33,
            scope: "global",
            label: "eth0",
            valid: 1000,
            preferred: 500,
            flags: ["noprefixroute"],
          },
          {
            ...plain,
            family: 6,
            local: "fd09:1::5",
            length: 64,
            scope: "global",
            label: undefined,
            valid: 1000,
            preferred: 500,
            flags: ["mngtmpaddr", "home"],
          },
          {
            ...plain,
            family: 6,
            local: "fe80::6021:cfff:fe0d:5af0",
            length: 64,
            scope: "link",
            label: undefined,
            flags: [],
          },
        ],
      },
    ]);
  });

  it("has bridges, bonds and VLANs with what was set of them", () => {
    const { links } = parseLook(
      printed({
        links: [
          {},
          {
            ...eth0,
            ifname: "br0",
            flags: ["BROADCAST", "MULTICAST"],
            ifalias: "pulumi-kvm:1",
            linkinfo: {
              info_kind: "bridge",
              info_data: {
                forward_delay: 1500,
                hello_time: 200,
                max_age: 2000,
                ageing_time: 60000,
                stp_state: 1,
                priority: 32768,
                vlan_filtering: 1,
                vlan_default_pvid: 7,
                mcast_snooping: 0,
              },
            },
          },
          {
            ...eth0,
            ifname: "bond0",
            master: "br0",
            linkinfo: {
              info_kind: "bond",
              info_data: { mode: "802.3ad", miimon: 100, ad_lacp_rate: "fast", xmit_hash_policy: "layer2+3" },
            },
          },
          {
            ...eth0,
            ifname: "eth1.7",
            link: "eth1",
            linkinfo: { info_kind: "vlan", info_data: { protocol: "802.1Q", id: 7 } },
          },
        ],
        vlans: [
          { ifname: "br0", vlans: [{ vlan: 10, flags: ["PVID", "Egress Untagged"] }] },
          {
            ifname: "bond0",
            vlans: [
              { vlan: 10, flags: ["PVID", "Egress Untagged"] },
              { vlan: 20, vlanEnd: 22 },
            ],
          },
        ],
      }),
    );
    const [br0, bond0, vlan] = links;
    assert.deepEqual(br0!.bridge, {
      stp: true,
      forwardDelay: 1500,
      vlanFiltering: true,
      defaultVlan: 7,
      others: [
        ["ageing_time", "60000"],
        ["mcast_snooping", "0"],
      ],
    });
    assert.deepEqual([br0!.up, br0!.carrier, br0!.alias], [false, false, "pulumi-kvm:1"]);
    assert.deepEqual(br0!.vlans, [{ id: 10, pvid: true, untagged: true }]);
    assert.deepEqual(
      bond0!.vlans!.map(({ id, pvid }) => [id, pvid]),
      [
        [10, true],
        [20, false],
        [21, false],
        [22, false],
      ],
    );
    assert.deepEqual(bond0!.bond, {
      mode: "802.3ad",
      miimon: 100,
      primary: undefined,
      lacpRate: "fast",
      hashPolicy: "layer2+3",
    });
    assert.deepEqual(vlan!.vlan, { link: "eth1", id: 7 });
  });

  it("has routes of all kinds, and knows which Linux makes itself", () => {
    const route = {
      type: "unicast",
      dst: "10.9.0.0/24",
      dev: "eth0",
      table: "main",
      protocol: "kernel",
      scope: "link",
      flags: [],
    };
    const look = parseLook(
      printed({
        links: [eth0],
        addresses: [{ ...eth0, addr_info: [{ ...addresses[0], noprefixroute: true }, addresses[2]] }],
        routes4: [
          { ...route, prefsrc: "10.9.0.32", metric: 100 },
          {
            ...route,
            dst: "10.60.0.1",
            gateway: "192.0.2.1",
            table: "100",
            protocol: "boot",
            scope: "global",
            flags: ["onlink"],
            metrics: [{ mtu: 1400 }],
          },
          {
            ...route,
            dst: "10.77.0.0/16",
            dev: undefined,
            protocol: "boot",
            nexthops: [
              { gateway: "10.9.0.7", dev: "eth0", weight: 2, flags: [] },
              { gateway: "10.9.0.8", dev: "eth1", weight: 1, flags: [] },
            ],
          },
          { ...route, dst: "10.78.0.0/16", via: { family: "inet6", host: "fd09::1" }, protocol: "boot" },
          { ...route, type: "local", dst: "10.9.0.32", table: "local", scope: "host" },
          { ...route, type: "blackhole", dst: "10.79.0.0/16", dev: undefined, protocol: "boot" },
          { ...route, dst: "10.80.0.0/16", protocol: "boot", encap: "mpls" },
        ],
        routes6: [
          { ...route, dst: "fd09:1::/64", metric: 256, pref: "medium" },
          { ...route, dst: "default", gateway: "fe80::1", protocol: "ra", metric: 1024, expires: 1700, pref: "high" },
        ],
      }),
    );
    assert.deepEqual(
      look.routes.map(({ to, hops, automatic, unknown, metrics, expires }) => [
        to,
        hops.map(({ via, device, weight, onlink }) => `${via} ${device} ${weight} ${onlink}`).join(),
        automatic === true,
        ...[...unknown, ...metrics.flat(), ...(expires ? [expires] : [])],
      ]),
      [
        ["10.9.0.0/24", "undefined eth0 1 false", false],
        ["10.60.0.1/32", "192.0.2.1 eth0 1 true", false, "mtu", "1400"],
        ["10.77.0.0/16", "10.9.0.7 eth0 2 false,10.9.0.8 eth1 1 false", false],
        ["10.78.0.0/16", "fd09::1 eth0 1 false", false],
        ["10.9.0.32/32", "undefined eth0 1 false", true],
        ["10.79.0.0/16", "", false],
        ["10.80.0.0/16", "undefined eth0 1 false", false, "encap"],
        ["fd09:1::/64", "undefined eth0 1 false", true],
        ["default", "fe80::1 eth0 1 false", false, 1700],
      ],
    );
  });

  it("has what else decides: who asks, from where, and what is taken", () => {
    const look = parseLook(
      printed({
        user: "1000\n",
        rules4: [{ priority: 0, src: "all", table: "local" }],
        programs: "ip\nbridge\n",
        kinds: "vlan\n",
        client: "192.168.155.10 50000 192.168.155.32 22\n",
        last: "0123456789abcdef\n",
        stage: "fedcba9876543210 applied\n",
        before: JSON.stringify({ links: [], routes: [] }),
        networks: `<network>
  <name>default</name>
  <bridge name='virbr0' stp='on' delay='0'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'/>
  <ip family='ipv6' address='fd00:122::1' prefix='64'/>
</network>
<network><name>lan</name><forward mode='bridge'/><bridge name='br0'/></network>`,
      }),
    );
    const { root, rules, programs, kinds, entrance, last, change, before, networks } = look;
    assert.deepEqual(
      { root, rules, programs: [...programs], kinds: [...kinds], entrance, last, change, before, networks },
      {
        root: false,
        rules: ["0: src all table local"],
        programs: ["ip", "bridge"],
        kinds: ["vlan"],
        entrance: "192.168.155.32",
        last: "0123456789abcdef",
        change: { token: "fedcba9876543210", stage: "applied" },
        before: { links: [], routes: [] },
        networks: [
          { name: "default", bridge: "virbr0", subnets: ["192.168.122.1/24", "fd00:122::1/64"] },
          { name: "lan", bridge: undefined, subnets: [] },
        ],
      },
    );
  });

  it("does without what a host does not have", () => {
    const { links, routes, entrance, change, last } = parseLook(
      printed({ routes6: 1, vlans: 127, client: 1, last: 1, stage: 1, before: 1, networks: "" }),
    );
    assert.deepEqual(
      { links, routes, entrance, change, last },
      { links: [], routes: [], entrance: undefined, change: undefined, last: "" },
    );
  });

  it("says what is too old to be understood", () => {
    assert.throws(() => parseLook(printed({ links: "1: lo: <LOOPBACK>" })), {
      message: "what `ip -j link` prints is not understood. Fix: install iproute2 4.20 or later on the host",
    });
    assert.throws(() => parseLook(printed({ links: 127 })), /what `ip -j link` prints is not understood/);
  });
});
