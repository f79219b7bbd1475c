import { pipeline } from "node:stream/promises";
import { type Piece, type RpcStream } from "./rpc/rpc-stream";
import { STREAM_CHUNK } from "./rpc/packet";

/** What can be uploaded: bytes, or anything that yields them, e.g. fs.createReadStream(). */
export type Source = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

export interface TransferOptions {
  /** First byte of the volume; default 0. */
  offset?: number;
  /** Number of bytes; default 0, which means all. */
  length?: number;
  /**
   * Do not transfer zeros. An upload leaves the volume as it was where zeros would go: only for fresh volumes.
   * Default false.
   */
  sparse?: boolean;
  /** Called with the bytes done so far, holes included. */
  onProgress?(bytes: number): void;
  signal?: AbortSignal;
}

/** Zeros are looked for, and written out, in blocks of this size. */
const BLOCK = 65536;
const zeros = Buffer.alloc(BLOCK);

/** Sends all of `source`, no faster than libvirt takes it; resolves when libvirt has confirmed the last byte. */
export async function upload(stream: RpcStream, source: Source, options: TransferOptions): Promise<void> {
  const chunks = (source instanceof Uint8Array ? [source] : source) as AsyncIterable<Uint8Array>;
  try {
    await pipeline(chunks, (input: AsyncIterable<Uint8Array>) => cut(input, options), stream, {
      signal: options.signal,
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    await closed(stream);
  }
}

/** Writes all that libvirt sends to `sink`, no faster than that takes it, and ends it. */
export async function download(
  stream: RpcStream,
  sink: NodeJS.WritableStream,
  options: TransferOptions,
): Promise<void> {
  try {
    await pipeline(() => filled(stream, options), sink, { signal: options.signal });
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    await closed(stream);
  }
}

async function* cut(input: AsyncIterable<Uint8Array>, { sparse, onProgress }: TransferOptions): AsyncGenerator<Piece> {
  const step = sparse ? BLOCK : STREAM_CHUNK;
  let done = 0;
  for await (const chunk of input) {
    for (let start = 0; start < chunk.length; start += step) {
      const part = chunk.subarray(start, start + step);
      const empty = sparse && Buffer.compare(part, zeros.subarray(0, part.length)) === 0;
      yield empty ? { hole: part.length } : part;
      done += part.length;
      onProgress?.(done);
    }
  }
}

async function* filled(stream: RpcStream, { onProgress }: TransferOptions): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const piece of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Piece>) {
    if (piece instanceof Uint8Array) yield piece;
    else yield* blank(piece.hole);
    done += piece instanceof Uint8Array ? piece.length : piece.hole;
    onProgress?.(done);
  }
  await new Promise<void>((resolve, reject) => {
    stream.once("error", reject);
    stream.end(resolve);
  });
}

function* blank(length: number): Generator<Uint8Array> {
  for (let left = length; left > 0; left -= BLOCK) yield zeros.subarray(0, Math.min(left, BLOCK));
}

function closed(stream: RpcStream): Promise<void> {
  if (stream.closed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.on("error", () => {});
    stream.once("close", resolve);
    stream.destroy();
  });
}
