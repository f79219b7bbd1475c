import fc from "fast-check";
import { State } from "./states";

const name = fc.oneof(
  fc.stringMatching(/^[a-zW][a-z0-9-]{0,20}$/),
  fc.string({ minLength: 1, maxLength: 60, unit: "grapheme" }),
);
const ip = fc.oneof(fc.ipV4(), fc.ipV6());

const bridge = fc.record({
  name: fc.constantFrom("br0", "br1", "br2", "br-storage"),
  uplink: fc.array(
    fc.constantFrom(
      { kind: "nic", name: "eth0" },
      { kind: "nic", name: "enp175s0f0np0", vlans: { tagged: [10, 20, 30] } },
      { kind: "bond", name: "bond0", ports: ["eth0", "eth1"], mode: "active-backup" },
      { kind: "vlan", name: "eth1.100", link: "eth1", id: 100 },
    ),
    { maxLength: 2 },
  ),
  addresses: fc.array(fc.constantFrom("192.168.1.2/24", "10.0.0.2/8", "fd00::2/64", "203.0.113.2/29"), {
    maxLength: 3,
  }),
});
const network = fc.record({
  name,
  mode: fc.constantFrom("nat", "route", "isolated", "open", "bridge", "macvtap"),
  uplink: fc.option(fc.constantFrom("eth0", "eth5"), { nil: undefined }),
  bridge: fc.option(fc.constantFrom("br0", "br1", "virbr7"), { nil: undefined }),
  ipv4: fc.option(fc.constant("192.168.122.0/24"), { nil: undefined }),
  ipv6: fc.option(fc.constant("fd00:122::/64"), { nil: undefined }),
});
const guest = fc.record({
  name,
  group: fc.option(name, { nil: undefined }),
  state: fc.constantFrom("running", "paused", "shutoff"),
  kind: fc.constantFrom("lxc", undefined),
  nics: fc.array(
    fc.record({
      to: fc.nat(6),
      addresses: fc.array(ip, { maxLength: 4 }),
      linkState: fc.constantFrom("up", "down"),
      portGroup: fc.option(name, { nil: undefined }),
    }),
    { maxLength: 5 },
  ),
});
const host = fc.record({
  name,
  bridges: fc.uniqueArray(bridge, { maxLength: 4, selector: (each) => each.name }),
  networks: fc.uniqueArray(network, { maxLength: 5, selector: (each) => each.name }),
  guests: fc.array(guest, { maxLength: 16 }),
});

type Shape<T> = T extends fc.Arbitrary<infer Value> ? Value : never;

function stateOf(hosts: readonly Shape<typeof host>[]): State {
  const state = new State();
  hosts.forEach((each, at) => {
    const connection = `qemu+ssh://root@kvm${at}/system`;
    const component = state.host(each.name, connection);
    for (const shape of each.bridges) state.object("LinuxBridge", `${at}-${shape.name}`, shape, component);
    for (const shape of each.networks)
      state.object("Network", `${at}-${shape.name}`, { connection, ...shape }, component);
    const plugs = [
      ...each.bridges.map(({ name }) => ({ bridge: name })),
      ...each.networks.map(({ name }) => ({ network: name })),
    ];
    const groups = new Map<string, string>();
    each.guests.forEach(({ group, nics, ...shape }, place) => {
      if (group !== undefined && !groups.has(group))
        groups.set(group, state.component("pulumi-kvm:guest:GuestGroup", group));
      state.guest(
        `${shape.name} ${at} ${place}`,
        {
          ...shape,
          name: `${shape.name}${place}`,
          connection,
          nics: nics.map(({ to, linkState, portGroup }) => ({
            ...(plugs[to] ?? { network: "elsewhere" }),
            linkState,
            portGroup,
          })),
          addresses: nics.map(({ addresses }, nic) => ({
            nic,
            ipv4: addresses.filter((address) => !address.includes(":")),
            ipv6: addresses.filter((address) => address.includes(":")),
          })),
        },
        group === undefined ? undefined : groups.get(group),
      );
    });
  });
  return state;
}

/** Stacks of up to seven hosts, in which names, addresses and wiring are anything that a state could hold. */
export const stacks = fc.uniqueArray(host, { minLength: 1, maxLength: 7, selector: (each) => each.name }).map(stateOf);
