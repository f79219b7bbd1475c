/** Appends XDR units to one growing buffer. Every unit is a multiple of four bytes (RFC 4506, section 3). */
export class XdrWriter {
  private buffer: Buffer;
  private length = 0;

  constructor(initial = 256) {
    this.buffer = Buffer.allocUnsafe(initial);
  }

  uint32(value: number): void {
    this.length = this.room(4).writeUInt32BE(value, this.length);
  }

  int32(value: number): void {
    this.length = this.room(4).writeInt32BE(value, this.length);
  }

  uint64(value: bigint): void {
    this.length = this.room(8).writeBigUInt64BE(value, this.length);
  }

  int64(value: bigint): void {
    this.length = this.room(8).writeBigInt64BE(value, this.length);
  }

  float64(value: number): void {
    this.length = this.room(8).writeDoubleBE(value, this.length);
  }

  /** The bytes themselves and zeros up to the next multiple of four. */
  padded(bytes: Uint8Array): void {
    const padding = -bytes.length & 3;
    this.room(bytes.length + padding).set(bytes, this.length);
    this.length += bytes.length;
    this.buffer.fill(0, this.length, this.length + padding);
    this.length += padding;
  }

  /** Text as its byte count, its UTF-8 bytes and the padding. */
  text(value: string, byteLength: number): void {
    this.uint32(byteLength);
    const padding = -byteLength & 3;
    this.room(byteLength + padding).write(value, this.length, "utf8");
    this.length += byteLength;
    this.buffer.fill(0, this.length, this.length + padding);
    this.length += padding;
  }

  /** What was written so far; shares memory with the writer. */
  result(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  private room(bytes: number): Buffer {
    const needed = this.length + bytes;
    if (needed > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
      this.buffer.copy(grown, 0, 0, this.length);
      this.buffer = grown;
    }
    return this.buffer;
  }
}
