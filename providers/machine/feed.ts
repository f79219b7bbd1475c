/** Input of a command that is larger than memory, and whose length is known before. */
export interface Feed {
  length: number;
  chunks: AsyncIterable<Buffer>;
}

/** What a command reads on its standard input. */
export type Input = string | Buffer | Feed;

export function isFeed(input: Input | undefined): input is Feed {
  return typeof input === "object" && !Buffer.isBuffer(input);
}

/** All of the input at once, for machines that can take it in no other way. */
export async function wholeInput(input: Input = ""): Promise<Buffer> {
  if (!isFeed(input)) return Buffer.from(input);
  const parts: Buffer[] = [];
  for await (const chunk of input.chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** Bytes, and what follows them. */
export function before(bytes: Buffer, feed: Feed): Feed {
  async function* chunks() {
    yield bytes;
    yield* feed.chunks;
  }
  return { length: bytes.length + feed.length, chunks: chunks() };
}
