import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, type ReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { OperatorError } from "../dynamic/errors";
import { lastLines } from "../machine/command-error";
import { damaged } from "./header";
import type { RpmPackage } from "./package-file";

const chunkSize = 256 * 1024;

/** A payload says itself how much memory unpacking it takes; xz -9 makes such as take 65 MiB. zstd has a limit of its own. */
const xz = ["xz", "-dc", "--memlimit-decompress=512MiB"];

/** Programs of the machine that runs pulumi, which read standard input and write standard output. */
const programs: { [compressor: string]: { argv: string[]; debian: string } } = {
  xz: { argv: xz, debian: "xz-utils" },
  lzma: { argv: [...xz, "--format=lzma"], debian: "xz-utils" },
  bzip2: { argv: ["bzip2", "-dc"], debian: "bzip2" },
  zstd: { argv: ["zstd", "-dcq"], debian: "zstd" },
};

/**
 * The bytes of a package's payload, unpacked. The file is opened by who begins to read, and whoever stops early ends what
 * unpacks them.
 */
export async function* unpacked({
  path,
  payload: { offset, compressor },
}: Pick<RpmPackage, "path" | "payload">): AsyncGenerator<Buffer> {
  const unpacker = unpackerOf(compressor);
  yield* unpacker(createReadStream(path, { start: offset, highWaterMark: 1 << 20 }));
}

function unpackerOf(compressor: string): (packed: ReadStream) => AsyncIterable<Buffer> {
  if (compressor === "none" || compressor === "ufdio") return (packed) => packed;
  if (compressor === "gzip") return (packed) => through(packed, zlib.createGunzip({ chunkSize }));
  // Node has it since 22.15.
  if (compressor === "zstd" && zlib.createZstdDecompress)
    return (packed) => through(packed, zlib.createZstdDecompress({ chunkSize }));
  const program = programs[compressor];
  if (!program)
    throw new OperatorError(`has a payload that is packed with ${compressor}`, {
      fix: "give one packed with gzip, xz, zstd, bzip2 or lzma",
    });
  return (packed) => throughProgram(packed, program);
}

async function* through(
  packed: NodeJS.ReadableStream,
  unpacker: zlib.Gunzip | zlib.ZstdDecompress,
): AsyncGenerator<Buffer> {
  // Its failure is also the reader's, who tells.
  const fed = pipeline(packed, unpacker).catch(() => {});
  try {
    for await (const chunk of unpacker) yield chunk as Buffer;
  } catch (cause) {
    throw damagedPayload(cause as Error);
  } finally {
    unpacker.destroy();
    await fed;
  }
}

async function* throughProgram(
  packed: NodeJS.ReadableStream,
  { argv, debian }: { argv: string[]; debian: string },
): AsyncGenerator<Buffer> {
  const [program, ...args] = argv as [string, ...string[]];
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (data: Buffer) => (said = `${said}${data.toString()}`.slice(-4000)));
  const ended = once(child, "close").catch((cause: NodeJS.ErrnoException) => cause);
  const fed = pipeline(packed, child.stdin).catch(() => {});
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const ending = await ended;
    if (ending instanceof Error)
      throw new OperatorError(`is packed with a program that this machine lacks: ${program}`, {
        fix: `apt-get install ${debian}, on the machine that runs pulumi`,
        cause: ending,
      });
    if (ending[0] !== 0) throw damagedPayload(new Error(lastLines(said).trim() || `${program} failed`));
  } finally {
    child.kill("SIGKILL");
    await Promise.all([fed, ended]);
  }
}

function damagedPayload(cause: Error): OperatorError {
  return damaged(`its payload cannot be unpacked: ${cause.message}`);
}
