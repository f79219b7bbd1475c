import { open } from "node:fs/promises";
import { OperatorError } from "../dynamic/errors";

/** A disk image on the machine that runs pulumi. */
export interface SourceFile {
  format: "qcow2" | "raw";
  /** Bytes of the file. */
  length: number;
  /** Bytes of the disk in it. */
  capacity: number;
}

/** First bytes of what people take for disk images, and what to do about it. */
const others: [magic: string, name: string, fix: string][] = [
  ["fd377a585a00", "compressed with xz", "unxz it first"],
  ["1f8b", "compressed with gzip", "gunzip it first"],
  ["28b52ffd", "compressed with zstd", "unzstd it first"],
  ["425a68", "compressed with bzip2", "bunzip2 it first"],
  ["504b0304", "a zip archive", "unzip it first"],
  ["4b444d56", "a VMDK image", "convert it: qemu-img convert -O qcow2"],
  ["7668647866696c65", "a VHDX image", "convert it: qemu-img convert -O qcow2"],
];

/** Reads what the file's header tells (QEMU's docs/interop/qcow2.txt). Throws where it cannot be a volume's content. */
export async function inspectSource(path: string): Promise<SourceFile> {
  const { header, length } = await readHeader(path);
  const [, name, fix] = others.find(([magic]) => header.toString("hex").startsWith(magic)) ?? [];
  if (name !== undefined) throw new OperatorError(`${path} is ${name}`, { fix });
  if (length === 0) throw new OperatorError(`${path} is empty`, { fix: "name a disk image" });
  if (header.toString("hex", 0, 4) !== "514649fb")
    return { format: "raw", length, capacity: Math.ceil(length / 512) * 512 };
  if (header.length < 72) throw new OperatorError(`${path} ends within its qcow2 header`, { fix: "fetch it again" });
  // A name in the header would be opened on the host: what it means there is not ours to know.
  if (header.readBigUInt64BE(8) !== 0n)
    throw new OperatorError(`${path} is an overlay of another file`, { fix: "flatten it: qemu-img convert -O qcow2" });
  const incompatible = header.readUInt32BE(4) >= 3 && header.length >= 80 ? header.readBigUInt64BE(72) : 0n;
  if ((incompatible & 4n) !== 0n)
    throw new OperatorError(`${path} keeps its data in another file`, { fix: "convert it: qemu-img convert -O qcow2" });
  return { format: "qcow2", length, capacity: Number(header.readBigUInt64BE(24)) };
}

async function readHeader(path: string): Promise<{ header: Buffer; length: number }> {
  const file = await open(path).catch((cause) => {
    const missing = cause.code === "ENOENT";
    throw new OperatorError(
      missing ? `${path} does not exist on this machine` : `${path} cannot be read: ${cause.code}`,
      {
        fix: missing
          ? "correct the path, it is taken from the project's folder"
          : "allow the user who runs pulumi to read it",
        cause,
      },
    );
  });
  try {
    const status = await file.stat();
    if (!status.isFile()) throw new OperatorError(`${path} is not a file`, { fix: "name a disk image" });
    const { buffer, bytesRead } = await file.read(Buffer.alloc(104), 0, 104, 0);
    return { header: buffer.subarray(0, bytesRead), length: status.size };
  } finally {
    await file.close();
  }
}
