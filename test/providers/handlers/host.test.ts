import assert from "node:assert/strict";
import { dispatch } from "../../../providers/dynamic/dispatch";
import { HostHandler } from "../../../providers/handlers/host";
import { judge } from "../../../providers/host/doctor";
import type { Target } from "../../../providers/host/target";
import { folder, plainHost } from "../host/plain-host";

/** The handler on a host that is plain but for what is given, and the targets that it was looked at for. */
function onHost(differences: Parameters<typeof plainHost>[0] = {}, libvirt?: Error) {
  const targets: Target[] = [];
  const handler = new HostHandler(async (target) => {
    targets.push(target);
    const inspection = plainHost({ ...differences, target });
    return judge(libvirt ? { ...inspection, libvirt } : inspection);
  });
  return { provider: dispatch(handler), targets };
}

const full = { folders: [{ ...folder("/var/lib/libvirt/images"), available: 4 * 2 ** 30 }] };

describe("the Host handler", () => {
  it("fills in what follows from the connection", async () => {
    const { provider } = onHost();
    assert.deepEqual(await provider.check({}, {}), {
      inputs: {
        connection: "qemu:///system",
        machine: { kind: "local" },
        subnets: [],
        needs: {},
        directories: ["/var/lib/libvirt/images"],
      },
      failures: [],
    });
    const remote = await provider.check({}, { connection: "qemu+ssh://ops@kvm1:2222/system", directories: [] });
    assert.deepEqual((remote.inputs as { machine: object }).machine, {
      kind: "ssh",
      host: "kvm1",
      user: "ops",
      port: 2222,
    });
    const session = await provider.check({}, { connection: "qemu:///session" });
    assert.deepEqual((session.inputs as { directories: string[] }).directories, []);
  });

  it("refuses what cannot be, in words", async () => {
    const { provider, targets } = onHost();
    const raw = {
      connection: "kvm1",
      subnets: [{ name: "lab", subnet: "10.0.0.1/24" }],
      directories: ["images"],
      minimumLibvirt: "nine",
      need: {},
    };
    const { failures } = await provider.check({}, raw);
    assert.deepEqual(failures.map(({ reason }) => reason.split(":")[0]).sort(), [
      ...["connection", "directories.0", "minimumLibvirt", "need", "subnets.0.subnet"],
    ]);
    assert.match(JSON.stringify(failures), /did you mean \\"needs\\"/);
    assert.match(JSON.stringify(failures), /host bits set: the subnet is \\"10.0.0.0\/24\\"/);
    assert.deepEqual(targets, []);
  });

  it("fails the preview with every problem at once", async () => {
    const { provider } = onHost({ survey: { programs: new Set(["dnsmasq", "iptables"]) } });
    const { failures } = await provider.check({}, { subnets: [{ name: "lab", subnet: "192.168.155.0/24" }] });
    assert.deepEqual(failures, [
      {
        property: "",
        reason: "host qemu:///system: needs: not installed: qemu-img (makes volumes). Fix: apt-get install qemu-utils",
      },
      {
        property: "",
        reason:
          "host qemu:///system: subnets: subnet 192.168.155.0/24 of network lab overlaps 192.168.155.32/24 of interface eth0." +
          " Fix: choose another subnet; 192.168.100.0/24 is free",
      },
    ]);
  });

  it("makes the facts and the warnings outputs, and asks the host once", async () => {
    const { provider, targets } = onHost({ survey: full });
    const { inputs } = await provider.check({}, {});
    // Pulumi's provider process adds to what it is given, and hands the inputs on in an order of its own.
    Object.assign(inputs, { __provider: "exports.handler=..." });
    const { id, outs } = await provider.create(Object.fromEntries(Object.entries(inputs).reverse()));
    assert.equal(id, "qemu:///system");
    assert.deepEqual(outs, {
      connection: "qemu:///system",
      machine: { kind: "local" },
      subnets: [],
      needs: {},
      directories: ["/var/lib/libvirt/images"],
      hostname: "kvm1",
      libvirtVersion: "9.0.0",
      architecture: "x86_64",
      cpus: 8,
      memory: 16 * 2 ** 30,
      qemuVersion: "7.2.22",
      accelerator: "kvm",
      acceleratorReason: "a guest ran under KVM",
      firewall: "iptables",
      warnings: [
        "/var/lib/libvirt/images has 4.0 GiB (4%) of 100.0 GiB left. Allowed: at least 1 GiB; 5% or more is comfortable." +
          " Fix: free some space, or put the disks on another file system",
      ],
    });
    assert.equal(targets.length, 1);
  });

  it("sees no drift in facts", async () => {
    const { provider } = onHost();
    const { inputs } = await provider.check({}, {});
    const { id, outs } = await provider.create(inputs);
    const { props } = await provider.read(id, { ...outs, hostname: "old", cpus: 1 });
    assert.equal((props as { hostname: string }).hostname, "kvm1");
    assert.equal((await provider.diff(id, props, inputs)).changes, false);
  });

  it("asks again when the program changes what it needs", async () => {
    const { provider, targets } = onHost();
    const { inputs } = await provider.check({}, {});
    const { id, outs } = await provider.create(inputs);
    await provider.check(outs, {});
    assert.equal(targets.length, 1);
    const changed = await provider.check(outs, { needs: { images: true } });
    assert.deepEqual(await provider.diff(id, outs, changed.inputs), {
      changes: true,
      replaces: [],
      deleteBeforeReplace: false,
    });
    await provider.update(id, outs, changed.inputs);
    assert.deepEqual(targets[1]!.needs, { images: true });
  });

  it("fails where libvirt answers no more, and deletes nothing without asking", async () => {
    const { provider } = onHost({}, new Error("connection refused"));
    await assert.rejects(
      provider.create({ connection: "qemu:///system" }),
      /host qemu:\/\/\/system: cannot create: libvirt does not answer: connection refused/,
    );
    await provider.delete("qemu:///system", { connection: "qemu:///system" });
  });
});
