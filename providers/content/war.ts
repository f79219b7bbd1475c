import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { zipSync, type Zippable } from "fflate";
import { readContent } from "./folder";

/** The first day that a ZIP file can say. */
const always = "1980-01-01T00:00:00";

/**
 * The bytes of a WAR: a file, or a folder with what is in one, WEB-INF and all, which is packed the same way every time.
 */
export function readWar(path: string): Buffer {
  if (!statSync(path).isDirectory()) return readFileSync(path);
  const entries: Zippable = Object.fromEntries(
    readContent(path).files.map((file) => [file.path, [readFileSync(join(path, file.path)), { mtime: always }]]),
  );
  const { buffer, byteOffset, byteLength } = zipSync(entries);
  return Buffer.from(buffer, byteOffset, byteLength);
}
