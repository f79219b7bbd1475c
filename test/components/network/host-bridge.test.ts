import assert from "node:assert/strict";
import { hostname } from "node:os";
import { Guest, HostBridge, KvmHost } from "../../../components";
import { assertAccepted, computeOutputs, computes, find, ofKind, run, tree, valueOf } from "../mocks";

const machine = { kind: "ssh", host: "kvm1", user: "root" } as const;
const connection = { uri: "qemu+ssh://root@kvm1/system" };

describe("HostBridge", () => {
  before(() => {
    computeOutputs();
    computes("LinuxBridge", ({ owner }) => (owner ? { ipv4: "192.168.155.32", mac: "52:54:00:00:00:01" } : {}));
  });

  it("is one bridge on the host's machine", async () => {
    let made!: HostBridge;
    const registered = await run(() => {
      const host = new KvmHost("kvm1", { connection });
      made = new HostBridge("br0", {
        host,
        uplink: "eth0",
        addresses: ["192.168.155.32/24"],
        gateway: "192.168.155.1",
      });
    });
    assertAccepted(registered);
    assert.deepEqual(find("LinuxBridge", "br0", registered).inputs, {
      machine,
      name: "br0",
      owner: `pulumi-kvm/test/br0 of ${hostname()}:${process.cwd()}`,
      uplink: "eth0",
      addresses: ["192.168.155.32/24"],
      gateway: "192.168.155.1",
    });
    assert.equal(await valueOf(made.name), "br0");
    assert.equal(await valueOf(made.ipv4), "192.168.155.32");
  });

  it("has the name that it is given, or that of the bridge it adopts", async () => {
    const registered = await run(() => {
      const host = new KvmHost("kvm1", { connection });
      return [new HostBridge("a", { host, name: "br7" }), new HostBridge("b", { host, adopt: "br8" })];
    });
    assertAccepted(registered);
    assert.deepEqual(
      ["a", "b"].map((name) => find("LinuxBridge", name, registered).inputs["name"]),
      ["br7", "br8"],
    );
  });

  it("asks for no address beside DHCP's, unless some are given", async () => {
    const registered = await run(() => {
      const host = new KvmHost("kvm1", { connection });
      return [
        new HostBridge("a", { host, uplink: "eth0", dhcp: true }),
        new HostBridge("b", { host, uplink: "eth0", dhcp: false }),
      ];
    });
    assert.deepEqual(
      ["a", "b"].map((name) => find("LinuxBridge", name, registered).inputs["addresses"]),
      [[], undefined],
    );
  });

  it("is declared with its host, after the host was looked at, and guests on it wait for it", async () => {
    const registered = await run(() => {
      const host = new KvmHost("kvm1", {
        connection,
        bridges: { br0: { uplink: "eth0" }, br1: { uplink: "eth1", addresses: [] } },
      });
      return new Guest("web", {
        host,
        nics: [
          { bridge: "br0", filter: "web-5254007af7ab" },
          { bridge: "br9", filter: "web-5254005bcf3c" },
        ],
      });
    });
    assertAccepted(registered);
    assert.deepEqual(
      tree(registered).filter((line) => line.includes("Bridge")),
      [
        "HostBridge kvm1-br0 > LinuxBridge kvm1-br0",
        "HostBridge kvm1-br1 > LinuxBridge kvm1-br1",
        "KvmHost kvm1 > HostBridge kvm1-br0",
        "KvmHost kvm1 > HostBridge kvm1-br1",
      ],
    );
    assert.deepEqual(ofKind("HostBridge", registered)[0]!.dependencies, ["Host kvm1"]);
    assert.deepEqual(find("LinuxBridge", "kvm1-br1", registered).inputs["name"], "br1");
    const web = find("Domain", "web", registered);
    assert.deepEqual(web.inputs["nics"], [
      { bridge: "br0", filter: "web-5254007af7ab" },
      { bridge: "br9", filter: "web-5254005bcf3c" },
    ]);
    assert.deepEqual(web.dependencies, ["LinuxBridge kvm1-br0", "NetworkFilter web-0", "NetworkFilter web-1"]);
  });

  const bad: [string, () => unknown, RegExp][] = [
    ["a bridge without a host", () => new HostBridge("br0", {} as never), /^HostBridge br0: host is required/],
    [
      "a bridge that is not declared",
      () => new KvmHost("kvm1", { connection, bridges: { br0: {} } }).bridge("br1"),
      /^KvmHost kvm1: there is no bridge "br1"\. Declared: br0$/,
    ],
  ];
  for (const [what, program, message] of bad)
    it(`refuses ${what}`, async () => {
      await assert.rejects(run(program), (error: Error) => message.test(error.message) || assert.fail(error.message));
    });
});
