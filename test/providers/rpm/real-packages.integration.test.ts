import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { LocalMachine } from "../../../providers/machine/local-machine";
import { RpmImageBuilder, rpmImageName } from "../../../providers/rpm/rpm-image";
import { rpmImageSchema } from "../../../providers/schema/rpm-image";
import { skip } from "../../skip";
import { ownersIn, placesByCpio, placesIn } from "./unpacked-tree";

/** Where set-up puts the packages that distributions' build services made: rpmlint's test data, from PyPI. */
const packages = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "pulumi-kvm", "rpms");

describe("images out of distributions' packages", function () {
  this.timeout(180_000);
  let folder: string;
  let rpms: string[];

  before(function () {
    if (process.getuid?.() !== 0) skip(this, "needs root");
    if (!existsSync(packages)) skip(this, "needs packages that set-up fetches with Python's pip");
    for (const tool of ["/usr/bin/rpm2cpio", "/usr/bin/cpio", "/usr/sbin/getcap"])
      if (!existsSync(tool)) skip(this, `needs ${tool}`);
    folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-rpm-"));
    const size = (name: string) => statSync(join(packages, name)).size;
    rpms = readdirSync(packages).sort((a, b) => size(b) - size(a));
    // The small ones are made for rpmlint's tests: empty, or with one file.
    if (!process.env["PULUMI_KVM_LARGE_TESTS"]) rpms = rpms.slice(0, 24);
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  it("are the trees that rpm2cpio and cpio unpack", async () => {
    let compared = 0;
    for (const name of rpms) {
      const path = join(packages, name);
      const directory = join(folder, name);
      mkdirSync(directory);
      const expected = placesByCpio(path, join(directory, "theirs"));
      if (Object.keys(expected).length === 0) continue;
      const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
      const from = { machine: { kind: "local" }, directory, packages: [{ path, sha256 }] };
      const inputs = v.parse(rpmImageSchema, { ...from, ...ownersIn(path) });
      await new RpmImageBuilder(new LocalMachine()).build(inputs, { timeout: 60_000, progress() {} });
      assert.deepEqual(placesIn(join(directory, `${rpmImageName(inputs).name}.root`)), expected, name);
      compared++;
    }
    assert.ok(compared >= 20, `only ${compared} packages have files`);
  });
});
