type Values = { [field: string]: unknown };

/** One change of a field whose class depends on more than the field: what it is like, and the two objects. */
export interface Probe {
  when: string;
  olds: Values;
  news: Values;
}

function probe(when: string, olds: Values, news: Values): Probe {
  return { when, olds, news: { ...olds, ...news } };
}

const guest = { name: "web", state: "running" };
const disk = { path: "/a", name: "vda", device: "disk" };
const data = { path: "/b", name: "vdb", device: "disk" };
const cdrom = { path: "/c.iso", device: "cdrom" };
const nic = { network: "lab", mac: "52:54:00:00:00:01" };
const eth0 = { kind: "nic", name: "eth0" };
const machine = [
  probe("another way to the same machine", { machine: ssh("web") }, { machine: { ...ssh("web"), user: "admin" } }),
  probe("another machine", { machine: ssh("web") }, { machine: ssh("db") }),
];

function ssh(host: string) {
  return { kind: "ssh", host };
}

/**
 * Changes that show what the rules which are functions make of them, by kind and field. The classes are not written
 * here: the handlers' own tables give them.
 */
export const probes: { [kind: string]: { [field: string]: Probe[] } } = {
  Domain: {
    memory: [
      probe("up to `maxMemory`", { ...guest, memory: "1GiB", maxMemory: "4GiB" }, { memory: "2GiB" }),
      probe("above it", { ...guest, memory: "1GiB", maxMemory: "4GiB" }, { memory: "8GiB" }),
    ],
    maxMemory: [probe("", { ...guest, memory: "1GiB", maxMemory: "4GiB" }, { maxMemory: "8GiB" })],
    vcpus: [
      probe("more, up to `maxVcpus`", { ...guest, vcpus: 2, maxVcpus: 4 }, { vcpus: 3 }),
      probe("above it", { ...guest, vcpus: 2, maxVcpus: 4 }, { vcpus: 8 }),
      probe("fewer", { ...guest, vcpus: 2, maxVcpus: 4 }, { vcpus: 1 }),
    ],
    maxVcpus: [probe("", { ...guest, vcpus: 2, maxVcpus: 4 }, { maxVcpus: 8 })],
    accelerator: [
      probe('to "auto", or the one in use', { ...guest, accelerator: "tcg" }, { accelerator: "auto" }),
      probe("to another", { ...guest, accelerator: "auto", acceleratorInUse: "tcg" }, { accelerator: "kvm" }),
    ],
    disks: [
      probe("plugged in", { ...guest, disks: [disk] }, { disks: [disk, data] }),
      probe("plugged out", { ...guest, disks: [disk, data] }, { disks: [disk] }),
      probe("another medium", { ...guest, disks: [disk, cdrom] }, { disks: [disk, { ...cdrom, path: "/d.iso" }] }),
      probe("the first one goes", { ...guest, disks: [disk, data] }, { disks: [data] }),
      probe("a cdrom comes or goes", { ...guest, disks: [disk] }, { disks: [disk, cdrom] }),
      probe("another file", { ...guest, disks: [disk] }, { disks: [{ ...disk, path: "/z" }] }),
      probe("cache, bus, ...", { ...guest, disks: [disk] }, { disks: [{ ...disk, cache: "none" }] }),
    ],
    nics: [
      probe("plugged in", { ...guest, nics: [] }, { nics: [nic] }),
      probe("plugged out", { ...guest, nics: [nic] }, { nics: [] }),
      probe("another network", { ...guest, nics: [nic] }, { nics: [{ ...nic, network: "dmz" }] }),
      probe("link", { ...guest, nics: [nic] }, { nics: [{ ...nic, linkState: "down" }] }),
      probe(
        "bandwidth",
        { ...guest, nics: [nic] },
        { nics: [{ ...nic, bandwidth: { inbound: { average: "1MiB" } } }] },
      ),
      probe("port group, isolation, filter", { ...guest, nics: [nic] }, { nics: [{ ...nic, filter: { name: "a" } }] }),
      probe("vlans", { ...guest, nics: [nic] }, { nics: [{ ...nic, vlans: { untagged: 7 } }] }),
      probe("model", { ...guest, nics: [nic] }, { nics: [{ ...nic, model: "e1000" }] }),
      probe("mtu", { ...guest, nics: [nic] }, { nics: [{ ...nic, mtu: 9000 }] }),
    ],
    state: [
      probe('to "running" or "paused"', guest, { state: "paused" }),
      probe('to "shutoff"', guest, { state: "shutoff" }),
    ],
  },
  Network: {
    active: [
      probe("to true", { active: false }, { active: true }),
      probe("to false", { active: true }, { active: false }),
    ],
  },
  Volume: {
    capacity: [
      probe("grows", { capacity: "1GiB" }, { capacity: "2GiB" }),
      probe("shrinks", { capacity: "2GiB" }, { capacity: "1GiB" }),
    ],
    source: [
      probe("another path with the same `sha256`", source("a", "0"), source("b", "0")),
      probe("else", source("a", "0"), source("b", "1")),
    ],
  },
  LinuxBridge: {
    machine,
    uplink: [
      probe("one more", { uplink: [eth0] }, { uplink: [eth0, { ...eth0, name: "eth1" }] }),
      probe("one fewer, or another", { uplink: [eth0] }, { uplink: [{ ...eth0, name: "eth1" }] }),
    ],
    addresses: [
      probe("one more", { addresses: ["10.0.0.1/8"] }, { addresses: ["10.0.0.1/8", "10.0.0.2/8"] }),
      probe("one fewer, or another", { addresses: ["10.0.0.1/8"] }, { addresses: ["10.0.0.2/8"] }),
    ],
    stp: [probe("on", { stp: false }, { stp: true }), probe("off", { stp: true }, { stp: false })],
  },
  File: { machine },
  Command: { machine },
  Service: { machine },
  Package: { machine },
  PortForward: { machine },
  GuestBackup: { machine },
  PostgresInstance: {
    machine,
    primary: [
      probe("given", {}, { primary: { address: "192.0.2.1" } }),
      probe("taken away", { primary: { address: "192.0.2.1" } }, { primary: undefined }),
    ],
  },
  Restore: { machine },
  DiskRestore: { machine },
  RpmImage: {
    packages: [
      probe(
        "the same from another place",
        { packages: [{ path: "a", sha256: "0" }] },
        { packages: [{ path: "b", sha256: "0" }] },
      ),
      probe("others", { packages: [{ path: "a", sha256: "0" }] }, { packages: [{ path: "a", sha256: "1" }] }),
    ],
  },
  AppServer: { machine },
  RootFilesystem: { machine },
  TomcatServer: { machine },
  WildFlyServer: { machine },
};

