import { ConnectionLost, LibvirtError, ProtocolError } from "../errors";
import { Keepalive } from "./keepalive";
import { type Packet, PacketStatus, PacketType, packetBytes, packetHead } from "./packet";
import { PacketParser } from "./packet-parser";
import type { Procedure, Program } from "./procedure";
import type { Transport } from "./transport";
import { remoteError } from "./wire-types";
import { decode, encode } from "./xdr";

interface Pending {
  procedure: Procedure<any, any>;
  resolve(result: any): void;
  reject(error: Error): void;
}

/** Receives the packets of a data stream that one call opened. */
export interface StreamSink {
  packet(packet: Packet): void;
  closed(error: Error): void;
}

/**
 * One wire to one daemon: calls are numbered, sent at once and matched with their replies in whatever order they come.
 * The first packet that makes no sense closes the channel and fails everything that waits on it.
 */
export class Channel {
  /** Called with every event packet. */
  onEvent: (packet: Packet) => void = () => {};
  /** Called once each, when the channel can no longer be used. */
  readonly onClose = new Set<(error: Error) => void>();
  readonly keepalive: Keepalive;

  private readonly parser = new PacketParser();
  private readonly pending = new Map<number, Pending>();
  private sink?: { serial: number; sink: StreamSink };
  private serial = 0;
  private failure?: Error;

  constructor(readonly transport: Transport) {
    this.keepalive = new Keepalive((bytes) => this.write(bytes));
    const { stream } = transport;
    stream.on("data", (chunk: Buffer) => this.receive(chunk));
    stream.on("error", (error: Error) => this.fail(this.lost(error.message, error)));
    stream.on("end", () =>
      this.fail(this.lost(this.parser.pending > 0 ? "it was cut off within a packet" : "the peer hung up")),
    );
    stream.on("close", () => this.fail(this.lost("the peer hung up")));
  }

  get closed(): boolean {
    return this.failure !== undefined;
  }

  /** Calls that wait for their reply. */
  get inFlight(): number {
    return this.pending.size;
  }

  /** `payload` are the encoded arguments. With `sink`, the data stream that the call opens. */
  call<Result>(procedure: Procedure<any, Result>, payload: Uint8Array, sink?: StreamSink): Promise<Result> {
    if (this.failure) return Promise.reject(this.failure);
    this.serial = this.serial === 0xffffffff ? 1 : this.serial + 1;
    const serial = this.serial;
    if (sink) this.sink = { serial, sink };
    return new Promise<Result>((resolve, reject) => {
      this.pending.set(serial, { procedure, resolve, reject });
      this.write(packetBytes(header(procedure, PacketType.CALL, serial, PacketStatus.OK), payload));
    });
  }

  /** Sends a packet of the open data stream; false asks to wait for the transport's "drain". */
  sendStream(procedure: Procedure<any, any>, type: number, status: number, data: Uint8Array): boolean {
    if (this.failure || !this.sink) return true;
    const { stream } = this.transport;
    stream.cork();
    stream.write(packetHead(header(procedure, type, this.sink.serial, status), data.length));
    const more = data.length > 0 ? stream.write(data) : true;
    stream.uncork();
    return more;
  }

  /** Closes at once; what still waits fails with `error`. */
  close(error: Error = new ConnectionLost("it was closed")): void {
    this.fail(error);
  }

  private write(bytes: Buffer): void {
    if (!this.failure) this.transport.stream.write(bytes);
  }

  private receive(chunk: Buffer): void {
    if (this.failure) return;
    this.keepalive.alive();
    try {
      for (const packet of this.parser.push(chunk)) {
        this.handle(packet);
        if (this.failure) return;
      }
    } catch (error) {
      this.fail(error instanceof ProtocolError ? error : new ProtocolError("a packet could not be handled", error));
    }
  }

  private handle(packet: Packet): void {
    if (this.keepalive.handle(packet)) return;
    switch (packet.type) {
      case PacketType.REPLY:
        return this.reply(packet);
      case PacketType.EVENT:
        return this.onEvent(packet);
      case PacketType.STREAM:
      case PacketType.STREAM_HOLE:
        if (this.sink?.serial !== packet.serial) {
          throw new ProtocolError(`stream data came for call ${packet.serial}, which has no stream`);
        }
        return this.sink.sink.packet(packet);
      default:
        throw new ProtocolError(`a packet of type ${packet.type} is none that a daemon sends`);
    }
  }

  private reply(packet: Packet): void {
    const waiting = this.pending.get(packet.serial);
    if (!waiting) {
      // A stream's failure may come as a second reply to the call that opened it.
      if (this.sink?.serial === packet.serial) return this.sink.sink.packet(packet);
      throw new ProtocolError(`a reply came to call ${packet.serial}, which nobody waits for`);
    }
    const { procedure } = waiting;
    if (packet.program !== procedure.program.number || packet.procedure !== procedure.number) {
      throw new ProtocolError(
        `call ${packet.serial} was ${procedure.name} (${procedure.number}), its reply is for procedure ${packet.procedure}`,
      );
    }
    if (packet.status !== PacketStatus.OK && packet.status !== PacketStatus.ERROR) {
      throw new ProtocolError(`the reply to ${procedure.name} has status ${packet.status}`);
    }
    const failed = packet.status === PacketStatus.ERROR;
    const outcome = failed ? libvirtError(packet, procedure) : decodeResult(procedure, packet);
    this.pending.delete(packet.serial);
    if (failed) waiting.reject(outcome as Error);
    else waiting.resolve(outcome);
  }

  private lost(problem: string, cause?: Error): ConnectionLost {
    const reason = this.transport.reason();
    return new ConnectionLost(reason ? `${problem}; ${reason}` : problem, cause);
  }

  private fail(error: Error): void {
    if (this.failure) return;
    this.failure = error;
    this.keepalive.stop();
    this.transport.stream.destroy();
    const waiting = [...this.pending.values()];
    this.pending.clear();
    for (const { reject } of waiting) reject(error);
    this.sink?.sink.closed(error);
    for (const tell of this.onClose) tell(error);
  }
}

/** The error that an ERROR packet carries. */
export function libvirtError(packet: Packet, procedure: Procedure<any, any>): LibvirtError {
  const { code, domain, level, message, str1, str2, str3 } = decodeWith(
    () => decode(remoteError, packet.payload),
    "an error",
  );
  const details = [str1, str2, str3].filter((detail) => detail !== null);
  return new LibvirtError(message ?? `libvirt error ${code}`, { code, domain, level, call: procedure.name, details });
}

export function encodeArguments<Args>(procedure: Procedure<Args, any>, args: Args): Buffer {
  return encode(procedure.args, args);
}

function decodeResult<Result>(procedure: Procedure<any, Result>, packet: Packet): Result {
  return decodeWith(() => decode(procedure.result, packet.payload), `the reply to ${procedure.name}`);
}

function decodeWith<T>(run: () => T, what: string): T {
  try {
    return run();
  } catch (error) {
    throw new ProtocolError(`${what} is malformed: ${(error as Error).message}`, error);
  }
}

function header(procedure: { program: Program; number: number }, type: number, serial: number, status: number) {
  const { program, number } = procedure;
  return { program: program.number, version: program.version, procedure: number, type, serial, status };
}
