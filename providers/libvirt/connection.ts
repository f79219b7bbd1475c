import { setMaxListeners } from "node:events";
import { EventCalls } from "./calls-event";
import { type CallOptions, ChannelPool } from "./rpc/channel-pool";
import { parseConnectionUri } from "./rpc/connection-uri";
import { dial } from "./rpc/dial";
import { EventHub } from "./rpc/event-hub";

export { events } from "./rpc/event-kinds";

/**
 * One libvirt host. Methods are named as libvirt's C functions without `vir`, and reject with LibvirtError, or with
 * ConnectError, ConnectionLost, OutcomeUnknown, ProtocolError or CallTimeout when no answer came.
 *
 * A connection that breaks is made anew by the next call; calls that only read are sent again once. A pending call
 * keeps the process alive, an idle connection does not.
 *
 * @example
 * const connection = await open("qemu:///system");
 * const domain = await connection.domainLookupByName("web-1");
 * await connection.with({ signal }).domainCreateWithFlags(domain);
 */
export class Connection extends EventCalls {
  private constructor(
    readonly uri: string,
    pool: ChannelPool,
    hub: EventHub,
    options: CallOptions,
  ) {
    super(pool, hub, options);
  }

  /** Throws ConnectError when `uri` cannot be understood. Does not connect yet. */
  static to(uri: string): Connection {
    const parsed = parseConnectionUri(uri);
    const patience = parsed.transport === "unix" ? 20 : 250;
    const pool = new ChannelPool((use) => dial(parsed, use), patience);
    return new Connection(uri, pool, new EventHub(pool), {});
  }

  /** The same connection with a signal or a time limit for every call made through what comes back. */
  with(options: CallOptions): Connection {
    // Every pending call listens to it, and many calls are no leak.
    if (options.signal) setMaxListeners(0, options.signal);
    return new Connection(this.uri, this.pool, this.hub, { ...this.options, ...options });
  }

  /** Connects unless it is connected. Rejects with ConnectError. */
  async connect(): Promise<void> {
    await this.pool.channel();
  }

  get closed(): boolean {
    return this.pool.closed;
  }

  /** Pending and later calls reject. */
  close(): void {
    this.pool.close();
  }
}
