import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { OperatorError } from "../dynamic/errors";
import { filesOf, type RpmFile } from "./files";
import { damaged, Header, headerLength, tag } from "./header";

/** What is known of an RPM from its headers, which are as their digests say. */
export interface RpmPackage {
  /** How messages call it: the last part of its path or URL. */
  label: string;
  /** On the machine that runs pulumi. */
  path: string;
  /** "nginx-1.24.0-1.x86_64". */
  name: string;
  architecture: string;
  sha256: string;
  files: RpmFile[];
  /** The name of a digest for node:crypto, which `files` have. */
  digestAlgorithm: string;
  /** The scripts that rpm would run when it installs or removes it: "%post". */
  scriptlets: string[];
  /** What it says to need, for its files, and to bring beside them: "libc.so.6()(64bit)", "/bin/sh". Names without versions. */
  requires: string[];
  provides: string[];
  /** Where its payload begins, and what unpacks it: "gzip", "xz", "zstd", "bzip2", "lzma" or "none". */
  payload: { offset: number; compressor: string };
}

const leadLength = 96;
const algorithms: { [number: number]: string } = {
  1: "md5",
  2: "sha1",
  8: "sha256",
  9: "sha384",
  10: "sha512",
  11: "sha224",
};

const scripts: [keys: number[], name: string][] = [
  [[tag.PreTrans, tag.PreTransProg], "%pretrans"],
  [[tag.PreIn, tag.PreInProg], "%pre"],
  [[tag.PostIn, tag.PostInProg], "%post"],
  [[tag.PreUn, tag.PreUnProg], "%preun"],
  [[tag.PostUn, tag.PostUnProg], "%postun"],
  [[tag.PostTrans, tag.PostTransProg], "%posttrans"],
  [[tag.TriggerScripts], "%trigger"],
  [[tag.FileTriggerScripts, tag.TransFileTriggerScripts], "%filetrigger"],
];

/**
 * Reads an RPM's headers and compares all of the file with its own digests and with `sha256`, where that is given.
 *
 * The format is rpm's version 4 (https://rpm-software-management.github.io/rpm/manual/format_v4.html): a lead of 96
 * bytes, the signatures' header filled up to 8 bytes, the package's header, and a packed cpio archive.
 *
 * @throws OperatorError that begins with the label
 */
export async function readPackage(path: string, label: string, sha256?: string): Promise<RpmPackage> {
  try {
    return await read(path, label, sha256);
  } catch (cause) {
    throw cause instanceof OperatorError ? new OperatorError(`${label} ${cause.message}`, { cause }) : cause;
  }
}

async function read(path: string, label: string, wanted: string | undefined): Promise<RpmPackage> {
  const { signatures, header, offset, length } = await headers(path);
  if (header.string(tag.SourceRpm) === undefined)
    throw new OperatorError("is a source package", { fix: "give the package that is built from it" });
  const format = header.string(tag.PayloadFormat) ?? "cpio";
  if (format !== "cpio")
    throw new OperatorError(`has a payload of the format ${format}`, { fix: "give a package with files" });

  const size = signatures.number(tag.LongSize) ?? signatures.number(tag.Size);
  const actual = length - offset + header.bytes.length;
  if (size !== undefined && actual < size)
    throw new OperatorError(`ends early: ${actual} of ${size} bytes are there`, { fix: "fetch it again" });
  const headerDigest = signatures.string(tag.Sha256Header);
  if (headerDigest !== undefined) {
    if (!header.sealed) throw damaged("its header has parts that no digest covers");
    if (createHash("sha256").update(header.bytes).digest("hex") !== headerDigest)
      throw damaged("its header does not have the digest that it says");
  }
  const found = await digests(path, offset, header);
  if (wanted !== undefined && found.sha256 !== wanted)
    throw new OperatorError(`has the SHA-256 digest ${found.sha256}, not ${wanted}`, {
      fix: "fetch it again, or correct sha256",
    });
  if (found.payload !== found.declared) throw damaged("its payload does not have the digest that its header says");

  const name = `${header.string(tag.Name)}-${header.string(tag.Version)}-${header.string(tag.Release)}`;
  const architecture = header.string(tag.Arch) ?? "noarch";
  return {
    label,
    path,
    name: `${name}.${architecture}`,
    architecture,
    sha256: found.sha256,
    files: filesOf(header),
    digestAlgorithm: algorithm(header.number(tag.FileDigestAlgo) ?? 1),
    scriptlets: scripts.filter(([keys]) => keys.some((key) => header.has(key))).map(([, name]) => name),
    requires: requiresOf(header),
    provides: header.strings(tag.ProvideName) ?? [],
    payload: { offset, compressor: header.string(tag.PayloadCompressor) ?? "none" },
  };
}

