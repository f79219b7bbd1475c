import { CallTimeout, ConnectError, ConnectionLost, LibvirtError, OutcomeUnknown, ProtocolError } from "../errors";
import { type Channel, encodeArguments } from "./channel";
import type { Use } from "./handshake";
import type { Effect, Procedure } from "./procedure";
import { XdrError } from "./xdr-error";

/** How one call may end early. */
export interface CallOptions {
  /** Gives up waiting; libvirt has no way to stop a call that was sent, so a change may still happen. */
  signal?: AbortSignal;
  /** Milliseconds until CallTimeout; 0 for none. Default: reads 2 minutes, changes 5, work on volumes and agents none. */
  timeout?: number;
}

interface Job {
  readonly procedure: Procedure<any, any>;
  readonly payload: Buffer;
  retried: boolean;
  sent: boolean;
  settled: boolean;
  resolve(result: any): void;
  reject(error: unknown): void;
}

/**
 * libvirtd stops reading from a client that has `max_client_requests` (5 by default) calls under way, and then does
 * not answer its pings either: so no channel ever has more than four, and a busy pool opens further channels. In all
 * they stay below libvirtd's `max_workers` (20).
 */
const WINDOW = 4;
const MAX_CHANNELS = 4;
/** Calls that may take minutes leave the rest of the places to those that do not. */
const MAX_SLOW = 12;

/** Milliseconds that a daemon which went away gets to come back, as it does when it is restarted. */
const RESTART = 3000;
const RESTART_PAUSE = 100;

const timeouts: { readonly [E in Effect]: number } = { read: 120_000, write: 300_000, slow: 0 };

/** The channels to one URI: spreads calls over them, opens them when needed, and survives their loss. */
export class ChannelPool {
  /** What the daemon can do, as far as it was asked. */
  readonly features = new Map<number, Promise<boolean>>();

  private readonly channels = new Set<Channel>();
  private readonly streams = new Set<Channel>();
  private readonly queue: Job[] = [];
  private opening?: Promise<Channel>;
  private growth?: NodeJS.Timeout;
  /** The daemon took no further channel; the ones that are there have to do. */
  private full = false;
  private lostAt = -Infinity;
  private slow = 0;
  private holds = 0;
  private shut = false;

  constructor(
    private readonly dial: (use: Use) => Promise<Channel>,
    /** Milliseconds a call waits for a free place before a further channel is opened for it. */
    private readonly patience = 20,
  ) {}

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
      if (this.shut) throw new ConnectionLost("it was closed");
      const payload = encodeCall(procedure, args);
      const limit = options.timeout ?? timeouts[procedure.effect];
      const aborted = () => job.reject(options.signal!.reason);
      const late = () => job.reject(cutShort(job, new CallTimeout(procedure.name, limit)));
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
    clearTimeout(this.growth);
    const error = new ConnectionLost("it was closed");
    this.rejectQueue(error);
    for (const channel of [...this.channels, ...this.streams]) channel.close(error);
  }

  private dispatch(): void {
    for (;;) {
      const next = this.queue.findIndex(({ settled, procedure }) => settled || this.fits(procedure));
      if (next < 0) return;
      if (this.queue[next]!.settled) {
        this.queue.splice(next, 1);
        continue;
      }
      const channel = this.leastBusy();
      if (!channel) return this.grow();
      void this.send(channel, this.queue.splice(next, 1)[0]!);
    }
  }

  private fits({ effect }: Procedure<any, any>): boolean {
    return effect !== "slow" || this.slow < MAX_SLOW;
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
      this.open().catch(() => {});
    } else if (!this.full) {
      this.growth ??= setTimeout(() => {
        this.growth = undefined;
        if (this.queue.length > 0 && !this.opening) this.open().catch(() => (this.full = true));
      }, this.patience);
    }
  }

  private rejectQueue(error: unknown): void {
    for (const job of this.queue.splice(0)) job.reject(error);
  }

  private open(): Promise<Channel> {
    if (this.shut) return Promise.reject(new ConnectionLost("it was closed"));
    this.opening ??= this.redial().then(
      (channel) => {
        this.opening = undefined;
        this.add(channel);
        return channel;
      },
      (error) => {
        this.opening = undefined;
        // Nobody else will answer what waits.
        if (this.channels.size === 0) this.rejectQueue(error);
        throw error;
      },
    );
    return this.opening;
  }

  private async redial(): Promise<Channel> {
    for (;;) {
      try {
        return await this.dial("calls");
      } catch (error) {
        const refused = !(error instanceof ConnectError) || error.cause instanceof LibvirtError;
        if (refused || this.shut || performance.now() - this.lostAt > RESTART) throw error;
        await new Promise((resolve) => setTimeout(resolve, RESTART_PAUSE));
      }
    }
  }

  private add(channel: Channel): void {
    if (this.shut) return channel.close();
    this.channels.add(channel);
    channel.onClose.add(() => {
      this.channels.delete(channel);
      this.lostAt = performance.now();
      if (this.channels.size === 0) this.full = false;
    });
    if (!this.held) channel.transport.unref();
    this.dispatch();
  }

  private async send(channel: Channel, job: Job): Promise<void> {
    const slow = job.procedure.effect === "slow" ? 1 : 0;
    this.slow += slow;
    job.sent = true;
    try {
      job.resolve(await channel.call(job.procedure, job.payload));
    } catch (error) {
      this.failed(job, error as Error);
    } finally {
      this.slow -= slow;
    }
    this.dispatch();
  }

  private failed(job: Job, error: Error): void {
    const again = error instanceof ConnectionLost && job.procedure.effect === "read" && !job.retried && !this.shut;
    if (!again) return job.reject(cutShort(job, error));
    job.retried = true;
    this.queue.unshift(job);
  }
}

/** A change that was sent and not answered is neither done nor undone. */
function cutShort(job: Job, error: Error): Error {
  const unanswered = error instanceof ConnectionLost || error instanceof ProtocolError || error instanceof CallTimeout;
  const changes = job.procedure.effect !== "read";
  return unanswered && job.sent && changes ? new OutcomeUnknown(job.procedure.name, error) : error;
}

function encodeCall<Args>(procedure: Procedure<Args, any>, args: Args): Buffer {
  try {
    return encodeArguments(procedure, args);
  } catch (error) {
    throw error instanceof XdrError ? error.within(procedure.name) : error;
  }
}
