import { KEEPALIVE } from "./procedure";
import { type Packet, PacketStatus, PacketType, packetBytes } from "./packet";

const PING = 1;
const PONG = 2;

/** Answers the peer's pings and, once started, sends its own and reports when they stay unanswered. */
export class Keepalive {
  private timer?: NodeJS.Timeout;
  private unanswered = 0;

  constructor(private readonly send: (bytes: Buffer) => void) {}

  /** Every `interval` milliseconds without any packet one ping; after `count` of them without answer `dead` is called. */
  start(interval: number, count: number, dead: (silence: number) => void): void {
    this.timer = setInterval(() => {
      if (this.unanswered >= count) return dead(interval * (count + 1));
      this.unanswered++;
      this.send(message(PING));
    }, interval);
    this.timer.unref();
  }

  /** Whatever the peer sends proves that it lives. */
  alive(): void {
    this.unanswered = 0;
  }

  /** True when the packet was one of the keepalive program's, and is dealt with. */
  handle(packet: Packet): boolean {
    if (packet.program !== KEEPALIVE.number) return false;
    if (packet.procedure === PING) this.send(message(PONG));
    return true;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

function message(procedure: number): Buffer {
  const header = { program: KEEPALIVE.number, version: KEEPALIVE.version, procedure, serial: 0 };
  return packetBytes({ ...header, type: PacketType.EVENT, status: PacketStatus.OK }, Buffer.alloc(0));
}
