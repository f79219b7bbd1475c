import { ProtocolError } from "../errors";
import { HEADER_LENGTH, PACKET_MAX, type Packet } from "./packet";

/**
 * Cuts a byte stream into packets, however the bytes arrive. Holds at most one packet that is not complete; memory for
 * it grows with what really arrived, not with what the length word promised.
 */
export class PacketParser {
  private chunks: Buffer[] = [];
  private held = 0;

  /** The packets that `chunk` completes, in order. Throws ProtocolError on a length no packet can have. */
  *push(chunk: Buffer): Generator<Packet> {
    this.chunks.push(chunk);
    this.held += chunk.length;
    while (this.held >= 4) {
      const length = this.join(4).readUInt32BE(0);
      if (length < HEADER_LENGTH || length > PACKET_MAX) {
        throw new ProtocolError(
          `a packet of ${length} bytes was announced; ${HEADER_LENGTH} to ${PACKET_MAX} are allowed`,
        );
      }
      if (this.held < length) return;
      yield this.cut(length);
    }
  }

  /** Bytes of a packet that is not complete yet; above zero when the peer hung up in the middle of one. */
  get pending(): number {
    return this.held;
  }

  private cut(length: number): Packet {
    const all = this.join(length);
    this.held -= length;
    this.chunks = this.held > 0 ? [all.subarray(length), ...this.chunks.slice(1)] : [];
    return {
      program: all.readUInt32BE(4),
      version: all.readUInt32BE(8),
      procedure: all.readInt32BE(12),
      type: all.readInt32BE(16),
      serial: all.readUInt32BE(20),
      status: all.readInt32BE(24),
      payload: all.subarray(HEADER_LENGTH, length),
    };
  }

  /** The first chunk, made at least `length` bytes long. */
  private join(length: number): Buffer {
    const first = this.chunks[0]!;
    if (first.length >= length) return first;
    const all = Buffer.concat(this.chunks);
    this.chunks = [all];
    return all;
  }
}
