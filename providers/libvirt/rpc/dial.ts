import { ConnectError } from "../errors";
import { Channel } from "./channel";
import type { ConnectionUri, TransportKind } from "./connection-uri";
import { handshake } from "./handshake";
import type { Transport } from "./transport";
import { connectUnix } from "./transport-unix";

const CONNECT_TIMEOUT = 30_000;

const carriers: { [Kind in TransportKind]?: (uri: ConnectionUri) => Promise<Transport> } = {
  unix: connectUnix,
};

/** Connects a channel and opens the driver that `uri` names. Rejects with ConnectError. */
export async function dial(uri: ConnectionUri): Promise<Channel> {
  const carrier = carriers[uri.transport];
  if (!carrier) throw new ConnectError(uri.text, `transport ${uri.transport} is not supported`);
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
    await handshake(channel, uri);
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
