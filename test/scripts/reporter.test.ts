import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const skip = path.resolve("test/skip.ts");

describe("the reporter", function () {
  this.timeout(30_000);
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(path.join(tmpdir(), "reporter-"))));
  afterEach(() => rmSync(directory, { recursive: true }));

  /** Runs mocha, configured as for the project, on one file with this code. */
  function run(code: string): { status: number | null; lines: string[] } {
    const file = path.join(directory, "some.test.js");
    writeFileSync(file, `const { skip } = require(${JSON.stringify(skip)});\n${code}`);
    const { status, stdout } = spawnSync(process.execPath, ["node_modules/mocha/bin/mocha.js", file], {
      encoding: "utf8",
      env: { ...process.env, CI: "true" },
    });
    return { status, lines: stdout.trimEnd().split("\n") };
  }

  it("closes with the counts and lists what was skipped with the reasons", () => {
    const { status, lines } = run(`
      describe("guests", () => {
        it("start", () => {});
        it("migrate", function () { skip(this, "needs a second host"); });
        it.skip("dance", () => {});
        describe("on Xen", () => {
          before(function () { skip(this, "no Xen here"); });
          it("boot", () => {});
          it("stop", () => {});
        });
      });
      process.on("exit", () => console.log("a late word"));`);
    assert.equal(status, 0);
    const list = lines.slice(lines.indexOf("Skipped") + 1).filter((line) => line.startsWith("  "));
    assert.deepEqual(list, [
      "  guests migrate: needs a second host",
      "  guests dance",
      "  guests on Xen boot: no Xen here",
      "  guests on Xen stop: no Xen here",
    ]);
    assert.equal(lines.at(-1), "1 passed, 0 failed, 4 skipped");
  });

  it("counts failed hooks as failures", () => {
    const { status, lines } = run(`
      it("passes", () => {});
      it("fails", () => { throw new Error("no guest answered"); });
      describe("broken", () => {
        before(() => { throw new Error("no host"); });
        it("never runs", () => {});
      });`);
    assert.notEqual(status, 0);
    assert.ok(lines.some((line) => line.includes("no guest answered")));
    assert.ok(lines.some((line) => line.includes("no host")));
    assert.equal(lines.at(-1), "1 passed, 2 failed, 0 skipped");
  });

  it("fails when no test ran", () => {
    const { status, lines } = run("");
    assert.notEqual(status, 0);
    assert.equal(lines.at(-1), "0 passed, 0 failed, 0 skipped");
  });

  it("fails when a test was left with `only`", () => {
    assert.notEqual(run(`it${"."}only("alone", () => {});`).status, 0);
  });
});
