import { ConnectError } from "../errors";
import { Channel } from "./channel";
import type { ConnectionUri, TransportKind } from "./connection-uri";
import { type Use, handshake } from "./handshake";
import type { Transport } from "./transport";
import { connectSsh } from "./transport-ssh";
import { connectTcp } from "./transport-tcp";
import { connectTls } from "./transport-tls";
import { connectUnix } from "./transport-unix";

const CONNECT_TIMEOUT = 30_000;

const carriers: { [Kind in TransportKind]: (uri: ConnectionUri, expiry: AbortSignal) => Promise<Transport> } = {
  unix: connectUnix,
  tls: connectTls,
  tcp: connectTcp,
  ssh: connectSsh,
};

/** Connects a channel and opens the driver that `uri` names, within 30 s. Rejects with ConnectError. */
export async function dial(uri: ConnectionUri, use: Use): Promise<Channel> {
  const expiry = new AbortController();
  const late = new ConnectError(uri.text, `no answer within ${CONNECT_TIMEOUT / 1000} s`, "see whether libvirtd hangs");
  const timer = setTimeout(() => expiry.abort(late), CONNECT_TIMEOUT);
  try {
    const channel = new Channel(await carriers[uri.transport](uri, expiry.signal));
    expiry.signal.addEventListener("abort", () => channel.close(late));
    try {
      await handshake(channel, uri, use);
    } catch (error) {
      channel.close();
      throw error;
    }
    return channel;
  } catch (error) {
    throw expiry.signal.aborted ? late : error;
  } finally {
    clearTimeout(timer);
  }
}
