import { ConnectError, ConnectionLost, ErrorCode, LibvirtError } from "../errors";
import { type Channel, encodeArguments } from "./channel";
import type { ConnectionUri } from "./connection-uri";
import type { Procedure } from "./procedure";
import { connect } from "./procedures-connect";

const AUTH_NONE = 0;
const AUTH_SASL = 1;
const AUTH_POLKIT = 2;
const FEATURE_KEEPALIVE = 10;
/** As libvirt's own daemons: five pings, five seconds apart. */
const KEEPALIVE_INTERVAL = 5000;
const KEEPALIVE_COUNT = 5;

/** What a channel is for: many calls, or one data stream. */
export type Use = "calls" | "stream";

/** Makes a fresh channel usable: authentication, keepalive, and opening the driver that the URI names. */
export async function handshake(channel: Channel, uri: ConnectionUri, use: Use): Promise<void> {
  try {
    await authenticate(channel, uri);
    // A stream rests for as long as its slower end does, and then nobody answers pings.
    if (use === "calls") await startKeepalive(channel, uri);
    await call(channel, connect.connectOpen, { name: uri.name, flags: 0 });
  } catch (error) {
    if (error instanceof ConnectError) throw error;
    const problem = channel.transport.reason() ?? (error as Error).message;
    throw new ConnectError(uri.text, problem, fixFor(error), error);
  }
}

async function startKeepalive(channel: Channel, uri: ConnectionUri): Promise<void> {
  const { supported } = await call(channel, connect.connectSupportsFeature, { feature: FEATURE_KEEPALIVE });
  if (!supported) return;
  channel.keepalive.start(KEEPALIVE_INTERVAL, KEEPALIVE_COUNT, (silence) =>
    channel.close(new ConnectionLost(`${uri.text} gave no sign of life for ${silence / 1000} s`)),
  );
}

async function authenticate(channel: Channel, uri: ConnectionUri): Promise<void> {
  const { types } = await call(channel, connect.authList, {});
  const [type] = types;
  if (type === undefined || type === AUTH_NONE) return;
  if (type === AUTH_POLKIT) {
    await call(channel, connect.authPolkit, {});
    return;
  }
  const name = type === AUTH_SASL ? "SASL" : `authentication type ${type}`;
  throw new ConnectError(
    uri.text,
    `the daemon requires ${name}, which is not supported`,
    'use qemu+ssh, client certificates over TLS, or set auth_unix_rw = "none" or "polkit" in libvirtd.conf',
  );
}

function fixFor(error: unknown): string | undefined {
  if (!(error instanceof LibvirtError)) return undefined;
  return /polkit/i.test(error.message) || error.is(ErrorCode.AUTH_FAILED)
    ? "run as root, join the group libvirt, or grant org.libvirt.unix.manage in polkit"
    : undefined;
}

function call<Args, Result>(channel: Channel, procedure: Procedure<Args, Result>, args: Args): Promise<Result> {
  return channel.call(procedure, encodeArguments(procedure, args));
}
