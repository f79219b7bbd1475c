import assert from "node:assert/strict";
import { hostname } from "node:os";
import * as pulumi from "@pulumi/pulumi";
import { assertAccepted, computeOutputs, computes, find, ofKind, run, tree } from "./mocks";
import { BootstrapImage, Guest, KvmHost, PortForward, type PortForwardArgs } from "../../components";

const ports = [{ host: 8080, guest: 80 }];

describe("PortForward", () => {
  before(() => {
    computeOutputs();
    computes("Domain", (_inputs, name) => ({
      uuid: "0f0c1c9e-0000-4000-8000-000000000001",
      addresses: [
        {
          ...{ nic: 0, mac: "52:54:00:00:00:01", ipv4: ["192.168.150.10"] },
          ipv6: name === "both" ? ["fd00:150::10"] : [],
        },
        ...(name === "nics"
          ? [{ nic: 1, mac: "52:54:00:00:00:02", ipv4: ["192.168.151.10"], ipv6: ["fd00:151::10"] }]
          : []),
      ],
    }));
  });

  after(computeOutputs);

  function lab() {
    const host = new KvmHost("kvm1", { networks: { lab: { ipv4: "192.168.150.0/24" } } });
    return { host, image: new BootstrapImage("debian", { host }), network: "lab" };
  }

  it("leads from the host to the guest's addresses", async () => {
    const made = await run(() => {
      const { host, ...shape } = lab();
      new PortForward("one", { host, guest: new Guest("web", { host, ...shape }), ports });
      new PortForward("two", { host, guest: new Guest("both", { host, ...shape }), ports: [{ host: 8081 }] });
      new PortForward("three", { host, guest: new Guest("nics", { host, ...shape }), nic: 1, ports: [{ host: 8082 }] });
    });
    assertAccepted(made);
    const one = find("PortForward", "one", made);
    assert.deepEqual(one.inputs, {
      machine: { kind: "local" },
      connection: "qemu:///system",
      name: "one",
      owner: `pulumi-kvm/test/one of ${hostname()}:${process.cwd()}`,
      to: ["192.168.150.10"],
      ports,
    });
    assert.deepEqual(one.dependencies, ["Domain web"]);
    assert.deepEqual(find("PortForward", "two", made).inputs["to"], ["192.168.150.10", "fd00:150::10"]);
    assert.deepEqual(find("PortForward", "three", made).inputs["to"], ["192.168.151.10", "fd00:151::10"]);
  });

  it("leads to an address, when the host's networks are there", async () => {
    const made = await run(() => {
      const { host } = lab();
      new PortForward("web", { host, to: "192.168.150.10", ports });
      new PortForward("ssh", { host: { machine: { kind: "local" } }, to: ["192.168.150.10", "fd00:150::10"], ports });
    });
    assertAccepted(made);
    const web = find("PortForward", "web", made);
    assert.deepEqual(web.inputs["to"], ["192.168.150.10"]);
    assert.ok(web.dependencies.includes("Network kvm1-lab"), web.dependencies.join());
    assert.deepEqual(find("PortForward", "ssh", made).dependencies, []);
  });

  it("comes and goes with the guest that publishes", async () => {
    const made = await run(() => new Guest("web", { ...lab(), publish: ports }));
    assertAccepted(made);
    assert.deepEqual(
      tree(made).filter((line) => line.includes("PortForward")),
      ["Guest web > PortForward web-published"],
    );
    const { inputs, dependencies } = find("PortForward", "web-published", made);
    assert.deepEqual([inputs["to"], inputs["ports"]], [["192.168.150.10"], ports]);
    assert.deepEqual(dependencies, ["Domain web"]);
    assert.ok(!("publish" in find("Domain", "web", made).inputs));
    assert.deepEqual(ofKind("PortForward", await run(() => new Guest("web", lab()))), []);
  });

  const bad: [string, Partial<PortForwardArgs>, string][] = [
    ["neither a guest nor an address", {}, "PortForward web: allowed: one of guest and to"],
    ["a NIC of an address", { to: "192.168.150.10", nic: 1 }, "PortForward web: nic goes with guest"],
  ];
  for (const [what, args, message] of bad)
    it(`refuses ${what}`, async () => {
      await assert.rejects(
        run(() => new PortForward("web", { host: { machine: { kind: "local" } }, ports, ...args })),
        (error: Error) => pulumi.RunError.isInstance(error) && error.message === message,
      );
    });
});
