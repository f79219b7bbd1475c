import { SnapshotCalls } from "./calls-snapshot";
import type { CallOptions } from "./rpc/channel-pool";
import { ChannelPool } from "./rpc/channel-pool";
import { type ConnectionUri, parseConnectionUri } from "./rpc/connection-uri";
import { dial } from "./rpc/dial";

/**
 * One libvirt host. Methods are named as libvirt's C functions without `vir`, and reject with LibvirtError, or with
 * ConnectError, ConnectionLost, OutcomeUnknown, ProtocolError or CallTimeout when no answer came.
 *
 * A connection that breaks is made anew by the next call; calls that only read are sent again once.
 *
 * @example
 * const connection = await open("qemu:///system");
 * const domain = await connection.domainLookupByName("web-1");
 * await connection.with({ signal }).domainCreateWithFlags(domain);
 */
export class Connection extends SnapshotCalls {
  private constructor(
    readonly uri: string,
    pool: ChannelPool,
    options: CallOptions,
  ) {
    super(pool, options);
  }

  /** Throws ConnectError when `uri` cannot be understood. Does not connect yet. */
  static to(uri: string): Connection {
    const parsed: ConnectionUri = parseConnectionUri(uri);
    return new Connection(uri, new ChannelPool(() => dial(parsed)), {});
  }

  /** The same connection with a signal or a time limit for every call made through it. */
  with(options: CallOptions): Connection {
    return new Connection(this.uri, this.pool, { ...this.options, ...options });
  }

  /** Connects unless it is. Rejects with ConnectError. */
  async connect(): Promise<void> {
    await this.pool.channel();
  }

  /** Pending and later calls reject. */
  close(): void {
    this.pool.close();
  }
}
