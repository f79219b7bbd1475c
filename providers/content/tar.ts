/** One file of an archive. */
export interface TarFile {
  path: string;
  /** Octal: "644". */
  mode: string;
  bytes: Buffer;
}

const block = 512;
/** Bytes of a name that every tar reads. */
export const longestName = 100;

/** An archive (POSIX ustar; longer names as GNU tar has them) of regular files. */
export function tar(files: readonly TarFile[]): Buffer {
  const parts = files.flatMap(({ path, mode, bytes }) => {
    const name = Buffer.from(path);
    const long = Buffer.concat([name, Buffer.alloc(1)]);
    const before =
      name.length > longestName ? [header(Buffer.from("././@LongLink"), "L", "644", long.length), padded(long)] : [];
    return [...before, header(name.subarray(0, longestName), "0", mode, bytes.length), padded(bytes)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((block - (bytes.length % block)) % block)]);
}

function header(name: Buffer, type: string, mode: string, size: number): Buffer {
  const made = Buffer.alloc(block);
  name.copy(made);
  made.write(`${mode.padStart(7, "0")}\0`, 100);
  made.write(`${"0".repeat(7)}\0`, 108);
  made.write(`${"0".repeat(7)}\0`, 116);
  made.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  made.write(`${"0".repeat(11)}\0`, 136);
  made.write(" ".repeat(8), 148);
  made.write(type, 156);
  made.write("ustar\0", 257);
  made.write("00", 263);
  const sum = made.reduce((total, byte) => total + byte, 0);
  made.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return made;
}
