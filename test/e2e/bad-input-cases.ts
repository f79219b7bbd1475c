export type Args = { [name: string]: unknown };
type Bad = [kind: string, args: Args, ...reasons: (string | RegExp)[]];

const local = { kind: "local" };
export const guest = { name: "g", memory: "64MiB" };
export const subnet = { name: "n", ipv4: "10.213.1.0/24" };
const lease = { ip: "10.213.1.5", mac: "52:54:00:00:00:01" };
const image = { machine: local, directory: "/srv/images" };
const file = { machine: local, path: "/srv/x" };
const duration = 'is not a duration. Allowed: a number with ms, s, m, h or d, e.g. "30s"';
const aSize =
  'is not a size. Allowed: bytes as a whole number, or a number with B, KiB, MiB, GiB, TiB (or kB, MB, GB, TB), e.g. "2GiB"';
const aMac = 'is not a MAC address. Allowed: six pairs of hex digits, e.g. "52:54:00:6b:3c:58"';
const aPath = 'is not an absolute path. Allowed: a path that begins with "/" and has no "." or ".." part';
const aName = 'is not a name. Allowed: letters, digits, "_", ".", "+" and "-", not beginning with "." or "-"';

/** What no host has to be asked about: the whole reason, or what it begins with or matches. */
export const plain: Bad[] = [
  // Misspelt and unknown fields, at every depth.
  [
    "Network",
    { name: "n", ipv44: "10.0.0.0/24" },
    /^ipv44: unknown field "ipv44"; did you mean "ipv4"\? Allowed: connection, machine, name,/,
  ],
  [
    "Network",
    { ...subnet, hosts: [{ ...lease, maac: "x" }] },
    'hosts.0.maac: unknown field "maac"; did you mean "mac"? Allowed: ip, mac, id, name',
  ],
  [
    "Network",
    { ...subnet, dhcpRange: { strat: "10.213.1.9" } },
    'dhcpRange.strat: unknown field "strat"; did you mean "start"? Allowed: start, end, leaseTime',
  ],
  ["StoragePool", { name: "p", path: "/x", pathh: "/y" }, /^pathh: unknown field "pathh"; did you mean "path"\?/],
  [
    "Volume",
    { name: "v", pool: "p", capacity: "1GiB", retian: "keep" },
    /^retian: unknown field "retian"; did you mean "retain"\?/,
  ],
  [
    "Volume",
    { name: "v", pool: "p", source: { path: "/x", sha265: "" } },
    'source.sha265: unknown field "sha265"; did you mean "sha256"? Allowed: path, sha256',
  ],
  ["Domain", { ...guest, memroy: "1GiB" }, /^memroy: unknown field "memroy"; did you mean "memory"\?/],
  [
    "Domain",
    { ...guest, nics: [{ netwrok: "x" }] },
    /^nics\.0\.netwrok: unknown field "netwrok"; did you mean "network"\?/,
  ],
  [
    "Domain",
    { ...guest, nics: [{ network: "n", bandwidth: { inbond: {} } }] },
    'nics.0.bandwidth.inbond: unknown field "inbond"; did you mean "inbound"? Allowed: inbound, outbound',
  ],
  ["Domain", { ...guest, disks: [{ pth: "/x" }] }, /^disks\.0\.pth: unknown field "pth"; did you mean "path"\?/],
  ["Domain", { ...guest, ready: { agnet: true } }, /^ready\.agnet: unknown field "agnet"; did you mean "agent"\?/],
  ["BootstrapImage", { ...image, packges: [] }, /^packges: unknown field "packges"; did you mean "packages"\?/],
  [
    "CloudImage",
    { ...image, url: "https://a.test/x", unverified: true, chekcsum: "" },
    /^chekcsum: unknown field "chekcsum"; did you mean "checksum"\?/,
  ],
  ["File", { ...file, contents: "x" }, /^contents: unknown field "contents"; did you mean "content"\?/],
  [
    "File",
    { ...file, content: "x", machine: { kind: "ssh", host: "h", prot: 1 } },
    'machine.prot: unknown field "prot"; did you mean "port"? Allowed: kind, host, user, port, sudo, options',
  ],
  [
    "Service",
    { machine: local, name: "nginx", restarton: [] },
    /^restarton: unknown field "restarton"; did you mean "restartOn"\?/,
  ],
  ["Command", { machine: local, create: ["true"], envv: {} }, /^envv: unknown field "envv"; did you mean "env"\?/],
  ["Package", { machine: local, names: ["a"], sate: "absent" }, /^sate: unknown field "sate"; did you mean "state"\?/],
  ["Host", { subnet: [] }, /^subnet: unknown field "subnet"; did you mean "subnets"\?/],

  // Addresses, leases.
  [
    "Network",
    { name: "n", ipv4: "10.0.0.0/33" },
    'ipv4: "10.0.0.0/33" is not an IPv4 subnet. Allowed: CIDR notation, e.g. "192.168.122.0/24"',
  ],
  ["Network", { name: "n", ipv4: "10.0.0.5/24" }, 'ipv4: "10.0.0.5/24" has host bits set: the subnet is "10.0.0.0/24"'],
  ["Network", { name: "n", ipv4: 5 }, "ipv4: got 5. Allowed: a string"],
  [
    "Network",
    { ...subnet, mode: "natt" },
    'mode: got "natt"; did you mean "nat"? Allowed: "nat", "route", "isolated", "open", "bridge" or "macvtap"',
  ],
  [
    "Network",
    { ...subnet, hosts: [{ ...lease, ip: "10.9.9.9" }] },
    "hosts: 10.9.9.9 is outside 10.213.1.0/24. Allowed: 10.213.1.1 to 10.213.1.254",
  ],
  [
    "Network",
    { ...subnet, hosts: [lease, { ...lease, mac: "52:54:00:00:00:02" }] },
    "hosts: ip 10.213.1.5 has more than one fixed lease. Fix: keep one",
  ],
  [
    "Network",
    { ...subnet, hosts: [lease, { ...lease, ip: "10.213.1.6" }] },
    "hosts: mac 52:54:00:00:00:01 has more than one fixed lease. Fix: keep one",
  ],
  ["Network", { ...subnet, hosts: [{ ...lease, mac: "52:54" }] }, `hosts.0.mac: "52:54" ${aMac}`],
  ["Network", { ...subnet, hosts: lease }, /^hosts: got \{.*\}\. Allowed: a list$/],
  [
    "Network",
    { ...subnet, dhcpRange: { start: "10.213.1.9", end: "10.213.1.8" } },
    "dhcpRange: 10.213.1.9 to 10.213.1.8 ends before it starts",
  ],
  ["Network", { ...subnet, dhcpRange: { leaseTime: "5 parsecs" } }, `dhcpRange.leaseTime: "5 parsecs" ${duration}`],
  [
    "DhcpReservation",
    { network: "n", mac: lease.mac },
    "ipv4: is required, unless ipv6 is given. Allowed: an address in the network's subnet",
  ],
  [
    "DhcpReservation",
    { network: "n", mac: lease.mac, ipv6: "fd00::5" },
    "ipv6: DHCPv6 does not know guests by mac. Fix: give the name that the guest sends, or its duid",
  ],
  [
    "DhcpReservation",
    { network: "n", mac: lease.mac, ipv4: "fd00::5" },
    'ipv4: "fd00::5" is not an IPv4 address. Allowed: e.g. "192.0.2.10"',
  ],
  [
    "NetworkFilter",
    { name: "f", rules: [{ action: "drop", protocol: "ip", srcIp: "10.0.0.300" }] },
    /^rules\.0\.srcIp: "10\.0\.0\.300" is not an address\. Allowed: an address, a subnet in CIDR notation/,
  ],
  ["Network", { ...subnet, dhcp: "yes" }, 'dhcp: got "yes". Allowed: true or false'],
  [
    "Network",
    { ...subnet, connection: "quemu:///system" },
    /^connection: "quemu:\/\/\/system" is not a libvirt URI\. Allowed: e\.g\. "qemu:\/\/\/system"/,
  ],
  [
    "Domain",
    { ...guest, nics: [{ network: "n", mac: "01:54:00:00:00:01" }] },
    /^nics\.0\.mac: "01:54:00:00:00:01" is a multicast MAC address\. Allowed: an even first byte/,
  ],
  [
    "Domain",
    { ...guest, nics: [lease.mac, lease.mac].map((mac) => ({ network: "n", mac })) },
    "nics.1.mac: 52:54:00:00:00:01 is the address of another NIC of this guest too",
  ],
  [
    "Domain",
    { ...guest, nics: [{}] },
    "nics.0.network: is required. Allowed: network: a libvirt network, or bridge: a host bridge",
  ],

  // Sizes, numbers, durations.
  ["Domain", { ...guest, memory: "lots" }, `memory: "lots" ${aSize}`],
  ["Domain", { ...guest, memory: "100" }, 'memory: "100B" is not a multiple of 1MiB. Allowed: e.g. "512MiB" or "2GiB"'],
  [
    "Domain",
    { ...guest, memory: "128MiB", maxMemory: "64MiB" },
    "maxMemory: 64MiB is less than memory 128MiB. Allowed: at least as much",
  ],
  ["Domain", { name: "g" }, 'memory: is required. Allowed: e.g. "2GiB"'],
  ["Domain", { ...guest, vcpus: 1.5 }, "vcpus: got 1.5. Allowed: a whole number from 1 to 4096"],
  ["Domain", { ...guest, shutdownTimeout: 30 }, `shutdownTimeout: 30 ${duration}`],
  ["Domain", { ...guest, ready: { agent: true, timeout: "5 minutes" } }, `ready.timeout: "5 minutes" ${duration}`],
  ["Domain", { ...guest, ready: { port: 99999 } }, "ready.port: got 99999. Allowed: a whole number from 1 to 65535"],
  [
    "Domain",
    { ...guest, state: "runing" },
    'state: got "runing"; did you mean "running"? Allowed: "running", "paused" or "shutoff"',
  ],
  ["Volume", { name: "v", pool: "p", capacity: "2 gigs" }, `capacity: "2 gigs" ${aSize}`],
  ["Volume", { name: "v", pool: "p", capacity: -5 }, `capacity: -5 ${aSize}`],
  [
    "Volume",
    { name: "v", pool: "p" },
    'capacity: is required where neither backing nor source has one. Allowed: e.g. "10GiB"',
  ],
  [
    "Volume",
    { name: "v", pool: "p", capacity: "1GiB", format: "vmdk" },
    'format: got "vmdk". Allowed: "qcow2" or "raw"',
  ],
  [
    "BootstrapImage",
    { ...image, size: "1MiB" },
    "size: 1MiB is too small for a system. Allowed: at least 512MiB; it is sparse",
  ],
  ["Service", { machine: local, name: "nginx", timeout: "soon" }, `timeout: "soon" ${duration}`],

  // Names and paths.
  ["Domain", { ...guest, name: "a/b" }, `name: "a/b" ${aName}`],
  ["Domain", { ...guest, name: "" }, `name: "" ${aName}`],
  ["Network", { ...subnet, name: "a b" }, `name: "a b" ${aName}`],
  [
    "Network",
    { ...subnet, uplink: "eth0 eth1" },
    'uplink: "eth0 eth1" is not an interface name. Allowed: 1 to 15 characters without blanks, "/" and ":"',
  ],
  ["Volume", { name: "../v", pool: "p", capacity: "1GiB" }, /^name: "\.\.\/v" is not a volume name\. Allowed: letters/],
  ["StoragePool", { name: "p", path: "images" }, `path: "images" ${aPath}`],
  ["StoragePool", { name: "p" }, /^path: is required/],
  ["Domain", { ...guest, disks: [{ path: "rel.qcow2" }] }, `disks.0.path: "rel.qcow2" ${aPath}`],
  ["Domain", { ...guest, disks: [{ path: "/a" }, { path: "/a" }] }, "disks.1.path: /a is given twice"],
  [
    "CloudImage",
    { ...image, url: "ftp://x/y", unverified: true },
    /^url: "ftp:\/\/x\/y" is not the URL of an image\. Allowed: http, https/,
  ],
  [
    "CloudImage",
    { ...image, url: "https://a.test/x" },
    /^checksum: is required: what a server sends is not trusted unseen\. Allowed: /,
  ],
  [
    "BootstrapImage",
    { ...image, packages: ["Nginx!"] },
    /^packages\.0: "Nginx!" is not a package\. Allowed: names as apt knows them/,
  ],
  [
    "File",
    { ...file, content: "x", mode: 644 },
    'mode: 644 is not a mode. Allowed: octal digits in quotes, e.g. "0644"',
  ],
  ["File", { ...file }, "content or source is required, and only one of them"],
  [
    "File",
    { path: "/x", content: "x", machine: "local" },
    /^machine: "local" is not a machine\. Allowed: \{ kind: "local" \}/,
  ],
  [
    "File",
    { ...file, content: "x", machine: { kind: "ssh", host: "-oProxyCommand=x" } },
    /^machine\.host: "-oProxyCommand=x" is not a host\. Allowed: a name/,
  ],
  ["Command", { machine: local, create: "true" }, /^create: is not a list of words\. Allowed: \["program"/],
  ["Package", { machine: local, names: "nginx" }, 'names: is not a list. Allowed: a list of packages, e.g. ["nginx"]'],
  ["Service", { machine: local, name: "nginx; rm" }, /^name: "nginx; rm" is not a service\. Allowed: /],
];
