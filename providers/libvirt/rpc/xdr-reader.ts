import { XdrError } from "./xdr-error";

/** Takes XDR units off one buffer and never reads past its end. */
export class XdrReader {
  private offset = 0;

  constructor(private readonly buffer: Buffer) {}

  get remaining(): number {
    return this.buffer.length - this.offset;
  }

  uint32(): number {
    return this.buffer.readUInt32BE(this.take(4));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.take(4));
  }

  uint64(): bigint {
    return this.buffer.readBigUInt64BE(this.take(8));
  }

  int64(): bigint {
    return this.buffer.readBigInt64BE(this.take(8));
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8));
  }

  /** A view of `length` bytes; their padding is skipped. */
  padded(length: number): Buffer {
    const start = this.take(length + (-length & 3));
    return this.buffer.subarray(start, start + length);
  }

  /** Every byte must have been used: bytes left over mean that the two sides disagree about the type. */
  end(): void {
    if (this.remaining > 0) throw new XdrError("", `${this.remaining} bytes are left over`);
  }

  private take(bytes: number): number {
    if (bytes > this.remaining) {
      throw new XdrError("", `${bytes} bytes were expected, ${this.remaining} are left`);
    }
    const start = this.offset;
    this.offset += bytes;
    return start;
  }
}
