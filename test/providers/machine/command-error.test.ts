import assert from "node:assert/strict";
import { CommandError } from "../../../providers/machine/command-error";
import { UnreachableError } from "../../../providers/machine/unreachable-error";

const failure = { argv: ["nginx", "-t"], machine: "guest web-1", exitCode: 1, stdout: "", stderr: "" };
const message = (changes: Partial<typeof failure> & { stopped?: string }) =>
  new CommandError({ ...failure, ...changes }).message;

describe("CommandError", () => {
  it("tells the command, the machine, the exit code and the end of stderr", () => {
    assert.equal(
      message({ stderr: 'nginx: [emerg] unknown directive "sever"\nnginx: test failed\n', stdout: "not this" }),
      '`nginx -t` on guest web-1: exit code 1\n  nginx: [emerg] unknown directive "sever"\n  nginx: test failed',
    );
  });

  it("shows stdout where stderr is empty, and nothing where both are", () => {
    assert.equal(
      message({ stderr: " \n", stdout: "on stdout" }),
      "`nginx -t` on guest web-1: exit code 1\n  on stdout",
    );
    assert.equal(message({}), "`nginx -t` on guest web-1: exit code 1");
  });

  it("names the signal behind an exit code, and why we stopped it", () => {
    assert.equal(message({ exitCode: 137 }), "`nginx -t` on guest web-1: exit code 137 (128 + SIGKILL)");
    assert.equal(message({ stopped: "timed out after 30 s" }), "`nginx -t` on guest web-1: timed out after 30 s");
  });

  it("shows the last 20 lines of much output, within 4000 characters", () => {
    const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`).join("\n");
    assert.equal(message({ stderr: lines }).split("\n").length, 21);
    assert.ok(message({ stderr: "x".repeat(100_000) }).length < 4200);
  });
});

describe("UnreachableError", () => {
  it("tells the machine, the reason, what was said and what to do", () => {
    const error = new UnreachableError("ssh root@kvm1", "the ssh connection failed", {
      output: "kex_exchange_identification: read: Connection reset\n",
      fix: "see what `ssh kvm1` says",
    });
    assert.equal(
      error.message,
      "ssh root@kvm1: the ssh connection failed\n" +
        "  kex_exchange_identification: read: Connection reset\n" +
        "Fix: see what `ssh kvm1` says",
    );
    assert.equal(error.mayHaveRun, false);
  });
});
