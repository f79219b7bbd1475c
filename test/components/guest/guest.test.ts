import assert from "node:assert/strict";
import { hostname } from "node:os";
import { assertAccepted, computeOutputs, find, ofKind, run, tree, valueOf } from "../mocks";
import { BootstrapImage, CloudImage, File, Guest, KvmHost, RpmImage, type GuestArgs } from "../../../components";

const kernel = {
  kernel: "/var/lib/libvirt/images/debian.vmlinuz",
  initrd: "/var/lib/libvirt/images/debian.initrd",
};

describe("Guest", () => {
  before(computeOutputs);

  function lab() {
    const host = new KvmHost("kvm1", { networks: { lab: { ipv4: "192.168.150.0/24" } } });
    return { host, image: new BootstrapImage("debian", { host }) };
  }

  it("is a root disk on an image and a domain that waits for image, pool and network", async () => {
    let guest!: Guest;
    const made = await run(() => (guest = new Guest("web", { ...lab(), memory: "512MiB", network: "lab" })));
    assertAccepted(made);
    assert.deepEqual(
      tree(made).filter((line) => line.includes("web")),
      ["Guest web", "Guest web > Domain web", "Guest web > NetworkFilter web-0", "Guest web > Volume web-root"],
    );
    const root = find("Volume", "web-root", made);
    assert.deepEqual(root.inputs, {
      connection: "qemu:///system",
      pool: "images",
      name: "web-3f135bda.qcow2",
      format: "qcow2",
      backing: { path: "/var/lib/libvirt/images/debian.qcow2", format: "qcow2" },
      retain: "delete",
      disruption: "reboot",
    });
    assert.deepEqual(root.dependencies, ["BootstrapImage debian", "StoragePool kvm1-images"]);
    const domain = find("Domain", "web", made);
    assert.deepEqual(domain.inputs, {
      owner: `pulumi-kvm/test/web of ${hostname()}:${process.cwd()}`,
      connection: "qemu:///system",
      name: "web",
      memory: "512MiB",
      ready: { agent: true, addresses: true },
      disks: [{ volume: { pool: "images", name: "web-3f135bda.qcow2" } }],
      nics: [{ network: "lab", filter: "web-5254007af7ab" }],
      ...kernel,
      cmdline: "root=/dev/vda console=ttyS0 systemd.hostname=web",
    });
    assert.deepEqual(domain.dependencies, [
      "BootstrapImage debian",
      "Network kvm1-lab",
      "NetworkFilter web-0",
      "Volume web-root",
    ]);
    assert.equal(await valueOf(guest.ipv4), "192.168.122.10");
    assert.deepEqual(await valueOf(guest.machine), {
      kind: "agent",
      uri: "qemu:///system",
      domain: await valueOf(guest.domain.uuid),
      name: "web",
    });
  });

  it("hands on what is its domain's", async () => {
    const own = {
      title: "the front",
      description: "what the world sees",
      memory: "2GiB",
      maxMemory: "8GiB",
      vcpus: 2,
      maxVcpus: 4,
      cpu: { mode: "maximum" },
      accelerator: "tcg",
      firmware: "bios",
      graphics: true,
      onCrash: "restart",
      autostart: false,
      state: "running",
      disruption: "live",
      shutdownTimeout: "2m",
      ready: { http: { path: "/healthz" }, timeout: "10m" },
    } satisfies Omit<GuestArgs, "host">;
    const made = await run(() => new Guest("web", { ...lab(), ...own, cmdline: "quiet" }));
    assertAccepted(made);
    const { inputs } = find("Domain", "web", made);
    for (const [field, value] of Object.entries(own)) assert.deepEqual(inputs[field], value, field);
    assert.equal(inputs["cmdline"], "root=/dev/vda console=ttyS0 systemd.hostname=web quiet");
    assert.deepEqual(inputs["nics"], []);
  });

  it("has 1 GiB of memory, and waits for no address without a NIC", async () => {
    const made = await run(() => new Guest("web", lab()));
    assertAccepted(made);
    assert.equal(find("Domain", "web", made).inputs["memory"], "1GiB");
    assert.deepEqual(find("Domain", "web", made).inputs["ready"], { agent: true, addresses: false });
  });

  it("has data disks after its root disk, empty and kept unless said otherwise", async () => {
    const made = await run(() => {
      const host = new KvmHost("kvm1", { pools: { fast: { path: "/srv/fast" }, bulk: { path: "/srv/bulk" } } });
      const image = new BootstrapImage("debian", { host });
      new Guest("db", {
        host,
        image,
        disk: { size: "20GiB", pool: "bulk" },
        disks: { data: { size: "100GiB" }, scratch: { size: "10GiB", pool: "bulk", retain: "delete" } },
      });
    });
    assertAccepted(made);
    assert.deepEqual(find("Volume", "db-root", made).inputs["capacity"], "20GiB");
    assert.deepEqual(find("Volume", "db-root", made).inputs["pool"], "bulk");
    assert.deepEqual(find("Volume", "db-data", made).inputs, {
      connection: "qemu:///system",
      pool: "fast",
      name: "db-data.qcow2",
      format: "qcow2",
      capacity: "100GiB",
    });
    assert.deepEqual(find("Volume", "db-scratch", made).inputs, {
      connection: "qemu:///system",
      pool: "bulk",
      name: "db-scratch.qcow2",
      format: "qcow2",
      capacity: "10GiB",
      retain: "delete",
    });
    assert.deepEqual(find("Domain", "db", made).inputs["disks"], [
      { volume: { pool: "bulk", name: "db-ae9df6d6.qcow2" } },
      { volume: { pool: "fast", name: "db-data.qcow2" } },
      { volume: { pool: "bulk", name: "db-scratch.qcow2" } },
    ]);
  });

  it("has NICs in order, on networks of the program, of the host and on bridges", async () => {
    const made = await run(() => {
      const nics = [{ network: "lab" }, { network: "foreign" }, { bridge: "br0", mac: "52:54:00:00:00:0a" }];
      new Guest("web", { ...lab(), nics });
    });
    assertAccepted(made);
    const { inputs, dependencies } = find("Domain", "web", made);
    assert.deepEqual(inputs["nics"], [
      { network: "lab", filter: "web-5254007af7ab" },
      { network: "foreign", filter: "web-5254005bcf3c" },
      { bridge: "br0", mac: "52:54:00:00:00:0a", filter: "web-52540000000a" },
    ]);
    assert.ok(dependencies.includes("Network kvm1-lab"));
  });

  it("boots a cloud image by itself, and waits for the agent only where the image brings one", async () => {
    const made = await run(() => {
      const { host } = lab();
      const source = { host, url: "https://example.org/a.qcow2", unverified: true };
      new Guest("plain", { host, network: "lab", image: new CloudImage("plain", source) });
      new Guest("able", { host, network: "lab", image: new CloudImage("able", { ...source, agent: true }) });
    });
    assertAccepted(made);
    const plain = find("Domain", "plain", made);
    assert.deepEqual(plain.inputs["ready"], { agent: false, addresses: true });
    for (const field of ["kernel", "initrd", "cmdline"]) assert.ok(!(field in plain.inputs), field);
    assert.deepEqual(find("Domain", "able", made).inputs["ready"], { agent: true, addresses: true });
  });

  it("has neither a root disk nor a readiness without an image", async () => {
    const made = await run(() => new Guest("bare", { host: lab().host, disks: { a: { size: "1GiB" } } }));
    assertAccepted(made);
    assert.deepEqual(
      ofKind("Volume", made).map(({ name }) => name),
      ["bare-a"],
    );
    for (const field of ["ready", "kernel", "initrd", "cmdline"])
      assert.ok(!(field in find("Domain", "bare", made).inputs), field);
  });

  it("gets a root disk of another name on another image, and one that tolerates as little as the guest", async () => {
    const rootOn = async (image: string) => {
      const made = await run(() => {
        const { host } = lab();
        new Guest("web", { host, image: new BootstrapImage(image, { host }), disruption: "live" });
      });
      return find("Volume", "web-root", made).inputs;
    };
    const [one, other] = [await rootOn("one"), await rootOn("other")];
    assert.notEqual(one["name"], other["name"]);
    assert.deepEqual([one["disruption"], other["disruption"]], ["live", "live"]);
  });

  const bad: [string, (args: ReturnType<typeof lab>) => GuestArgs, string][] = [
    [
      "a host that is left out",
      ({ image }) => ({ image, hots: image }) as unknown as GuestArgs,
      "Guest web: host is required. Allowed: a KvmHost",
    ],
    [
      "misspelt fields of the root disk",
      (args) => ({ ...args, disk: { sice: "4GiB" } }) as GuestArgs,
      'Guest web: disk: unknown field "sice"; did you mean "size"? Allowed: size, pool',
    ],
    [
      "misspelt fields of a data disk",
      (args) => ({ ...args, disks: { data: { size: "4GiB", retian: "keep" } } }) as GuestArgs,
      'Guest web: disks.data: unknown field "retian"; did you mean "retain"? Allowed: size, pool, retain',
    ],
    [
      "network beside nics",
      (args) => ({ ...args, network: "lab", nics: [{ network: "lab" }] }),
      "Guest web: network and nics are both given. Fix: name the network in nics",
    ],
    [
      "a root disk of nothing",
      ({ host }) => ({ host, disk: { size: "1GiB" } }),
      "Guest web: disk is the root disk, an overlay of an image. Fix: give image, or declare it in disks",
    ],
    [
      "a second root disk",
      (args) => ({ ...args, disks: { root: { size: "1GiB" } } }),
      'Guest web: disks: "root" is the root disk\'s name. Fix: choose another one',
    ],
    [
      "a command line without a kernel",
      ({ host }) => ({ host, cmdline: "quiet" }),
      "Guest web: cmdline goes with an image that is booted by its kernel, such as BootstrapImage. Fix: leave it out",
    ],
    [
      "a pool that is not there",
      (args) => ({ ...args, disk: { pool: "fast" } }),
      'KvmHost kvm1: there is no pool "fast". Declared: images',
    ],
  ];
  for (const [what, args, message] of bad)
    it(`refuses ${what}`, async () => {
      await assert.rejects(
        run(() => new Guest("web", args(lab()))),
        { message },
      );
    });

  describe("of kind lxc", () => {
    function containers() {
      const connection = { uri: "qemu+ssh://root@kvm1/system" };
      const host = new KvmHost("kvm1", {
        connection,
        antiSpoofing: false,
        networks: { lab: { ipv4: "192.168.150.0/24" } },
      });
      return { kind: "lxc" as const, host, image: new BootstrapImage("debian", { host, format: "directory" }) };
    }

    it("is a root folder copied from an image, and a domain that waits until it has booted", async () => {
      let guest!: Guest;
      const made = await run(() => (guest = new Guest("web", { ...containers(), memory: "256MiB", network: "lab" })));
      assertAccepted(made);
      assert.deepEqual(
        tree(made).filter((line) => line.includes("web")),
        ["Guest web", "Guest web > Domain web", "Guest web > RootFilesystem web-root"],
      );
      const machine = { kind: "ssh", host: "kvm1", user: "root" };
      const owner = (name: string) => `pulumi-kvm/test/${name} of ${hostname()}:${process.cwd()}`;
      const folder = find("RootFilesystem", "web-root", made);
      assert.deepEqual(folder.inputs, {
        machine,
        directory: "/var/lib/libvirt/filesystems",
        owner: owner("web-root"),
        name: folder.inputs["name"],
        source: "/var/lib/libvirt/filesystems/debian.root",
        hostname: "web",
        retain: "delete",
        disruption: "reboot",
      });
      assert.match(folder.inputs["name"], /^web-[0-9a-f]{8}$/);
      const domain = find("Domain", "web", made);
      assert.deepEqual(domain.inputs, {
        kind: "lxc",
        owner: owner("web"),
        connection: "lxc+ssh://root@kvm1/system",
        host: machine,
        name: "web",
        memory: "256MiB",
        root: `/var/lib/libvirt/filesystems/${folder.inputs["name"]}`,
        init: "/usr/lib/pulumi-kvm/init",
        ready: { booted: true, addresses: true },
        nics: [{ network: "lab" }],
      });
      assert.deepEqual(domain.dependencies, ["Network kvm1-lab", "RootFilesystem web-root"]);
      assert.deepEqual(await valueOf(guest.machine), {
        kind: "lxc",
        uri: "lxc+ssh://root@kvm1/system",
        domain: await valueOf(guest.domain.uuid),
        name: "web",
        host: machine,
      });
    });

    it("hands on what is its domain's and its folder's", async () => {
      const own = {
        vcpus: 2,
        mounts: [{ source: "/srv/www", target: "/var/www", readonly: true }],
        initEnv: { LANG: "C.UTF-8" },
        capabilities: { add: ["sys_time"] },
        devices: ["/dev/net/tun"],
        memtune: { softLimit: "128MiB" },
        cputune: { shares: 512 },
      } satisfies Partial<GuestArgs>;
      const nics = [{ network: "lab", addresses: ["192.168.150.9/24"], gateway: "192.168.150.1" }];
      const idmap = { start: 100_000 };
      const made = await run(() => new Guest("web", { ...containers(), ...own, idmap, nics, dns: ["192.168.150.1"] }));
      assertAccepted(made);
      const { inputs } = find("Domain", "web", made);
      for (const [field, value] of Object.entries({ ...own, nics, idmap }))
        assert.deepEqual(inputs[field], value, field);
      const folder = find("RootFilesystem", "web-root", made).inputs;
      assert.deepEqual([folder["dns"], folder["idmap"]], [["192.168.150.1"], idmap]);
    });

    it("is what is in it goes with", async () => {
      const made = await run(() => {
        const guest = new Guest("web", containers());
        new File("page", { machine: guest, path: "/a", content: "a" });
      });
      assertAccepted(made);
      assert.equal(find("File", "page", made).inputs["machine"].kind, "lxc");
    });

    const wrong: [string, () => Partial<GuestArgs>, string][] = [
      [
        "no image",
        () => ({ image: undefined }),
        'a container needs an image. Allowed: an RpmImage without format: "qcow2", or a BootstrapImage with format: "directory"',
      ],
      [
        "a disk image",
        () => ({ image: new BootstrapImage("disk", { host: new KvmHost("kvm2") }) }),
        'image is a disk, for virtual machines. Allowed: an RpmImage without format: "qcow2", or a BootstrapImage with format: "directory"',
      ],
      [
        "a folder for a machine",
        () => ({ kind: "qemu" }),
        'image is files without a disk, for containers. Fix: set kind: "lxc", or give a disk: a CloudImage, or a BootstrapImage with format: "qcow2"',
      ],
      [
        "a disk that a machine does not boot from",
        () => ({
          kind: "qemu",
          image: new RpmImage("tree", {
            host: new KvmHost("kvm2"),
            format: "qcow2",
            packages: [{ url: "https://example.org/a.rpm", sha256: "0".repeat(64) }],
          }),
        }),
        "image is a disk that nothing boots from: it has no boot loader, and no kernel is said. Fix: say one that the host has, as image: { path: image.path, format: image.format, agent: false, kernel: pulumi.output(PATH) }",
      ],
      [
        "a root disk",
        () => ({ disk: { size: "1GiB" } }),
        "disk is a virtual machine's; a container's root is a folder of its host. Fix: leave it out",
      ],
      [
        "disks",
        () => ({ disks: { data: { size: "1GiB" } } }),
        "disks are a virtual machine's; a container has folders of its host. Fix: say mounts",
      ],
      [
        "kernel words",
        () => ({ cmdline: "quiet" }),
        "cmdline is a kernel's, and a container has its host's. Fix: leave it out",
      ],
    ];
    for (const [name, change, message] of wrong)
      it(`refuses ${name}`, async () => {
        await assert.rejects(
          run(() => new Guest("web", { ...containers(), ...change() })),
          { message: `Guest web: ${message}` },
        );
      });
  });
});
