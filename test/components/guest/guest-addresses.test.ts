import assert from "node:assert/strict";
import { assertAccepted, computeOutputs, find, ofKind, run } from "../mocks";
import { BootstrapImage, CloudImage, Guest, KvmHost, type GuestArgs } from "../../../components";
import { defaultMac } from "../../../providers/schema/domain-nic";

describe("the addresses of a Guest", () => {
  before(computeOutputs);

  function lab() {
    const host = new KvmHost("kvm1", { networks: { lab: { ipv4: "192.168.150.0/24" } } });
    return { host, image: new BootstrapImage("debian", { host }) };
  }

  const plainImage = (host: KvmHost) =>
    new CloudImage("plain", { host, url: "https://example.org/a.qcow2", unverified: true });

  const given = { addresses: ["192.168.155.40/24"], gateway: "192.168.155.1" };

  it("hands a virtual machine's addresses to its domain, and name servers with the first that has some", async () => {
    const nics = [{ network: "lab" }, { bridge: "br0", ...given }, { bridge: "br0", addresses: ["10.0.0.1/8"] }];
    const made = await run(() => new Guest("web", { ...lab(), nics, dns: ["192.168.155.1", "fd00::1"] }));
    assertAccepted(made);
    const { inputs } = find("Domain", "web", made);
    assert.deepEqual(
      inputs["nics"].map(({ filter: _filter, ...nic }: { filter: string }) => nic),
      [{ network: "lab" }, { bridge: "br0", ...given, dns: ["192.168.155.1", "fd00::1"] }, nics[2]],
    );
    assert.ok(!("agent" in inputs));
    assert.equal(ofKind("CloudInitSeed", made).length, 0);
  });

  it("tells a cloud image's guest by a seed what it is, and does without its agent", async () => {
    const nics = [{ bridge: "br0", ...given }, { network: "lab" }];
    const userData = { packages: ["nginx"] };
    const made = await run(() => {
      const { host } = lab();
      const image = plainImage(host);
      new Guest("web", { host, image, nics, dns: ["192.168.155.1"], seed: { userData } });
      new Guest("able", { host, image, nics, seed: {}, ready: { agent: true } });
      new Guest("plain", { host, image, network: "lab", seed: { userData } });
    });
    assertAccepted(made);
    const seed = find("CloudInitSeed", "web-seed", made);
    assert.equal(seed.parent, "Guest web");
    const networkConfig = {
      version: 2,
      ethernets: {
        eth0: {
          ...{ match: { macaddress: defaultMac("web", 0) }, "set-name": "eth0", optional: true },
          ...{ dhcp4: false, dhcp6: false, "accept-ra": false, addresses: given.addresses },
          routes: [{ to: "0.0.0.0/0", via: "192.168.155.1" }],
          nameservers: { addresses: ["192.168.155.1"] },
        },
        eth1: { match: { macaddress: defaultMac("web", 1) }, "set-name": "eth1", optional: true, dhcp4: true },
      },
    };
    assert.deepEqual(seed.inputs, {
      machine: { kind: "local" },
      ...{ directory: "/var/lib/libvirt/images", name: "web", hostname: "web", userData, networkConfig },
    });
    const { inputs, dependencies } = find("Domain", "web", made);
    assert.deepEqual(inputs["disks"].slice(1), [
      { path: "/var/lib/libvirt/images/web-seed.iso", format: "raw", readonly: true },
    ]);
    assert.ok(dependencies.includes("CloudInitSeed web-seed"));
    assert.deepEqual([inputs["agent"], inputs["ready"]], [false, { agent: false, addresses: true }]);
    assert.ok(!("agent" in find("Domain", "able", made).inputs), "its agent comes with what the seed installs");
    assert.ok(!("networkConfig" in find("CloudInitSeed", "plain-seed", made).inputs), "cloud-init does as it does");
    assert.ok(!("agent" in find("Domain", "plain", made).inputs));
  });

  const bad: [string, (args: ReturnType<typeof lab>) => GuestArgs, string][] = [
    [
      "name servers of a guest that is told of some by DHCP",
      (args) => ({ ...args, network: "lab", dns: ["192.168.150.1"] }),
      "Guest web: dns goes with nics that are given addresses; others are told by DHCP. Fix: leave it out, or say it in the network (dnsForwarders)",
    ],
    [
      "addresses that nobody would set",
      ({ host }) => ({ host, image: plainImage(host), nics: [{ network: "lab" }, { bridge: "br0", ...given }] }),
      "Guest web: nics.1.addresses: the image brings no guest agent, which would set them. Fix: give a seed, where the image has cloud-init; or an image with the agent (BootstrapImage; CloudImage with agent: true); or ipv4 on a network that has DHCP",
    ],
    [
      "a seed that nobody reads",
      ({ host }) => ({ host, seed: {} }),
      "Guest web: seed configures what an image boots. Fix: give image, or make a CloudInitSeed for the Domain",
    ],
    [
      "two minds on its network",
      (args) => ({ ...args, nics: [{ bridge: "br0", ...given }], seed: { networkConfig: { version: 2 } } }),
      "Guest web: seed.networkConfig and nics.0.addresses are both given. Fix: leave one of them out",
    ],
    [
      "a seed of a container",
      ({ host }) => ({
        ...{ host, kind: "lxc", seed: {} },
        image: new BootstrapImage("folder", { host, format: "directory" }),
      }),
      "Guest web: seed is for cloud-init in a virtual machine. Fix: leave it out, and use File, Service and Command",
    ],
    [
      "misspelt fields of the seed",
      (args) => ({ ...args, seed: { userdata: "" } }) as GuestArgs,
      'Guest web: seed: unknown field "userdata"; did you mean "userData"? Allowed: userData, networkConfig, instanceId',
    ],
  ];
  for (const [what, args, message] of bad)
    it(`refuses ${what}`, async () => {
      await assert.rejects(
        run(() => new Guest("web", args(lab()))),
        { message },
      );
    });
});
