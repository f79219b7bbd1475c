const block = 512;

/** One file of an archive. */
export interface ArchiveEntry {
  /** At most 100 bytes, without "..". */
  name: string;
  content: Buffer | string;
}

/** A tar archive (POSIX.1-1988 ustar) of regular files, readable by their owner alone. */
export function archive(entries: readonly ArchiveEntry[]): Buffer {
  const parts = entries.flatMap(({ name, content }) => {
    const data = Buffer.from(content);
    const padding = Buffer.alloc((block - (data.length % block)) % block);
    return [header(name, data.length), data, padding];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

function header(name: string, size: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new RangeError(`archive member ${name} has a name of over 100 bytes`);
  const bytes = Buffer.alloc(block);
  const octal = (value: number, at: number, width: number) =>
    bytes.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
  bytes.write(name, 0);
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  bytes.write("        0", 148, "latin1");
  bytes.write("ustar\x0000", 257, "latin1");
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return bytes;
}
