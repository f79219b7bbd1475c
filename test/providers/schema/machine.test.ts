import assert from "node:assert/strict";
import * as v from "valibot";
import { machineSpec } from "../../../providers/schema/machine";

const problem = (input: unknown) => {
  const { issues } = v.safeParse(machineSpec, input);
  return issues?.map((issue) => `${v.getDotPath(issue) ?? ""}: ${issue.message}`).join("; ");
};

describe("machineSpec", () => {
  it("takes the four kinds", () => {
    for (const spec of [
      { kind: "local" },
      { kind: "ssh", host: "kvm1", user: "root", port: 22, sudo: true, options: { ProxyJump: "bastion" } },
      { kind: "ssh", host: "fe80::1%eth0" },
      { kind: "agent", uri: "qemu:///system", domain: "web-1", name: "web" },
      { kind: "lxc", uri: "lxc+ssh://root@kvm1/system", domain: "c1" },
      { kind: "lxc", uri: "lxc+tls://kvm1/system", domain: "c1", host: { kind: "ssh", host: "kvm1" } },
    ])
      assert.deepEqual(v.parse(machineSpec, spec), spec);
  });

  it("says what is wrong, and what is allowed", () => {
    assert.match(problem({ kind: "vm" })!, /^kind: "vm" is not a machine\. Allowed: \{ kind: "local" \}, /);
    assert.match(problem({ kind: "agent", uri: "qemu:///system", domian: "x" })!, /did you mean "domain"/);
    assert.match(problem({ kind: "agent", uri: "web-1", domain: "x" })!, /^uri: "web-1" is not a libvirt URI/);
    assert.match(problem({ kind: "ssh", host: "kvm1", port: 0 })!, /^port: /);
  });

  it("enters a container from a host alone", () => {
    const spec = { kind: "lxc", uri: "lxc:///system", domain: "c1" };
    const guest = { kind: "agent", uri: "qemu:///system", domain: "x" };
    assert.match(
      problem({ ...spec, host: guest })!,
      /^host: .*"x"\} has no containers\. Allowed: a host, \{ kind: "local" \} or \{ kind: "ssh", host \}/,
    );
    assert.match(problem({ ...spec, host: { kind: "ssh" } })!, /^host\.host: /);
  });

  it("refuses what ssh would read as an option", () => {
    assert.match(problem({ kind: "ssh", host: "-oProxyCommand=x" })!, /^host: "-oProxyCommand=x" is not a host/);
    assert.match(problem({ kind: "ssh", host: "kvm1", user: "-l" })!, /^user: /);
    assert.match(problem({ kind: "ssh", host: "kvm1", options: { "A=b -o C": "d" } })!, /is not an option of OpenSSH/);
    assert.match(problem({ kind: "ssh", host: "kvm1", options: { User: "a\nProxyCommand b" } })!, /must be one line/);
  });

  it("does not turn host keys off", () => {
    assert.match(
      problem({ kind: "ssh", host: "kvm1", options: { StrictHostKeyChecking: "no" } })!,
      /^options: StrictHostKeyChecking cannot be turned off\. Allowed: "yes", "ask", or "accept-new"/,
    );
    assert.equal(problem({ kind: "ssh", host: "kvm1", options: { StrictHostKeyChecking: "accept-new" } }), undefined);
  });
});
