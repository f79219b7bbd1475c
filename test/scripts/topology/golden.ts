import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Compares a picture with golden/NAME. With UPDATE_GOLDEN=1 in the environment it is written instead: look at the picture
 * before you commit it.
 */
export function assertGolden(text: string, name: string): void {
  const path = join(__dirname, "golden", name);
  if (process.env["UPDATE_GOLDEN"]) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, "utf8"));
}
