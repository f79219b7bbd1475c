import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

describe(".ci", () => {
  let bin: string;
  beforeEach(() => (bin = mkdtempSync(path.join(tmpdir(), "ci-"))));
  afterEach(() => rmSync(bin, { recursive: true }));

  /** Runs a script of .ci/ with an npm and a node that do this. */
  function run(script: string, args: string[], npm: string, node = "exit 0") {
    for (const [name, code] of Object.entries({ npm, node }))
      writeFileSync(path.join(bin, name), `#!/bin/bash\necho "${name} $*" >>"${bin}/calls"\n${code}\n`, {
        mode: 0o755,
      });
    const { status, stdout } = spawnSync("bash", [path.resolve(".ci", script), ...args], {
      encoding: "utf8",
      env: { PATH: `${bin}:${process.env["PATH"]}` },
      cwd: "/",
    });
    return { status, last: stdout.trimEnd().split("\n").at(-1) };
  }
  const calls = () => readFileSync(path.join(bin, "calls"), "utf8").trimEnd().split("\n");

  const npmWith = (lint: number, test: number) => `case "$*" in
    *lint) exit ${lint} ;;
    *test) echo "5 passed, ${test} failed, 0 skipped"; exit ${test} ;;
  esac`;

  it("run lints, tests, and ends with the counts", () => {
    assert.deepEqual(run("run", [], npmWith(0, 0)), { status: 0, last: "5 passed, 0 failed, 0 skipped" });
    assert.deepEqual(calls(), ["npm --silent run lint", "npm --silent test"]);
  });

  it("run fails when either of the two fails", () => {
    assert.deepEqual(run("run", [], npmWith(0, 2)), { status: 2, last: "5 passed, 2 failed, 0 skipped" });
    assert.deepEqual(run("run", [], npmWith(1, 0)), { status: 1, last: "5 passed, 0 failed, 0 skipped" });
  });

  const report = `case "$*" in *" staging") exit 1 ;; *" prod") echo broken; exit 1 ;; *) echo fine ;; esac`;

  it("preview posts a comment for every environment, and fails when one preview did", () => {
    assert.equal(run("preview", ["dev"], report).status, 0);
    assert.equal(run("preview", ["staging", "prod", "dev"], report).status, 1);
    assert.equal(calls()[0], "npm run --silent preview -- --markdown --topology --stack dev");
    assert.deepEqual(
      calls().filter((call) => call.startsWith("node")),
      ["dev", "staging", "prod", "dev"].map((name) => `node scripts/post-comment.js ${name}`),
    );
  });

  it("preview fails when a comment could not be posted", () => {
    assert.equal(run("preview", ["dev"], report, "exit 1").status, 1);
  });
});
