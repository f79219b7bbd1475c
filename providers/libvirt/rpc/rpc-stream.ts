import { Duplex } from "node:stream";
import { ProtocolError } from "../errors";
import { type Channel, encodeArguments, libvirtError } from "./channel";
import { type Packet, PacketStatus, PacketType } from "./packet";
import type { Procedure } from "./procedure";
import { decode, encode, flags, hyper, struct } from "./xdr";

const holePacket = struct({ length: hyper, flags });
const empty = Buffer.alloc(0);
/** Milliseconds that libvirt gets to confirm an abort. */
const ABORT_PATIENCE = 2000;

/** So many zero bytes that are not sent. */
export interface Hole {
  hole: number;
}

/** What flows: at most STREAM_CHUNK bytes, or in a sparse stream a hole. */
export type Piece = Uint8Array | Hole;

/**
 * The data stream that a call opens, as a Node stream of pieces: what is written goes to libvirt, what libvirt sends is
 * read. It has a channel of its own, so that a slow reader stops only this stream, and bulk data delays no call.
 * "finish" comes when libvirt has confirmed that it has everything; `destroy()` aborts on both sides.
 */
export class RpcStream extends Duplex {
  private confirm?: () => void;
  private aborted?: () => void;
  private onDrain?: () => void;
  private over = false;

  private constructor(
    private readonly channel: Channel,
    private readonly procedure: Procedure<any, any>,
  ) {
    super({ objectMode: true, readableHighWaterMark: 4, writableHighWaterMark: 1 });
    channel.transport.stream.on("drain", () => this.drained());
  }

  /** Calls `procedure` on a channel that nothing else uses; the stream closes it. */
  static async open<Args>(channel: Channel, procedure: Procedure<Args, any>, args: Args): Promise<RpcStream> {
    const stream = new RpcStream(channel, procedure);
    const ignore = () => {};
    // Until the stream is handed out, the call's own rejection tells what went wrong.
    stream.on("error", ignore);
    try {
      await channel.call(procedure, encodeArguments(procedure, args), {
        packet: (packet) => stream.receive(packet),
        // Once everything is confirmed, it does not matter how the daemon hangs up.
        closed: (error) => stream.destroy(stream.over ? undefined : error),
      });
      stream.off("error", ignore);
      return stream;
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  override _write(piece: Piece | string, _encoding: BufferEncoding, done: () => void): void {
    const data = typeof piece === "string" ? Buffer.from(piece) : piece;
    const more =
      data instanceof Uint8Array
        ? this.send(PacketType.STREAM, PacketStatus.CONTINUE, data)
        : this.send(
            PacketType.STREAM_HOLE,
            PacketStatus.CONTINUE,
            encode(holePacket, { length: BigInt(data.hole), flags: 0 }),
          );
    if (more) done();
    else this.onDrain = done;
  }

  override _final(done: () => void): void {
    this.confirm = done;
    this.channel.transport.stream.resume();
    this.send(PacketType.STREAM, PacketStatus.OK, empty);
  }

  override _read(): void {
    this.channel.transport.stream.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const close = () => {
      clearTimeout(timer);
      this.over = true;
      this.channel.close();
      done(error);
    };
    const timer = setTimeout(close, ABORT_PATIENCE);
    if (this.over || this.channel.closed) return close();
    // libvirt lets go of the volume before it confirms: who deletes it next does not find it in use.
    this.aborted = close;
    this.send(PacketType.STREAM, PacketStatus.ERROR, empty);
    this.channel.transport.stream.resume();
  }

  private send(type: number, status: number, data: Uint8Array): boolean {
    return this.channel.sendStream(this.procedure, type, status, data);
  }

  private drained(): void {
    const resume = this.onDrain;
    this.onDrain = undefined;
    resume?.();
  }

  private receive(packet: Packet): void {
    if (this.over) return;
    if (this.aborted) {
      if (packet.status !== PacketStatus.CONTINUE) this.aborted();
    } else if (packet.status === PacketStatus.ERROR) {
      this.over = true;
      this.destroy(libvirtError(packet, this.procedure));
    } else if (packet.status === PacketStatus.OK) {
      this.finish();
    } else {
      this.deliver(packet);
    }
  }

  private deliver(packet: Packet): void {
    // An empty piece is the end of what libvirt sends; the confirmation is still to come.
    if (packet.payload.length === 0) this.push(null);
    else if (!this.push(piece(packet)) && !this.confirm) this.channel.transport.stream.pause();
  }

  private finish(): void {
    if (!this.confirm) throw new ProtocolError(`the stream of ${this.procedure.name} was ended before it was finished`);
    this.over = true;
    this.push(null);
    this.confirm();
  }
}

function piece(packet: Packet): Piece {
  if (packet.type !== PacketType.STREAM_HOLE) return packet.payload;
  const { length } = decode(holePacket, packet.payload);
  if (length < 0n) throw new ProtocolError(`a stream hole of ${length} bytes`);
  return { hole: Number(length) };
}