function source(path: string, sha256: string) {
  return { source: { path, sha256 } };
}

/** For every other rule that is a function: two values that differ, of an object that runs. */
export function plainProbe(field: string): Probe {
  return probe("", { ...guest, [field]: "a" }, { [field]: "b" });
}

const local = { kind: "local" };
const images = { machine: local, directory: "/srv/images" };

/** Two smallest sets of arguments of every kind: what both leave out and the schema fills in alike is a default. */
export const samples: { [kind: string]: [Values, Values] } = {
  BootstrapImage: [images, { ...images, suite: "noble" }],
  CloudImage: [
    { ...images, url: "https://example.org/a.qcow2", checksum: `sha256:${"0".repeat(64)}` },
    { ...images, url: "https://example.org/b.qcow2", checksum: `sha256:${"1".repeat(64)}` },
  ],
  CloudInitSeed: [
    { ...images, name: "a" },
    { ...images, name: "b" },
  ],
  Command: [
    { machine: local, create: ["true"] },
    { machine: local, create: ["false"] },
  ],
  DhcpReservation: [
    { network: "lab", mac: "52:54:00:00:00:01", ipv4: "192.168.150.20" },
    { network: "dmz", mac: "52:54:00:00:00:02", ipv4: "192.168.151.20" },
  ],
  DiskRestore: [
    { machine: local, from: local, repository: "/srv/backup/a", to: "/srv/a" },
    { machine: local, from: local, repository: "/srv/backup/b", to: "/srv/b", disk: "vdb", at: "yesterday" },
  ],
  Domain: [
    { name: "web", memory: "1GiB" },
    { name: "db", memory: "2GiB" },
  ],
  File: [
    { machine: local, path: "/a", content: "a" },
    { machine: local, path: "/b", source: "b" },
  ],
  GuestBackup: [
    { machine: local, connection: "qemu:///system", guest: "a", name: "a", target: "/srv/backup" },
    {
      machine: local,
      connection: "qemu+ssh://root@b/system",
      guest: "b",
      name: "b",
      target: "/srv/b",
      keep: { last: 2 },
    },
  ],
  HaproxyServer: [
    {
      machine: local,
      name: "a",
      farms: { www: { port: 80, members: [{ name: "a", address: "192.0.2.1", port: 80 }] } },
    },
    {
      machine: local,
      name: "b",
      farms: { www: { port: 81, members: [{ name: "b", address: "192.0.2.2", port: 80 }] } },
    },
  ],
  Host: [{}, { connection: "qemu+ssh://kvm1/session" }],
  KeepalivedServer: [
    {
      machine: local,
      name: "a",
      source: "192.0.2.1",
      peers: ["192.0.2.2"],
      routers: { a: { id: 1, addresses: ["192.0.2.3/24"] } },
    },
    {
      machine: local,
      name: "b",
      source: "192.0.2.2",
      peers: ["192.0.2.1"],
      routers: { b: { id: 2, addresses: ["192.0.2.4/24"] } },
    },
  ],
  LinuxBridge: [
    { machine: local, name: "br0", uplink: "eth0" },
    { machine: local, name: "br1", addresses: [] },
  ],
  Network: [
    { name: "a", ipv4: "192.168.122.0/24", ipv6: "fd00:122::/64" },
    { name: "b", ipv4: "192.168.123.0/24", ipv6: "2001:db8::/64" },
  ],
  NetworkFilter: [{ name: "a" }, { name: "b" }],
  Package: [
    { machine: local, names: ["a"] },
    { machine: local, names: ["b"] },
  ],
  PortForward: [
    { machine: local, name: "a", to: ["192.168.122.10"], ports: [{ host: 80 }] },
    { machine: local, name: "b", to: ["fd00:122::10"], ports: [{ host: 443 }] },
  ],
  AppServer: [
    { machine: local, name: "a", source: "a", content: "1", command: ["./a"] },
    { machine: local, name: "b", source: "b", content: "2", command: ["./b"], port: 8081 },
  ],
  PostgresInstance: [
    { machine: local, slot: "a" },
    { machine: local, slot: "b", port: 5433 },
  ],
  Restore: [
    { machine: local, from: local, repository: "/srv/backup/a" },
    { machine: local, from: ssh("b"), repository: "/srv/backup/b" },
  ],
  RootFilesystem: [
    { machine: local, name: "a", source: "/srv/a" },
    { machine: local, name: "b", source: "/srv/b" },
  ],
  RpmImage: [
    {
      ...images,
      packages: [{ path: "a.rpm", sha256: "0".repeat(64) }],
      architecture: "x86_64",
      repositories: { a: { baseurl: "https://example.org/a", gpgcheck: false, repo_gpgcheck: false } },
    },
    {
      ...images,
      packages: [{ path: "b.rpm", sha256: "1".repeat(64) }],
      architecture: "aarch64",
      repositories: { a: { baseurl: "https://example.org/b", gpgcheck: false, repo_gpgcheck: false } },
    },
  ],
  AcmeAccount: [{}, { bits: 4096 }],
  AcmeClient: [
    { machine: local, name: "a", accountKey: "a", certificates: { "a.example.org": ["a.example.org"] } },
    { machine: ssh("b"), name: "b", accountKey: "b", certificates: { "b.example.org": ["b.example.org"] } },
  ],
  SelfSignedCertificate: [{ names: ["a.example.org"] }, { names: ["b.example.org"] }],
  Service: [
    { machine: local, name: "a" },
    { machine: local, name: "b" },
  ],
  StoragePool: [
    { name: "a", path: "/srv/a" },
    { name: "b", path: "/srv/b" },
  ],
  TarBackup: [
    { machine: local, name: "a", paths: ["/a"], target: "/srv/backup" },
    { machine: local, name: "b", paths: ["/b"], target: { host: "b", path: "/srv/backup" } },
  ],
  TomcatServer: [
    { machine: local, name: "a", route: "a", applications: {} },
    { machine: local, name: "b", route: "b", applications: {}, connectors: [{ port: 8081 }] },
  ],
  Volume: [
    { name: "a", pool: "p", capacity: "1GiB" },
    { name: "b", pool: "p", backing: "/base.qcow2" },
  ],
  WebServer: [
    { machine: local, name: "a", sites: { "a.example.org": {} } },
    { machine: local, name: "b", sites: { "b.example.org": {} } },
  ],
  WildFlyServer: [
    { machine: local, name: "a", route: "a", applications: {} },
    { machine: local, name: "b", route: "b", applications: {}, connectors: [{ port: 8081 }] },
  ],
};
