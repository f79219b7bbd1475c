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

const carriers: { [Kind in TransportKind]: (uri: ConnectionUri) => Promise<Transport> } = {
  unix: connectUnix,
  tls: connectTls,
  tcp: connectTcp,
  ssh: connectSsh,
};

/** Connects a channel and opens the driver that `uri` names. Rejects with ConnectError. */
export async function dial(uri: ConnectionUri, use: Use): Promise<Channel> {
  const carrier = carriers[uri.transport];
  let channel: Channel | undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ConnectError(uri.text, `no answer within ${CONNECT_TIMEOUT / 1000} s`)),
      CONNECT_TIMEOUT,
    );
  });
  const connecting = (async () => {
    channel = new Channel(await carrier(uri));
    await handshake(channel, uri, use);
    return channel;
  })();
  try {
    return await Promise.race([connecting, late]);
  } catch (error) {
    connecting.catch(() => {});
    channel?.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
