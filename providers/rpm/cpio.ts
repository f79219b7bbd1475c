import type { ByteReader } from "./byte-reader";
import { damaged } from "./header";
import { shown, type RpmFile } from "./files";

/** One entry of a payload, whose content has to be read before the next one is asked for. */
export interface PayloadEntry {
  file: RpmFile;
  size: number;
  content(): AsyncGenerator<Buffer>;
}

const headerLength = 110;
const longestName = 4096 + 64;
const trailer = "TRAILER!!!";

/**
 * The entries of an RPM's payload: cpio's "new ASCII format" (cpio(5)), or the form that rpm has for files of over 4 GiB,
 * which names a file by its place in the package's list and leaves all else to that. The package's list says what there
 * may be: an entry that it does not have, or has in another size, is refused.
 */
export async function* payloadEntries(reader: ByteReader, files: readonly RpmFile[]): AsyncGenerator<PayloadEntry> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const last = lastOfLinks(files);
  const seen = new Set<RpmFile>();
  for (;;) {
    const magic = await take(reader, 6);
    let file: RpmFile | undefined;
    let size: number;
    if (magic === "07070X") {
      const index = hex(await take(reader, 8));
      await take(reader, 2);
      file = files[index];
      if (!file) throw damaged(`its payload has a file ${index}, and its header lists ${files.length}`);
      size = brought(file, last);
    } else if (magic === "070701" || magic === "070702") {
      const header = await take(reader, headerLength - 6);
      const field = (number: number) => hex(header.slice(number * 8, number * 8 + 8));
      const nameSize = field(11);
      if (nameSize < 1 || nameSize > longestName) throw damaged(`its payload has a name of ${nameSize} bytes`);
      const padded = await take(reader, nameSize + padding(headerLength + nameSize));
      const name = padded.slice(0, nameSize).replace(/\0[^]*$/, "");
      if (name === trailer) break;
      file = byPath.get(`/${name.replace(/^\.?\//, "")}`);
      if (!file) throw damaged(`its payload has ${shown(name)}, which its header does not list`);
      size = field(6);
      const empty = size === 0 && file.links !== undefined;
      const expected = file.type === "symlink" ? file.target.length : file.type === "file" ? file.size : 0;
      if (!empty && size !== expected)
        throw damaged(`${shown(file.path)} has ${size} bytes in its payload, and ${expected} in its header`);
    } else throw damaged("its payload is no archive of the form that rpm has");
    if (file.ghost) throw damaged(`its payload has ${shown(file.path)}, which its header says that it does not`);
    if (seen.has(file)) throw damaged(`its payload has ${shown(file.path)} twice`);
    seen.add(file);
    let left = size;
    const content = async function* () {
      while (left > 0) {
        const chunk = await reader.some(left);
        if (!chunk) throw early();
        left -= chunk.length;
        yield chunk;
      }
    };
    yield { file, size, content };
    if (left > 0) throw new Error(`the content of ${file.path} was not read`);
    await take(reader, padding(size));
  }
  const missing = files.find((file) => !file.ghost && !seen.has(file));
  if (missing) throw damaged(`its payload lacks ${shown(missing.path)}`);
}

/** Of files that are one, the last brings the content. */
function lastOfLinks(files: readonly RpmFile[]): Map<string, RpmFile> {
  return new Map(
    files.flatMap((file) => (file.links === undefined || file.ghost ? [] : [[file.links, file] as const])),
  );
}

function brought(file: RpmFile, last: Map<string, RpmFile>): number {
  if (file.type === "symlink") return file.target.length;
  if (file.type !== "file") return 0;
  return file.links === undefined || last.get(file.links) === file ? file.size : 0;
}

async function take(reader: ByteReader, length: number): Promise<string> {
  const bytes = await reader.take(length);
  if (!bytes) throw early();
  return bytes.toString("latin1");
}

function early() {
  return damaged("its payload ends early");
}

function hex(text: string): number {
  if (!/^[0-9a-fA-F]{8}$/.test(text)) throw damaged("its payload has a header that is no number");
  return parseInt(text, 16);
}

function padding(length: number): number {
  return (4 - (length % 4)) % 4;
}
