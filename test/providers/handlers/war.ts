import { strToU8, zipSync } from "fflate";

/** A WAR, which is a zip archive, of these files. */
export function war(files: { [path: string]: string }): Buffer {
  const entries = Object.entries(files).map(([path, text]) => [
    path,
    [strToU8(text), { mtime: "1980-01-01T00:00:00" }],
  ]);
  return Buffer.from(zipSync(Object.fromEntries(entries)));
}
