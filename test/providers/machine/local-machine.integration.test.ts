import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { LocalMachine } from "../../../providers/machine/local-machine";
import { skip } from "../../skip";
import { conforms } from "./conformance";

/** Whether a process with exactly these arguments runs on this host. */
function running(argv: string[]): boolean {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8") === argv.map((arg) => `${arg}\0`).join("");
      } catch {
        return false;
      }
    });
}

async function eventually(condition: () => boolean): Promise<boolean> {
  for (let i = 0; i < 100 && !condition(); i++) await sleep(100);
  return condition();
}

describe("local machine", function () {
  this.timeout(60_000);

  before(function () {
    if (process.getuid?.() !== 0) skip(this, "needs root, to give files to other owners");
  });

  conforms(() => new LocalMachine());

  it("kills its commands when the process that asked is killed with SIGKILL", async () => {
    const mark = `9${randomBytes(3).readUIntBE(0, 3)}`;
    const argv = ["sleep", mark];
    const program = `
      const { LocalMachine } = require("./providers/machine/local-machine");
      new LocalMachine().run(["sh", "-c", "sleep ${mark} & wait"]);`;
    const child = spawn(process.execPath, ["-r", "ts-node/register", "-e", program], { stdio: "ignore" });
    assert.ok(await eventually(() => running(argv)), "the command has not started");
    child.kill("SIGKILL");
    assert.ok(await eventually(() => !running(argv)), "the command is still there");
  });
});
