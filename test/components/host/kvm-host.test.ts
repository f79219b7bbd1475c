import assert from "node:assert/strict";
import { hostname } from "node:os";
import { assertAccepted, computeOutputs, find, ofKind, run, tree, valueOf } from "../mocks";
import { KvmHost, Volume } from "../../../components";

describe("KvmHost", () => {
  before(computeOutputs);

  it("is this machine with one pool, when nothing is said", async () => {
    let host!: KvmHost;
    const made = await run(() => (host = new KvmHost("kvm1")));
    assertAccepted(made);
    assert.deepEqual(tree(made), [
      "KvmHost kvm1",
      "KvmHost kvm1 > Host kvm1",
      "KvmHost kvm1 > StoragePool kvm1-images",
    ]);
    assert.deepEqual(find("Host", "kvm1", made).inputs, {
      connection: "qemu:///system",
      machine: { kind: "local" },
      directories: ["/var/lib/libvirt/images"],
      needs: { networkFilters: true },
      subnets: [],
    });
    assert.deepEqual(find("StoragePool", "kvm1-images", made).inputs, {
      connection: "qemu:///system",
      owner: `pulumi-kvm/test/kvm1-images of ${hostname()}:${process.cwd()}`,
      name: "images",
      path: "/var/lib/libvirt/images",
    });
    assert.equal(host.connection, "qemu:///system");
    assert.deepEqual(host.machine, { kind: "local" });
    assert.equal(await valueOf(host.pool().name), "images");
  });

  it("makes its networks and pools under their own names, after the host was looked at", async () => {
    const made = await run(
      () =>
        new KvmHost("kvm1", {
          connection: { uri: "qemu+ssh://admin@kvm1:2222/system" },
          networks: {
            lab: { mode: "nat", ipv4: "192.168.150.0/24", ipv6: "fd00:150::/64", domain: "lab.test" },
            six: { ipv6: "fd00:151::/64" },
          },
          pools: { fast: { path: "/srv/fast" }, bulk: { path: "/srv/bulk", autostart: false } },
        }),
    );
    assertAccepted(made);
    assert.deepEqual(tree(made), [
      "KvmHost kvm1",
      "KvmHost kvm1 > Host kvm1",
      "KvmHost kvm1 > NatNetwork kvm1-lab",
      "KvmHost kvm1 > NatNetwork kvm1-six",
      "KvmHost kvm1 > StoragePool kvm1-bulk",
      "KvmHost kvm1 > StoragePool kvm1-fast",
      "NatNetwork kvm1-lab > Network kvm1-lab",
      "NatNetwork kvm1-six > Network kvm1-six",
    ]);
    const connection = "qemu+ssh://admin@kvm1:2222/system";
    assert.deepEqual(find("Host", "kvm1", made).inputs, {
      connection,
      machine: { kind: "ssh", host: "kvm1", user: "admin", port: 2222 },
      directories: ["/srv/fast", "/srv/bulk"],
      needs: { networkFilters: true },
      subnets: [
        { name: "lab", subnet: "192.168.150.0/24", mode: "nat" },
        { name: "lab", subnet: "fd00:150::/64", mode: "nat" },
        { name: "six", subnet: "fd00:151::/64" },
      ],
    });
    assert.deepEqual(find("Network", "kvm1-lab", made).inputs, {
      connection,
      owner: `pulumi-kvm/test/kvm1-lab of ${hostname()}:${process.cwd()}`,
      machine: { kind: "ssh", host: "kvm1", user: "admin", port: 2222 },
      name: "lab",
      mode: "nat",
      ipv4: "192.168.150.0/24",
      ipv6: "fd00:150::/64",
      domain: "lab.test",
    });
    assert.equal(find("StoragePool", "kvm1-bulk", made).inputs["autostart"], false);
    const waiting = [...ofKind("StoragePool", made), ...ofKind("NatNetwork", made)];
    assert.deepEqual(new Set(waiting.flatMap(({ dependencies }) => dependencies)), new Set(["Host kvm1"]));
    assert.equal(waiting.length, 4);
  });

  it("makes a network of every mode", async () => {
    const made = await run(
      () =>
        new KvmHost("kvm1", {
          networks: {
            dmz: { mode: "route", ipv4: "10.20.0.0/24", uplink: "br0" },
            backend: { mode: "isolated", ipv4: "10.22.0.0/24", dhcp: false },
            cable: { mode: "isolated" },
            own: { mode: "open", ipv4: "10.21.0.0/24" },
            lan: { mode: "bridge", bridge: "br0", isolatedPorts: true },
            direct: { mode: "macvtap", uplinks: ["eth0", "eth1"], macvtapMode: "private" },
          },
        }),
    );
    assertAccepted(made);
    assert.deepEqual(
      ofKind("Network", made)
        .map(({ parent, inputs }) => `${parent}: ${inputs["name"]}, ${inputs["mode"]}`)
        .sort(),
      [
        "BridgedNetwork kvm1-lan: lan, bridge",
        "IsolatedNetwork kvm1-backend: backend, isolated",
        "IsolatedNetwork kvm1-cable: cable, isolated",
        "MacvtapNetwork kvm1-direct: direct, macvtap",
        "OpenNetwork kvm1-own: own, open",
        "RoutedNetwork kvm1-dmz: dmz, route",
      ],
    );
    assert.deepEqual(find("Host", "kvm1", made).inputs["subnets"], [
      { name: "dmz", subnet: "10.20.0.0/24", mode: "route" },
      { name: "backend", subnet: "10.22.0.0/24", mode: "isolated" },
      { name: "own", subnet: "10.21.0.0/24", mode: "open" },
    ]);
  });

  it("makes a network on one of its bridges when the bridge is there", async () => {
    const made = await run(() => {
      const networks = { lan: { mode: "bridge" as const, bridge: "br0" } };
      return new KvmHost("kvm1", { bridges: { br0: { uplink: "eth0" } }, networks });
    });
    assertAccepted(made);
    const { inputs, dependencies } = find("Network", "kvm1-lan", made);
    assert.equal(inputs["bridge"], "br0");
    assert.ok(dependencies.includes("LinuxBridge kvm1-br0"));
  });

  it("hands out the pool that is declared first, and each by its name", async () => {
    let host!: KvmHost;
    await run(() => (host = new KvmHost("kvm1", { pools: { b: { path: "/srv/b" }, a: { path: "/srv/a" } } })));
    assert.equal(await valueOf(host.defaultPool.name), "b");
    assert.equal(await valueOf(host.pool().name), "b");
    assert.equal(await valueOf(host.pool("a").name), "a");
  });

  it("adopts pools and networks that are there", async () => {
    const made = await run(
      () =>
        new KvmHost("kvm1", {
          networks: { default: { adopt: "default", ipv4: "192.168.122.0/24" } },
          pools: { images: { adopt: "images", path: "/var/lib/libvirt/images" } },
        }),
    );
    assertAccepted(made);
    assert.equal(find("Network", "kvm1-default", made).inputs["adopt"], "default");
    assert.equal(find("Network", "kvm1-default", made).inputs["name"], "default");
    assert.equal(find("StoragePool", "kvm1-images", made).inputs["adopt"], "images");
  });

  it("takes the machine that is given over the connection's", async () => {
    const machine = { kind: "ssh", host: "kvm1", sudo: true } as const;
    const made = await run(() => new KvmHost("kvm1", { connection: { uri: "qemu+tls://kvm1/system" }, machine }));
    assertAccepted(made);
    assert.deepEqual(find("Host", "kvm1", made).inputs["machine"], machine);
  });

  const bad: [string, () => unknown, RegExp][] = [
    [
      "misspelt fields",
      () => new KvmHost("kvm1", { netwroks: {} } as object),
      /^KvmHost kvm1: unknown field "netwroks"; did you mean "networks"\? Allowed: connection, machine, bridges, networks, macPool, antiSpoofing, pools, filesystems$/,
    ],
    [
      "misspelt fields of the connection",
      () => new KvmHost("kvm1", { connection: { url: "qemu:///system" } } as object),
      /^KvmHost kvm1: connection: unknown field "url"; did you mean "uri"\? Allowed: uri$/,
    ],
    [
      "another kind of network",
      () => new KvmHost("kvm1", { networks: { lab: { mode: "routed", ipv4: "10.0.0.0/24" } } } as object),
      /^KvmHost kvm1: networks\.lab\.mode: got "routed"\. Allowed: "nat", "route", "isolated", "open", "bridge", "macvtap"$/,
    ],
    [
      "a beginning of MAC addresses that is too short",
      () => new KvmHost("kvm1", { macPool: "52:54" }),
      /^KvmHost kvm1: macPool: got "52:54"\. Allowed: the first 3 to 5 bytes, an even one first, e\.g\. "52:54:00:1a"$/,
    ],
    [
      "MAC addresses of groups",
      () => new KvmHost("kvm1", { macPool: "53:54:00" }),
      /^KvmHost kvm1: macPool: 53:54:00 begins addresses of groups\. Allowed: /,
    ],
    [
      "a connection without a machine",
      () => new KvmHost("kvm1", { connection: { uri: "qemu+tls://kvm1/system" } }),
      /^KvmHost kvm1: qemu\+tls:\/\/kvm1\/system carries libvirt only\. Fix: say where commands run, machine: \{ kind: "ssh", host: "\.\.\." \}$/,
    ],
    [
      "a host without a pool",
      () => new KvmHost("kvm1", { pools: {} }),
      /^KvmHost kvm1: pools is empty\. Fix: name one, or leave pools out for the default$/,
    ],
    [
      "a pool that is not declared",
      () => new KvmHost("kvm1", { pools: { a: { path: "/srv/a" }, b: { path: "/srv/b" } } }).pool("c"),
      /^KvmHost kvm1: there is no pool "c"\. Declared: a, b$/,
    ],
    [
      "a network that is not declared",
      () => new KvmHost("kvm1").network("constructor"),
      /^KvmHost kvm1: there is no network "constructor"\. Declared: none$/,
    ],
  ];
  for (const [what, program, message] of bad)
    it(`refuses ${what}`, async () => {
      await assert.rejects(run(program), (error: Error) => message.test(error.message) || assert.fail(error.message));
    });

  it("gives volumes a pool to be in", async () => {
    const made = await run(() => {
      const host = new KvmHost("kvm1");
      return new Volume("data", { pool: host.pool().name, capacity: "1GiB" });
    });
    assertAccepted(made);
    assert.equal(find("Volume", "data", made).inputs["pool"], "images");
    assert.deepEqual(find("Volume", "data", made).dependencies, ["StoragePool kvm1-images"]);
  });
});