/** RPMSENSE_SCRIPT_PRE to RPMSENSE_SCRIPT_POSTUN, and RPMSENSE_RPMLIB: what scripts need, and what unpacks it. */
const needless = 0x1e00 | (1 << 24);

function requiresOf(header: Header): string[] {
  const flags = header.numbers(tag.RequireFlags) ?? [];
  return (header.strings(tag.RequireName) ?? []).filter((_, index) => ((flags[index] ?? 0) & needless) === 0);
}

async function headers(path: string) {
  const file = await open(path).catch((cause) => {
    const missing = cause.code === "ENOENT";
    throw new OperatorError(missing ? `does not exist (${path})` : `cannot be read: ${cause.code}`, {
      fix: missing
        ? "correct the path, it is taken from the project's folder"
        : "allow the user who runs pulumi to read it",
      cause,
    });
  });
  try {
    const { size } = await file.stat();
    const lead = await part(file, 0, leadLength);
    if (lead.length < 4 || lead.readUInt32BE(0) !== 0xedabeedb)
      throw new OperatorError("is no RPM", { fix: "name an RPM" });
    if (lead.length < leadLength) throw damaged("it ends within its lead");
    if (lead[4]! < 3) throw new OperatorError(`is an RPM of version ${lead[4]}, which rpm itself no longer reads`);
    const signatures = await headerAt(file, leadLength);
    const begin = leadLength + Math.ceil(signatures.bytes.length / 8) * 8;
    const header = await headerAt(file, begin);
    return { signatures, header, offset: begin + header.bytes.length, length: size };
  } finally {
    await file.close();
  }
}

async function headerAt(file: FileHandle, offset: number): Promise<Header> {
  const length = headerLength(await part(file, offset, 16));
  return new Header(await part(file, offset, length));
}

async function part(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { size } = await file.stat();
  const wanted = Math.max(0, Math.min(length, size - offset));
  const buffer = Buffer.alloc(wanted);
  let got = 0;
  while (got < wanted) {
    const { bytesRead } = await file.read(buffer, got, wanted - got, offset + got);
    if (bytesRead === 0) break;
    got += bytesRead;
  }
  return buffer.subarray(0, got);
}

/** The digests of the file and of its payload, with what the header says of the latter. */
async function digests(path: string, offset: number, header: Header) {
  const declared = header.string(tag.PayloadDigest);
  const whole = createHash("sha256");
  const payload = createHash(algorithm(header.number(tag.PayloadDigestAlgo) ?? 8));
  const update = async (hashes: Hash[], range: { start?: number; end?: number }) => {
    for await (const chunk of createReadStream(path, { ...range, highWaterMark: 1 << 20 }))
      for (const hash of hashes) hash.update(chunk);
  };
  await update([whole], { end: offset - 1 });
  await update(declared === undefined ? [whole] : [whole, payload], { start: offset });
  return { sha256: whole.digest("hex"), payload: declared && payload.digest("hex"), declared };
}

function algorithm(number: number): string {
  const name = algorithms[number];
  if (name === undefined) throw new OperatorError(`has digests of an unknown kind (${number})`);
  return name;
}
