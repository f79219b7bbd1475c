/** Takes a stream of bytes apart. */
export class ByteReader {
  private readonly source: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.source = source[Symbol.asyncIterator]();
  }

  /** Exactly `length` bytes; undefined where the stream ends before. */
  async take(length: number): Promise<Buffer | undefined> {
    if (this.rest.length >= length) return this.cut(length);
    const parts: Buffer[] = [this.rest];
    let got = this.rest.length;
    this.rest = Buffer.alloc(0);
    while (got < length) {
      const { value, done } = await this.source.next();
      if (done) return undefined;
      parts.push(value);
      got += value.length;
    }
    this.rest = Buffer.concat(parts);
    return this.cut(length);
  }

  /** Up to `length` bytes, as they come; undefined at the stream's end. */
  async some(length: number): Promise<Buffer | undefined> {
    while (this.rest.length === 0) {
      const { value, done } = await this.source.next();
      if (done) return undefined;
      this.rest = value;
    }
    return this.cut(Math.min(length, this.rest.length));
  }

  async close(): Promise<void> {
    await this.source.return?.();
  }

  private cut(length: number): Buffer {
    const cut = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return cut;
  }
}
