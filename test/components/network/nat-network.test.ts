import assert from "node:assert/strict";
import { hostname } from "node:os";
import { computes, ofKind, run, valueOf } from "../mocks";
import type { KvmHost } from "../../../components/host/kvm-host";
import { NatNetwork } from "../../../components/network/nat-network";

const host = { connection: "qemu+ssh://root@kvm1/system", machine: { kind: "ssh", host: "kvm1" } } as KvmHost;

describe("NatNetwork", () => {
  before(() => computes("Network", () => ({ bridge: "virbr1", ipv4Address: "10.0.0.1" })));

  it("is one network of the host", async () => {
    let made: NatNetwork;
    const registered = await run(() => {
      made = new NatNetwork("lab", { host, ipv4: "10.0.0.0/24", hosts: [{ ip: "10.0.0.9", name: "web-1" }] });
    });
    assert.deepEqual(
      registered.map(({ type, name }) => [type, name]),
      [
        ["pulumi-kvm:network:NatNetwork", "lab"],
        ["pulumi-nodejs:dynamic/kvm:Network", "lab"],
      ],
    );
    assert.deepEqual(ofKind("Network", registered)[0]!.inputs, {
      connection: host.connection,
      machine: host.machine,
      name: "lab",
      owner: `pulumi-kvm/test/lab of ${hostname()}:${process.cwd()}`,
      mode: "nat",
      ipv4: "10.0.0.0/24",
      hosts: [{ ip: "10.0.0.9", name: "web-1" }],
    });
    assert.deepEqual(await Promise.all([valueOf(made!.name), valueOf(made!.bridge), valueOf(made!.ipv4Address)]), [
      "lab",
      "virbr1",
      "10.0.0.1",
    ]);
  });

  it("has the name that it is given, or that of the network it adopts", async () => {
    const registered = await run(() => [
      new NatNetwork("a", { host, name: "lab", ipv4: "10.0.0.0/24" }),
      new NatNetwork("b", { host, adopt: "default", ipv4: "10.0.1.0/24" }),
      new NatNetwork("c", { host, adopt: "3b7f1c1e-7a62-4c9e-9d2f-9a4f1f0a7b11", ipv4: "10.0.2.0/24" }),
    ]);
    assert.deepEqual(
      ofKind("Network", registered)
        .map(({ inputs }) => inputs["name"])
        .sort(),
      ["c", "default", "lab"],
    );
  });
});
