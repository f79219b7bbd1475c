import assert from "node:assert/strict";
import type { MachineSpec } from "../../../providers/machine/machine";
import { machineKey, machineLabel, open } from "../../../providers/machine/open-machine";

describe("open", () => {
  it("hands out one machine for equal specs", () => {
    const machine = open({ kind: "ssh", host: "kvm1", user: "root" });
    assert.equal(open({ user: "root", host: "kvm1", kind: "ssh" }), machine);
    assert.notEqual(open({ kind: "ssh", host: "kvm2", user: "root" }), machine);
  });

  it("names machines as errors do", () => {
    const specs: MachineSpec[] = [
      { kind: "local" },
      { kind: "ssh", host: "kvm1" },
      { kind: "ssh", host: "kvm1", user: "root", port: 2222 },
      { kind: "agent", uri: "qemu:///system", domain: "web-1" },
      { kind: "agent", uri: "qemu:///system", domain: "3c5b2d1e-0000-4000-8000-000000000000", name: "web-1" },
      { kind: "lxc", uri: "lxc:///system", domain: "c1" },
    ];
    assert.deepEqual(specs.map(machineLabel), [
      "this machine",
      "ssh kvm1",
      "ssh root@kvm1:2222",
      "guest web-1",
      "guest web-1",
      "container c1",
    ]);
    assert.deepEqual(
      specs.map((spec) => open(spec).label),
      specs.map(machineLabel),
    );
    assert.equal(new Set(specs.map(machineKey)).size, specs.length);
  });

  it("enters a container from the host that the spec names, whatever its URI carries", () => {
    const spec = { kind: "lxc", uri: "lxc+tls://kvm1/system", domain: "c1", host: { kind: "local" } } as const;
    assert.equal(open(spec).label, "container c1");
  });

  it("says that a container's host cannot be entered through libvirt alone", () => {
    assert.throws(() => open({ kind: "lxc", uri: "lxc+tls://kvm1/system", domain: "c1" }), {
      message:
        "container c1: its host cannot be entered: lxc+tls://kvm1/system carries libvirt only\n" +
        'Fix: say where its host\'s commands run, host: { kind: "ssh", host: "..." }, or use "lxc+ssh://HOST/system"',
    });
  });
});
