import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

/**
 * A TLS socket that never puts the beginning of one write into the same TLS record as the end of another, as the socket
 * itself does with writes that wait. libvirtd waits for its socket to become readable, and so overlooks a packet that
 * came in the same record as the one before it, until something else is sent.
 */
export class TlsPipe extends Duplex {
  constructor(private readonly socket: TLSSocket) {
    super();
    socket.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }
}
