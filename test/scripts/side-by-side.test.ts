import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

describe("tests side by side", function () {
  this.timeout(60_000);
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(path.join(tmpdir(), "side by side-"))));
  afterEach(() => rmSync(directory, { recursive: true }));

  /** Runs test files with this code, each in a run of its own. */
  function run(...codes: string[]): { status: number | null; stdout: string } {
    const files = codes.map((code, at) => {
      const file = path.join(directory, `${at}.test.js`);
      writeFileSync(file, code);
      return file;
    });
    const { status, stdout } = spawnSync(process.execPath, ["scripts/side-by-side.js", ...files], {
      encoding: "utf8",
      env: { ...process.env, CI: "true" },
    });
    return { status, stdout };
  }

  it("end with what failed in any, and the counts of all", () => {
    const { status, stdout } = run(
      `it("good", () => {}); it("bad", () => { throw new Error("one"); });`,
      `it("fine", () => {}); it.skip("not yet", () => {}); it("worse", () => { throw new Error("two"); });`,
    );
    assert.equal(status, 1);
    assert.match(
      stdout,
      /\nAll that failed\n[^]*bad:\n +Error: one[^]*worse:\n +Error: two[^]*\n2 passed, 2 failed, 1 skipped\n$/,
    );
  });

  it("succeed where all do, and fail where a run does not come to its end", () => {
    const good = `it("good", () => {});`;
    const all = run(good, good);
    assert.equal(all.status, 0);
    assert.doesNotMatch(all.stdout, /failed\n/);
    assert.match(all.stdout, /\n2 passed, 0 failed, 0 skipped\n$/);
    const ended = run(good, `it("ends", () => process.kill(process.pid, "SIGKILL"));`);
    assert.equal(ended.status, 1);
    assert.match(ended.stdout, /\n1 passed, 1 failed, 0 skipped\n$/);
  });
});
