import { ConnectionLost, LibvirtError, ProtocolError } from "../errors";
import { type Channel, encodeArguments } from "./channel";
import type { ChannelPool } from "./channel-pool";
import type { EventKind } from "./event-kinds";
import type { Packet } from "./packet";
import type { Procedure } from "./procedure";
import { decode } from "./xdr";

/** Ends a subscription when called. */
export interface Subscription {
  (): void;
  /** Resolves once the daemon reports these events: what happens later is not missed. Rejects when it cannot. */
  readonly ready: Promise<void>;
}

interface Registration {
  kind: EventKind<any>;
  listeners: Set<(message: any) => void>;
  ready: Promise<void>;
  callbackId?: number;
  /** It worked once: a lost connection does not end it. */
  established: boolean;
}

/** Milliseconds between attempts to get back to a daemon that went away. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5000;

/**
 * Registers each kind of event once, however many listen, and only while somebody does. After a lost connection it
 * connects and registers again on its own, and tells those who asked that events may have been missed.
 */
export class EventHub {
  private readonly registrations = new Map<EventKind<any>, Registration>();
  private readonly reconnected = new Set<() => void>();
  private readonly turns = new Map<EventKind<any>, Promise<unknown>>();
  private channel?: Channel;
  private attaching?: Promise<Channel>;

  constructor(private readonly pool: ChannelPool) {}

  subscribe<Message>(kind: EventKind<Message>, listener: (message: Message) => void): Subscription {
    let registration = this.registrations.get(kind);
    if (!registration) {
      registration = { kind, listeners: new Set(), ready: Promise.resolve(), established: false };
      this.registrations.set(kind, registration);
      this.register(registration);
    }
    // A function of its own, so that one listener can be subscribed twice.
    const entry = (message: Message) => listener(message);
    registration.listeners.add(entry);
    return Object.assign(() => this.unsubscribe(registration, entry), { ready: registration.ready });
  }

  /** `listener` is called whenever events may have been missed: after each reconnection. */
  onReconnect(listener: () => void): () => void {
    const entry = () => listener();
    this.reconnected.add(entry);
    return () => this.reconnected.delete(entry);
  }

  private register(registration: Registration): void {
    this.pool.hold();
    registration.ready = this.inTurn(registration.kind, async () => {
      const channel = await this.attached();
      const { eventId, register } = registration.kind;
      const { callbackId } = await send(channel, register, { eventId, domain: null, network: null, pool: null });
      registration.callbackId = callbackId;
      registration.established = true;
      if (registration.listeners.size === 0) this.deregister(registration);
    });
    registration.ready = registration.ready.finally(() => this.pool.release());
    registration.ready.catch((error) => {
      if (registration.established && !(error instanceof LibvirtError)) return;
      if (this.registrations.get(registration.kind) === registration) this.registrations.delete(registration.kind);
    });
  }

  private unsubscribe(registration: Registration, entry: (message: any) => void): void {
    if (!registration.listeners.delete(entry) || registration.listeners.size > 0) return;
    if (this.registrations.get(registration.kind) === registration) this.registrations.delete(registration.kind);
    if (registration.callbackId !== undefined) this.deregister(registration);
  }

  private deregister({ kind, callbackId }: Registration): void {
    const { channel } = this;
    if (!channel) return;
    // When it fails, the connection and with it the registration is gone.
    this.inTurn(kind, () => send(channel, kind.deregister, { callbackId: callbackId! })).catch(() => {});
  }

  /** The daemon refuses to report a kind of event twice: it must have stopped before it is asked to begin again. */
  private inTurn<T>(kind: EventKind<any>, work: () => Promise<T>): Promise<T> {
    const turn = (this.turns.get(kind) ?? Promise.resolve()).then(work);
    this.turns.set(
      kind,
      turn.catch(() => {}),
    );
    return turn;
  }

  private async attached(): Promise<Channel> {
    if (this.channel) return this.channel;
    this.attaching ??= this.pool.channel().finally(() => (this.attaching = undefined));
    const channel = await this.attaching;
    if (channel.closed) throw new ConnectionLost("the peer hung up");
    if (this.channel !== channel) {
      this.channel = channel;
      channel.onEvent = (packet) => this.deliver(packet);
      channel.onClose.add(() => this.lost());
    }
    return channel;
  }

  private deliver(packet: Packet): void {
    for (const { kind, listeners, callbackId } of this.registrations.values()) {
      if (kind.procedure !== packet.procedure) continue;
      const message = decodeMessage(kind, packet);
      // The last words of a registration that has been replaced.
      if (callbackId !== undefined && callbackId !== message.callbackId) continue;
      for (const listener of [...listeners]) tell(() => listener(message));
    }
  }

  private lost(): void {
    this.channel = undefined;
    for (const registration of this.registrations.values()) registration.callbackId = undefined;
    if (this.registrations.size > 0 && !this.pool.closed) this.retry(FIRST_PAUSE);
  }

  private retry(pause: number): void {
    const timer = setTimeout(() => void this.reconnect(pause), pause);
    if (!this.pool.held) timer.unref();
  }

  private async reconnect(pause: number): Promise<void> {
    if (this.registrations.size === 0 || this.pool.closed) return;
    try {
      await this.attached();
    } catch {
      return this.retry(Math.min(pause * 2, LONGEST_PAUSE));
    }
    const again = [...this.registrations.values()];
    for (const registration of again) this.register(registration);
    const results = await Promise.allSettled(again.map(({ ready }) => ready));
    if (results.some(({ status }) => status === "fulfilled"))
      for (const listener of [...this.reconnected]) tell(listener);
  }
}

function tell(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    // One listener's mistake must not cost the others their connection.
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}

function decodeMessage(kind: EventKind<any>, packet: Packet): { callbackId: number } {
  try {
    return decode(kind.message, packet.payload);
  } catch (error) {
    throw new ProtocolError(`event ${packet.procedure} is malformed: ${(error as Error).message}`, error);
  }
}

function send<Args, Result>(channel: Channel, procedure: Procedure<Args, Result>, args: Args): Promise<Result> {
  return channel.call(procedure, encodeArguments(procedure, args));
}
