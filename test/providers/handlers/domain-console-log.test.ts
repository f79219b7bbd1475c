import assert from "node:assert/strict";
import { removeConsoleLog } from "../../../providers/handlers/domain-console-log";
import type { MachineSpec } from "../../../providers/machine/machine";
import { domainSchema } from "../../../providers/schema/domain";
import { FakeMachine } from "../machine/fake-machine";
import { parsed } from "../schema/parse";

describe("console log of a guest that is gone", () => {
  async function removed(args: object, machine = new FakeMachine().on(/^rm /)) {
    const asked: MachineSpec[] = [];
    const told: string[] = [];
    const inputs = parsed(domainSchema, { name: "web", memory: "1GiB", ...args });
    const context = { signal: new AbortController().signal, progress: (line: string) => told.push(line) };
    await removeConsoleLog(inputs, context, (spec) => {
      asked.push(spec);
      return machine;
    });
    return { asked, told, commands: machine.commands };
  }

  it("is removed with its older parts, on the machine that the connection leads to", async () => {
    const { asked, told, commands } = await removed({ connection: "qemu+ssh://root@kvm1/system" });
    const log = "/var/log/libvirt/qemu/web-console.log";
    assert.deepEqual(asked, [{ kind: "ssh", host: "kvm1", user: "root" }]);
    assert.deepEqual(commands, [`rm -f -- ${log} ${log}.0 ${log}.1 ${log}.2`]);
    assert.deepEqual(told, []);
  });

  it("stays where it is not known, and where there is none", async () => {
    for (const args of [
      { connection: "qemu+tls://kvm1/system" },
      { connection: "qemu:///system?socket=/run/other" },
      { consoleLog: false },
    ])
      assert.deepEqual((await removed(args)).asked, []);
  });

  it("is told of when it cannot be removed", async () => {
    const refusing = new FakeMachine().on(/^rm /, { exitCode: 1, stderr: "permission denied" });
    const { told } = await removed({}, refusing);
    assert.equal(told.length, 1);
    assert.match(told[0]!, /^its console log stays on the host: .*permission denied/s);
  });
});
