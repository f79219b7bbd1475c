import { CallTimeout, ConnectionLost, OutcomeUnknown, ProtocolError } from "../errors";
import { type Channel, encodeArguments } from "./channel";
import type { Use } from "./handshake";
import type { Effect, Procedure } from "./procedure";
import { XdrError } from "./xdr-error";

/** How one call may end early. */
export interface CallOptions {
  /** Gives up waiting; libvirt has no way to stop a call that was sent, so a change may still happen. */
  signal?: AbortSignal;
  /** Milliseconds until CallTimeout; 0 for none. */
  timeout?: number;
}

interface Job {
  procedure: Procedure<any, any>;
  payload: Buffer;
  retried: boolean;
  sent: boolean;
  settled: boolean;
  resolve(result: any): void;
  reject(error: unknown): void;
}

/**
 * libvirtd stops reading from a client that has `max_client_requests` (5 by default) calls under way, and then does
 * not answer its pings either: so no channel ever has more than four, and a busy pool opens further channels.
 */
const WINDOW = 4;
const MAX_CHANNELS = 4;
/** Milliseconds a call waits for a free place before a further channel is opened for it. */
const PATIENCE = 20;

const timeouts: { [E in Effect]: number } = { read: 120_000, write: 300_000, slow: 0 };

/** The channels to one URI: spreads calls over them, opens them when needed, and survives their loss. */
export class ChannelPool {
  private readonly channels = new Set<Channel>();
  private readonly streams = new Set<Channel>();
  private readonly queue: Job[] = [];
  private opening?: Promise<Channel>;
  private growth?: NodeJS.Timeout;
  private holds = 0;
  private shut = false;

  constructor(private readonly dial: (use: Use) => Promise<Channel>) {}

  get closed(): boolean {
    return this.shut;
  }

  /** Something waits for the daemon. */
  get held(): boolean {
    return this.holds > 0;
  }

  /** A usable channel: one that is open, or a new one. Rejects with ConnectError. */
  async channel(): Promise<Channel> {
    const [open] = this.channels;
    return open ?? this.open();
  }

  /** A channel of its own for a data stream; the caller closes it. */
  async dedicated(): Promise<Channel> {
    if (this.shut) throw new ConnectionLost("it was closed");
    const channel = await this.dial("stream");
    this.streams.add(channel);
    channel.onClose.add(() => this.streams.delete(channel));
    return channel;
  }

  call<Args, Result>(procedure: Procedure<Args, Result>, args: Args, options: CallOptions = {}): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      options.signal?.throwIfAborted();
      const payload = this.encode(procedure, args);
      const limit = options.timeout ?? timeouts[procedure.effect];
      const late = () => job.reject(this.cutShort(job, new CallTimeout(procedure.name, limit)));
      const aborted = () => job.reject(options.signal!.reason);
      const timer = limit > 0 ? setTimeout(late, limit) : undefined;
      const settle = (action: () => void) => {
        if (job.settled) return;
        job.settled = true;
        clearTimeout(timer);
        options.signal?.removeEventListener("abort", aborted);
        this.release();
        action();
      };
      const job: Job = {
        procedure,
        payload,
        retried: false,
        sent: false,
        settled: false,
        resolve: (result) => settle(() => resolve(result)),
        reject: (error) => settle(() => reject(error)),
      };
      options.signal?.addEventListener("abort", aborted);
      this.hold();
      this.queue.push(job);
      this.dispatch();
    });
  }

  /** Keeps the process alive until `release`, as a pending call does. */
  hold(): void {
    if (this.holds++ === 0) for (const channel of this.channels) channel.transport.ref();
  }

  release(): void {
    if (--this.holds === 0) for (const channel of this.channels) channel.transport.unref();
  }

  /** Closes every channel; pending and later calls reject. */
  close(): void {
    this.shut = true;
    const error = new ConnectionLost("it was closed");
    for (const job of this.queue.splice(0)) job.reject(error);
    for (const channel of [...this.channels, ...this.streams]) channel.close(error);
  }

  private dispatch(): void {
    while (this.queue.length > 0) {
      if (this.queue[0]!.settled) {
        this.queue.shift();
        continue;
      }
      const channel = this.leastBusy();
      if (!channel) return this.grow();
      void this.send(channel, this.queue.shift()!);
    }
  }

  private leastBusy(): Channel | undefined {
    let best: Channel | undefined;
    for (const channel of this.channels) {
      if (channel.inFlight < WINDOW && (!best || channel.inFlight < best.inFlight)) best = channel;
    }
    return best;
  }

  private grow(): void {
    if (this.opening || this.channels.size >= MAX_CHANNELS) return;
    if (this.channels.size === 0) {
      this.open().catch((error) => this.rejectQueue(error));
      return;
    }
    this.growth ??= setTimeout(() => {
      this.growth = undefined;
      // A failure is no harm: the queue goes on over the channels that are there.
      if (this.queue.length > 0 && !this.opening) this.open().catch(() => this.dispatch());
    }, PATIENCE);
  }

  private rejectQueue(error: unknown): void {
    for (const job of this.queue.splice(0)) job.reject(error);
  }

  private open(): Promise<Channel> {
    if (this.shut) return Promise.reject(new ConnectionLost("it was closed"));
    this.opening ??= this.dial("calls")
      .then((channel) => {
        this.channels.add(channel);
        channel.onClose.add(() => this.channels.delete(channel));
        if (this.shut) channel.close();
        if (this.holds === 0) channel.transport.unref();
        return channel;
      })
      .finally(() => {
        this.opening = undefined;
        this.dispatch();
      });
    return this.opening;
  }

  private async send(channel: Channel, job: Job): Promise<void> {
    try {
      job.sent = true;
      job.resolve(await channel.call(job.procedure, job.payload));
    } catch (error) {
      this.failed(job, error as Error);
    }
    this.dispatch();
  }

  private failed(job: Job, error: Error): void {
    const lost = error instanceof ConnectionLost;
    if (lost && !this.shut && job.procedure.effect === "read" && !job.retried) {
      job.retried = true;
      this.queue.unshift(job);
    } else {
      job.reject(this.cutShort(job, error));
    }
  }

  /** A change that was sent and not answered is neither done nor undone. */
  private cutShort(job: Job, error: Error): Error {
    const unanswered =
      error instanceof ConnectionLost || error instanceof ProtocolError || error instanceof CallTimeout;
    return unanswered && job.sent && job.procedure.effect !== "read"
      ? new OutcomeUnknown(job.procedure.name, error)
      : error;
  }

  private encode<Args>(procedure: Procedure<Args, any>, args: Args): Buffer {
    try {
      return encodeArguments(procedure, args);
    } catch (error) {
      throw error instanceof XdrError ? error.within(procedure.name) : error;
    }
  }
}
