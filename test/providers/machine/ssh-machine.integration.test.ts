import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { SshMachine } from "../../../providers/machine/ssh-machine";
import { UnreachableError } from "../../../providers/machine/unreachable-error";
import { skip } from "../../skip";
import { conforms } from "./conformance";
import { PrivateSshd } from "./private-sshd";

const unreachable = async (machine: SshMachine): Promise<UnreachableError> => {
  const error = await machine.run(["true"]).catch((reason) => reason);
  assert.ok(error instanceof UnreachableError, `${error}`);
  return error;
};

async function eventually(condition: () => boolean): Promise<boolean> {
  for (let i = 0; i < 100 && !condition(); i++) await sleep(100);
  return condition();
}

function running(mark: string): boolean {
  return execFileSync("ps", ["-eo", "args"]).toString().split("\n").includes(`sleep ${mark}`);
}

describe("ssh machine", function () {
  this.timeout(60_000);
  let sshd: PrivateSshd | undefined;

  before(async function () {
    const reason = PrivateSshd.missing();
    if (reason) skip(this, reason);
    sshd = await PrivateSshd.start();
  });

  after(async () => {
    await sshd?.stop();
    sshd?.remove();
  });

  conforms(() => new SshMachine(sshd!.spec()));

  for (const shell of ["fish", "tcsh", "zsh"])
    it(`works for a user whose login shell is ${shell}`, async function () {
      if (!existsSync(`/usr/bin/${shell}`)) skip(this, `needs ${shell}`);
      // The shell gets the command line exactly as sshd would hand it over.
      const wrapper = sshd!.path(`ssh-${shell}`);
      const script = `#!/bin/sh\nfor last; do :; done\nexec /usr/bin/${shell} -c "$last"\n`;
      writeFileSync(wrapper, script, { mode: 0o755 });
      const machine = new SshMachine(sshd!.spec(), [wrapper]);
      const odd = "a b'c\"d\n$e!!f\\";
      assert.equal((await machine.run(["printf", "%s", odd], { env: { X: "!" } })).stdout, odd);
    });

  it("works through sudo", async function () {
    if (!existsSync("/usr/bin/sudo")) skip(this, "needs sudo");
    const machine = new SshMachine({ ...sshd!.spec(), sudo: true });
    const result = await machine.run(["sh", "-c", 'id -un; printf %s "$SUDO_USER"; cat'], { stdin: "in" });
    assert.equal(result.stdout, "root\nrootin");
  });

  it("kills the remote command when the process that asked is killed with SIGKILL", async () => {
    const mark = `9${randomBytes(3).readUIntBE(0, 3)}`;
    const program = `
      const { SshMachine } = require("./providers/machine/ssh-machine");
      new SshMachine(${JSON.stringify(sshd!.spec())}).run(["sh", "-c", "sleep ${mark} & wait"]);`;
    const child = spawn(process.execPath, ["-r", "ts-node/register", "-e", program], { stdio: "ignore" });
    assert.ok(await eventually(() => running(mark)), "the command has not started");
    child.kill("SIGKILL");
    assert.ok(await eventually(() => !running(mark)), "the command is still there");
  });

  it("says what to do about an unknown host key, and does not accept it", async () => {
    writeFileSync(sshd!.path("empty"), "");
    const machine = new SshMachine(
      sshd!.spec({ UserKnownHostsFile: sshd!.path("empty"), StrictHostKeyChecking: "ask" }),
    );
    const { message, mayHaveRun } = await unreachable(machine);
    assert.match(message, /^ssh root@127\.0\.0\.1:\d+: the ssh connection failed\n/);
    assert.match(message, /Host key verification failed/);
    assert.match(message, /Fix: log in once by hand \(`ssh -p \d+ -l root -- 127\.0\.0\.1`\) and compare the host key/);
    assert.equal(mayHaveRun, false);
  });

  it("says what to do about a key that is not accepted", async () => {
    const { message } = await unreachable(new SshMachine(sshd!.spec({ IdentityFile: sshd!.path("stranger") })));
    assert.match(message, /Permission denied/);
    assert.match(message, /Fix: make `ssh -p \d+ -l root -- 127\.0\.0\.1` work without a password/);
  });

  it("says that nothing listens", async () => {
    const { message, mayHaveRun } = await unreachable(new SshMachine({ ...sshd!.spec(), port: 1 }));
    assert.match(message, /Connection refused/);
    assert.equal(mayHaveRun, false);
  });

  it("says that ssh is not installed", async () => {
    const { message } = await unreachable(new SshMachine(sshd!.spec(), ["/nonexistent/ssh"]));
    assert.match(message, /cannot run \/nonexistent\/ssh: .*\nFix: install the OpenSSH client/);
  });

  it("tells a lost connection from an exit code", async () => {
    const other = await PrivateSshd.start();
    try {
      const machine = new SshMachine(other.spec());
      await machine.run(["true"]);
      const lost = machine.run(["sleep", "60"]).catch((reason) => reason);
      await sleep(500);
      await other.stop();
      const error = await lost;
      assert.ok(error instanceof UnreachableError, `${error}`);
      assert.equal(error.mayHaveRun, true);
    } finally {
      await other.stop();
      other.remove();
    }
  });
});
