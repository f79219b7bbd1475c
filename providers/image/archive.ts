import { longestName, tar } from "../content/tar";

/** One file of an archive. */
export interface ArchiveEntry {
  /** At most 100 bytes, without "..". */
  name: string;
  content: Buffer | string;
}

/** A tar archive (POSIX.1-1988 ustar) of regular files, readable by their owner alone. */
export function archive(entries: readonly ArchiveEntry[]): Buffer {
  const long = entries.find(({ name }) => Buffer.byteLength(name) > longestName);
  if (long) throw new RangeError(`archive member ${long.name} has a name of over ${longestName} bytes`);
  return tar(entries.map(({ name, content }) => ({ path: name, mode: "600", bytes: Buffer.from(content) })));
}
