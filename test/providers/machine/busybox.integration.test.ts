import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SshMachine } from "../../../providers/machine/ssh-machine";
import { skip } from "../../skip";
import { conforms } from "./conformance";

/** A machine that has nothing but busybox, as Alpine and many appliances: every tool the scripts use is its. */
describe("machine with busybox alone", function () {
  this.timeout(60_000);
  let folder: string | undefined;
  let login: string;

  before(function () {
    if (process.getuid?.() !== 0) skip(this, "needs root, to give files to other owners");
    if (!existsSync("/usr/bin/busybox") && !existsSync("/bin/busybox")) skip(this, "needs busybox");
    folder = mkdtempSync(join(tmpdir(), "kvm-busybox-"));
    execFileSync("busybox", ["--install", "-s", folder]);
    login = join(folder, "stand-in-for-ssh");
    // In the place of ssh: runs the command line as a login shell over there would.
    writeFileSync(login, `#!/bin/sh\nfor last; do :; done\nPATH=${folder} exec sh -c "$last"\n`, { mode: 0o755 });
  });

  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  conforms(() => new SshMachine({ kind: "ssh", host: "busybox" }, [login]));
});
