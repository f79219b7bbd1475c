import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { AgentMachine } from "../../../providers/machine/agent-machine";
import { UnreachableError } from "../../../providers/machine/unreachable-error";
import { skip } from "../../skip";
import { conforms } from "./conformance";
import { PrivateAgent } from "./private-agent";

const leftovers = () => readdirSync("/var/tmp").filter((name) => name.startsWith(".pulumi-kvm-"));

describe("agent machine", function () {
  this.timeout(120_000);
  let agent: PrivateAgent | undefined;

  before(async function () {
    const reason = PrivateAgent.missing();
    if (reason) skip(this, reason);
    agent = await PrivateAgent.start();
  });

  after(() => agent?.stop());

  conforms(() => new AgentMachine("guest web-1", agent!.transport));

  it("gives commands a home, a umask and no more of the agent's files than the outputs", async () => {
    const machine = new AgentMachine("guest web-1", agent!.transport);
    const { stdout } = await machine.run(["sh", "-c", 'echo "$HOME"; umask; ls /proc/self/fd']);
    assert.equal(stdout.split("\n").slice(0, 2).join(" "), "/root 0022");
    assert.deepEqual(
      stdout
        .split("\n")
        .slice(2)
        .filter((fd) => fd !== "" && Number(fd) > 3),
      [],
    );
  });

  it("leaves nothing in the guest when a long input or output is cut short", async () => {
    const machine = new AgentMachine("guest web-1", agent!.transport);
    const before = leftovers();
    await assert.rejects(machine.run(["sleep", "60"], { stdin: randomBytes(5_000_000), timeout: 1000 }), /timed out/);
    await assert.rejects(machine.run(["sh", "-c", "yes | head -c 3000000; sleep 60"], { timeout: 1500 }), /timed out/);
    await assert.rejects(
      machine.run(["true"], { stdin: randomBytes(5_000_000), signal: AbortSignal.abort(new Error("interrupted")) }),
      /stopped: interrupted/,
    );
    assert.deepEqual(leftovers(), before);
  });

  it("stops a command by itself when nobody is left to do so", async () => {
    // Ten seconds and twice the timeout: the guest's own timer, for a guest whose clock may run fast.
    const mark = `4${randomBytes(3).readUIntBE(0, 3)}`;
    let commands = 0;
    const dying = new AgentMachine("guest web-1", async (command, timeout) => {
      if (++commands > 1) throw new UnreachableError("guest web-1", "gone");
      return agent!.transport(command, timeout);
    });
    const error = await dying.run(["sleep", mark], { timeout: 500 }).catch((reason) => reason);
    assert.ok(error instanceof UnreachableError);
    assert.equal(error.mayHaveRun, true);
    const running = () => execFileSync("ps", ["-eo", "args"]).toString().split("\n").includes(`sleep ${mark}`);
    assert.ok(running());
    for (let i = 0; i < 300 && running(); i++) await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(!running());
  });

  it("says that the agent may not run commands", async function () {
    const blocked = await PrivateAgent.start("-b", "guest-exec");
    try {
      const error = await new AgentMachine("guest web-1", blocked.transport).run(["true"]).catch((reason) => reason);
      assert.match(error.message, /guest-exec.* has been disabled/);
    } finally {
      await blocked.stop();
    }
  });

  it("says that the agent was restarted under a command", async () => {
    let other = await PrivateAgent.start();
    const machine = new AgentMachine("guest web-1", (command, timeout) => other.transport(command, timeout));
    const lost = machine.run(["sleep", "20"]).catch((reason) => reason);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const old = other;
    other = await PrivateAgent.start();
    const error = await lost;
    await old.stop();
    await other.stop();
    assert.ok(error instanceof UnreachableError, `${error}`);
    assert.match(error.message, /no longer knows the command it ran: the guest or its agent was restarted/);
    assert.equal(error.mayHaveRun, true);
  });
});
