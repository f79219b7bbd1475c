import type { RawResource } from "../../../scripts/topology/state";

const project = "urn:pulumi:lab::pulumi-kvm";

/** What no program says, but the host. */
const found: { [kind: string]: string[] } = {
  Host: ["libvirtVersion", "cpus", "memory", "accelerator"],
  LinuxBridge: ["assigned", "config"],
  Domain: ["addresses", "power"],
};

/** Builds what `pulumi stack export` writes, resource by resource. */
export class State {
  readonly resources: RawResource[] = [
    { urn: `${project}::pulumi:pulumi:Stack::pulumi-kvm-lab`, type: "pulumi:pulumi:Stack" },
  ];

  /** A component; returns its URN. */
  component(type: string, name: string, parent?: string): string {
    return this.add(type, name, { parent });
  }

  /** An object of a host, of this kind of dynamic resource; returns its URN. */
  object(kind: string, name: string, outputs: object, parent?: string): string {
    const inputs = Object.entries(outputs).filter(
      ([field, value]) => value !== undefined && !found[kind]?.includes(field),
    );
    return this.add(`pulumi-nodejs:dynamic/kvm:${kind}`, name, {
      custom: true,
      parent,
      inputs: Object.fromEntries(inputs),
      outputs: { ...outputs },
    });
  }

  /** A KvmHost with its facts; returns its URN. */
  host(name: string, connection: string): string {
    const component = this.component("pulumi-kvm:host:KvmHost", name);
    const facts = { libvirtVersion: "9.0.0", cpus: 16, memory: 67_108_864_000, accelerator: "kvm" };
    this.object("Host", name, { connection, machine: { kind: "local" }, ...facts }, component);
    return component;
  }

  /** A guest as the component makes it; returns the domain's URN. */
  guest(name: string, outputs: object, parent?: string): string {
    const component = this.component("pulumi-kvm:guest:Guest", name, parent);
    const defaults = { connection: "qemu:///system", memory: "512MiB", vcpus: 1, state: "running" };
    return this.object("Domain", name, { ...defaults, name, ...outputs }, component);
  }

  text(): string {
    return JSON.stringify({ version: 3, deployment: { resources: this.resources } });
  }

  private add(type: string, name: string, rest: Partial<RawResource>): string {
    const parents = rest.parent?.split("::").at(2);
    const chain = parents ? `${parents}$${type}` : type;
    const urn = `${project}::${chain}::${name}`;
    this.resources.push({ urn, type, ...rest });
    return urn;
  }
}

function addresses(...each: string[][]): object[] {
  return each.map((list, nic) => ({
    nic,
    ipv4: list.filter((address) => !address.includes(":")),
    ipv6: list.filter((address) => address.includes(":")),
  }));
}

/** A NAT network and two guests, as in stacks/dev.ts. */
export function dev(): State {
  const state = new State();
  const host = state.host("local", "qemu:///system");
  const component = state.component("pulumi-kvm:network:NatNetwork", "local-dev", host);
  state.object(
    "Network",
    "local-dev",
    {
      connection: "qemu:///system",
      name: "dev",
      mode: "nat",
      bridge: "virbr1",
      ipv4: "192.168.190.0/24",
      ipv4Address: "192.168.190.1",
      ipv6: "fd00:190::/64",
      ipv6Address: "fd00:190::1",
    },
    component,
  );
  state.guest("dev-app", {
    memory: "384MiB",
    nics: [{ network: "dev" }],
    addresses: addresses(["192.168.190.152", "fd00:190::39c"]),
  });
  state.guest("dev-web", {
    memory: "384MiB",
    nics: [{ network: "dev" }],
    addresses: addresses(["192.168.190.21", "fd00:190::1a7"]),
  });
  state.object("PortForward", "web", {
    name: "web",
    machine: { kind: "local" },
    connection: "qemu:///system",
    to: ["192.168.190.21"],
    ports: [{ host: 8080, guest: 80, protocol: "tcp" }],
    active: true,
  });
  return state;
}

const bridge0 = {
  name: "br0",
  uplink: "eth0",
  addresses: ["192.168.155.32/24", "fd00:155::32/64"],
  gateway: ["192.168.155.1", "fd00:155::1"],
  mac: "52:54:00:aa:00:01",
};

const bridge1 = { name: "br1", uplink: "eth1", addresses: [], mac: "52:54:00:aa:00:02" };

function serverRoom(state: State, name: string, connection: string, own: object): void {
  const host = state.host(name, connection);
  const machine = { kind: "ssh", host: name };
  state.object("LinuxBridge", `${name}-br0`, { machine, ...bridge0, ...own }, host);
  state.object("LinuxBridge", `${name}-br1`, { machine, ...bridge1 }, host);
  const networks = [
    {
      name: "default",
      mode: "nat",
      bridge: "virbr0",
      ipv4: "192.168.122.0/24",
      ipv4Address: "192.168.122.1",
      ipv6: "fd00:122::/64",
      ipv6Address: "fd00:122::1",
    },
    {
      name: "backend",
      mode: "isolated",
      bridge: "virbr1",
      ipv4: "10.10.0.0/24",
      ipv4Address: "10.10.0.1",
      ipv6: "fd00:10::/64",
      ipv6Address: "fd00:10::1",
    },
  ];
  for (const network of networks) state.object("Network", `${name}-${network.name}`, { connection, ...network }, host);
}

