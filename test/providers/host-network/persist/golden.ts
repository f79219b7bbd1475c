import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Persistence } from "../../../../providers/host-network/persist/renderer";

/**
 * Compares what is to be done with golden/NAME.txt: every file under a line with its path and mode, then the rest.
 * With UPDATE_GOLDEN=1 in the environment it is written instead: look at the difference before you commit it.
 */
export function assertGolden({ files, remove, handover, warnings }: Persistence, name: string): void {
  const text = [
    ...[...files]
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .map(({ path, mode, content }) => `==> ${path} ${mode.toString(8).padStart(4, "0")}\n${content}`),
    ...remove.map((path) => `==> removed ${path}\n`),
    ...handover.map((argv) => `==> runs ${argv.join(" ")}\n`),
    ...warnings.map((warning) => `==> warns: ${warning}\n`),
  ].join("\n");
  const path = join(__dirname, "golden", `${name}.txt`);
  if (process.env["UPDATE_GOLDEN"]) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  assert.equal(text, readFileSync(path, "utf8"));
}
