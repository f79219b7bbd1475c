import { StreamCalls } from "./calls-stream";
import { ConnectError, ConnectionLost } from "./errors";
import type { CallOptions, ChannelPool } from "./rpc/channel-pool";
import type { EventHub, Subscription } from "./rpc/event-hub";
import { type EventKind, events } from "./rpc/event-kinds";

type Message<Kind> = Kind extends EventKind<infer M> ? M : never;

export type DomainLifecycleEvent = Message<typeof events.domainLifecycle>;
export type AgentLifecycleEvent = Message<typeof events.domainAgentLifecycle>;
export type RebootEvent = Message<typeof events.domainReboot>;
export type DeviceRemovedEvent = Message<typeof events.domainDeviceRemoved>;
export type NetworkLifecycleEvent = Message<typeof events.networkLifecycle>;

export interface WaitOptions {
  signal?: AbortSignal;
}

/** Events. A subscription outlives a lost connection; listening alone does not keep the process alive. */
export abstract class EventCalls extends StreamCalls {
  protected constructor(
    pool: ChannelPool,
    protected readonly hub: EventHub,
    options: CallOptions,
  ) {
    super(pool, options);
  }

  /**
   * Listens to one kind of event; call what comes back to stop.
   *
   * @example
   * const stop = connection.on(events.domainDeviceRemoved, ({ dom, devAlias }) => ...);
   * await stop.ready; // from here on nothing is missed
   */
  on<M>(kind: EventKind<M>, listener: (message: M) => void): Subscription {
    return this.hub.subscribe(kind, listener);
  }

  onDomainLifecycle(listener: (message: DomainLifecycleEvent) => void): Subscription {
    return this.on(events.domainLifecycle, listener);
  }

  onAgentLifecycle(listener: (message: AgentLifecycleEvent) => void): Subscription {
    return this.on(events.domainAgentLifecycle, listener);
  }

  onReboot(listener: (message: RebootEvent) => void): Subscription {
    return this.on(events.domainReboot, listener);
  }

  onDeviceRemoved(listener: (message: DeviceRemovedEvent) => void): Subscription {
    return this.on(events.domainDeviceRemoved, listener);
  }

  onNetworkLifecycle(listener: (message: NetworkLifecycleEvent) => void): Subscription {
    return this.on(events.networkLifecycle, listener);
  }

  /** Called after every reconnection that listeners caused: events may have been missed, so look at the state again. */
  onReconnect(listener: () => void): () => void {
    return this.hub.onReconnect(listener);
  }

  /** The next event that `matches`. Events missed while the connection was lost are missed: prefer `waitUntil`. */
  waitForEvent<M>(
    kind: EventKind<M>,
    matches: (message: M) => boolean = () => true,
    { signal = this.options.signal }: WaitOptions = {},
  ): Promise<M> {
    return new Promise<M>((resolve, reject) => {
      signal?.throwIfAborted();
      this.pool.hold();
      let settled = false;
      const settle = (action: () => void) => {
        if (settled) return;
        settled = true;
        stop();
        signal?.removeEventListener("abort", aborted);
        this.pool.release();
        action();
      };
      const aborted = () => settle(() => reject(signal!.reason));
      signal?.addEventListener("abort", aborted);
      const stop = this.on(kind, (message) => matches(message) && settle(() => resolve(message)));
      stop.ready.catch((error) => settle(() => reject(error)));
    });
  }

  /**
   * Runs `check` until it answers with something: first when the events are being listened to, then after each of them
   * and after each reconnection. So nothing is missed, and nothing is polled.
   *
   * @example
   * await connection.waitUntil([events.domainLifecycle], async () =>
   *   (await connection.domainGetState(domain)).state === VIR_DOMAIN_SHUTOFF || undefined, { signal });
   */
  async waitUntil<T>(
    kinds: EventKind<any>[],
    check: () => Promise<T | undefined>,
    { signal = this.options.signal }: WaitOptions = {},
  ): Promise<T> {
    signal?.throwIfAborted();
    let wake = () => {};
    let due = true;
    const again = () => {
      due = true;
      wake();
    };
    this.pool.hold();
    signal?.addEventListener("abort", again);
    const stops = [...kinds.map((kind) => this.on(kind, again)), this.onReconnect(again)];
    try {
      await Promise.all(stops.map((stop) => ("ready" in stop ? stop.ready : undefined)));
      for (;;) {
        signal?.throwIfAborted();
        if (!due) await new Promise<void>((resolve) => (wake = resolve));
        signal?.throwIfAborted();
        due = false;
        const found = await check().catch(waitForReconnection);
        if (found !== undefined) return found;
      }
    } finally {
      for (const stop of stops) stop();
      signal?.removeEventListener("abort", again);
      this.pool.release();
    }
  }
}

function waitForReconnection(error: unknown): undefined {
  if (error instanceof ConnectError || error instanceof ConnectionLost) return undefined;
  throw error;
}
