import { promisify } from "node:util";
import { inflateRaw } from "node:zlib";
import { OperatorError } from "../dynamic/errors";

/** One file of a ZIP archive. */
export interface ZipEntry {
  path: string;
  /** Permission bits where the archive was made on a Unix; else 0. */
  mode: number;
  bytes(): Promise<Buffer>;
}

const inflate = promisify(inflateRaw);
const [endMark, entryMark] = [0x06054b50, 0x02014b50];

/**
 * The files of an archive, each opened when it is asked for: PKWARE's APPNOTE.TXT, 4.3. What is larger than 4 GiB, or
 * encrypted, is not read.
 */
export function zipEntries(archive: Buffer): ZipEntry[] {
  const end = archive.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  if (end < 0 || archive.readUInt32LE(end) !== endMark) throw new OperatorError("it is not a ZIP archive");
  const entries: ZipEntry[] = [];
  let at = archive.readUInt32LE(end + 16);
  for (let number = archive.readUInt16LE(end + 10); number > 0; number--) {
    if (archive.readUInt32LE(at) !== entryMark) throw new OperatorError("the ZIP archive is damaged");
    const [name, extra, comment] = [28, 30, 32].map((offset) => archive.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ];
    const path = archive.toString("utf8", at + 46, at + 46 + name);
    const [method, size, header] = [at + 10, at + 20, at + 42].map((place, index) =>
      index === 0 ? archive.readUInt16LE(place) : archive.readUInt32LE(place),
    ) as [number, number, number];
    const mode = (archive.readUInt32LE(at + 38) >>> 16) & 0o777;
    if (!path.endsWith("/")) entries.push({ path, mode, bytes: () => content(archive, header, method, size) });
    at += 46 + name + extra + comment;
  }
  return entries;
}

async function content(archive: Buffer, header: number, method: number, size: number): Promise<Buffer> {
  const start = header + 30 + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28);
  const stored = archive.subarray(start, start + size);
  return method === 0 ? stored : ((await inflate(stored)) as Buffer);
}