/** One host with br0 and br1, a NAT and an isolated network, IPv6, guests on one, two and three of them. */
export function datacenter(): State {
  const state = new State();
  const connection = "qemu:///system";
  serverRoom(state, "kvm1", connection, {});
  const lxc = { connection: "lxc:///system", kind: "lxc", memory: "128MiB" };
  const guest = (name: string, nics: object[], seen: string[][], more: object = {}, parent?: string) =>
    state.guest(name, { nics, addresses: addresses(...seen), ...more }, parent);
  guest("www", [{ bridge: "br1" }], [["203.0.113.10", "2001:db8:1::10"]], lxc);
  guest("mail", [{ bridge: "br1" }], [["203.0.113.11", "2001:db8:1::11"]], lxc);
  guest(
    "firewall",
    [{ bridge: "br1" }, { bridge: "br0" }],
    [
      ["203.0.113.2", "2001:db8:1::2"],
      ["192.168.155.2", "fd00:155::2"],
    ],
    { memory: "1GiB", vcpus: 2 },
  );
  guest("files", [{ bridge: "br0" }], [["192.168.155.40", "fd00:155::40"]], { memory: "4GiB", vcpus: 2 });
  guest("printer", [{ bridge: "br0", mac: "52:54:00:00:00:17" }], [[]], { ...lxc, state: "shutoff" });
  const group = state.component("pulumi-kvm:guest:GuestGroup", "app");
  for (const number of [1, 2, 3])
    guest(
      `app-${number}`,
      [{ network: "default" }, { network: "backend" }],
      [
        [`192.168.122.1${number}`, `fd00:122::1${number}`],
        [`10.10.0.1${number}`, `fd00:10::1${number}`],
      ],
      lxc,
      group,
    );
  guest("build", [{ network: "default" }], [["192.168.122.77", "fd00:122::77"]], {
    memory: "8GiB",
    vcpus: 8,
    state: "paused",
  });
  guest("db", [{ network: "backend" }], [["10.10.0.20", "fd00:10::20"]], { memory: "4GiB", vcpus: 4 });
  guest(
    "monitor",
    [{ bridge: "br0" }, { network: "default" }, { network: "backend" }],
    [["192.168.155.50", "fd00:155::50"], ["192.168.122.50"], ["10.10.0.50"]],
    lxc,
  );
  return state;
}

/** Two hosts with br0 on one LAN and br1 each. */
export function twoHosts(): State {
  return hosts(2);
}

export function sixHosts(): State {
  return hosts(6);
}

function hosts(count: number): State {
  const state = new State();
  for (let number = 1; number <= count; number++) {
    const connection = `qemu+ssh://root@kvm${number}.example.org/system`;
    serverRoom(state, `kvm${number}`, connection, {
      addresses: [`192.168.155.3${number}/24`],
      gateway: "192.168.155.1",
    });
    const group = state.component("pulumi-kvm:tier:WebTier", `web-${number}`);
    for (const at of [1, 2])
      state.guest(
        `web-${number}${at}`,
        { connection, nics: [{ bridge: "br0" }], addresses: addresses([`192.168.155.1${number}${at}`]) },
        group,
      );
    state.guest(`edge-${number}`, {
      connection,
      nics: [{ bridge: "br1" }, { bridge: "br0" }],
      addresses: addresses([`203.0.113.${number}`], [`192.168.155.${number}`]),
    });
    state.guest(`job-${number}`, { connection, nics: [{ network: "default" }] });
  }
  return state;
}

/** Fifty guests on one host. */
export function fifty(): State {
  const state = new State();
  const connection = "qemu:///system";
  serverRoom(state, "kvm1", connection, {});
  const groups = ["web", "app", "worker"].map((name) => state.component("pulumi-kvm:guest:GuestGroup", name));
  for (let at = 1; at <= 50; at++) {
    const place = at % 10;
    const nics =
      place < 4
        ? [{ bridge: "br0" }]
        : place < 6
          ? [{ network: "default" }]
          : place < 8
            ? [{ network: "default" }, { network: "backend" }]
            : place < 9
              ? [{ bridge: "br0" }, { network: "backend" }]
              : [{ bridge: "br1" }];
    const name = ["web", "app", "worker"][at % 3]!;
    state.guest(
      `${name}-${Math.ceil(at / 3)}`,
      {
        connection: at % 2 ? "lxc:///system" : connection,
        kind: at % 2 ? "lxc" : undefined,
        nics,
        addresses: addresses(...nics.map((_, nic) => [`10.${nic}.0.${at}`, `fd00:${nic}::5054:ff:fe00:${at}`])),
      },
      groups[at % 3],
    );
  }
  return state;
}
