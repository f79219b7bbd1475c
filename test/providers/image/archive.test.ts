import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { archive } from "../../../providers/image/archive";

describe("archive", () => {
  it("is one that tar reads", () => {
    const folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-archive-"));
    try {
      const binary = Buffer.from([...Array(1025).keys()].map((byte) => byte & 255));
      const input = archive([
        { name: "empty", content: "" },
        { name: "block", content: "x".repeat(512) },
        { name: "binary", content: binary },
        { name: "n".repeat(100), content: "ümlaut\n" },
      ]);
      assert.equal(input.length % 512, 0);
      execFileSync("tar", ["-x", "-C", folder], { input });
      assert.deepEqual(readdirSync(folder).sort(), ["binary", "block", "empty", "n".repeat(100)]);
      assert.deepEqual(readFileSync(join(folder, "binary")), binary);
      assert.equal(readFileSync(join(folder, "n".repeat(100)), "utf8"), "ümlaut\n");
      assert.equal(statSync(join(folder, "empty")).mode & 0o777, 0o600);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("refuses a name that does not fit", () => {
    assert.throws(() => archive([{ name: "n".repeat(101), content: "" }]), RangeError);
  });
});
