import { type Socket, connect } from "node:net";
import { ConnectError } from "../errors";
import type { ConnectionUri } from "./connection-uri";
import type { Transport } from "./transport";

const TCP_PORT = 16509;
/** Milliseconds of silence after which the kernel looks whether the peer is still there. */
const PROBE_AFTER = 30_000;

/** Connects without encryption; off this machine with a warning. */
export async function connectTcp(uri: ConnectionUri, expiry: AbortSignal): Promise<Transport> {
  const host = uri.host!;
  if (!/^(localhost|127\.[\d.]+|::1)$/.test(host)) {
    process.emitWarning(`${uri.text}: everything goes over the network unencrypted. Fix: use qemu+ssh or qemu+tls`);
  }
  const socket = connect({ host, port: uri.port ?? TCP_PORT });
  await connected(uri, socket, "connect", TCP_PORT, expiry);
  return socketTransport(socket);
}

export function socketTransport(socket: Socket): Transport {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, PROBE_AFTER);
  return { stream: socket, reason: () => undefined, ref: () => socket.ref(), unref: () => socket.unref() };
}

/** Waits for `event`; rejects with a ConnectError that tells what to do. */
export async function connected(
  uri: ConnectionUri,
  socket: Socket,
  event: string,
  port: number,
  expiry: AbortSignal,
): Promise<void> {
  const expire = () => socket.destroy(expiry.reason);
  expiry.addEventListener("abort", expire);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once(event, resolve);
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("the connection was closed during the handshake")));
    });
  } catch (error) {
    socket.destroy();
    throw explain(uri, error as NodeJS.ErrnoException, uri.port ?? port);
  } finally {
    expiry.removeEventListener("abort", expire);
  }
}

function explain(uri: ConnectionUri, error: NodeJS.ErrnoException, port: number): ConnectError {
  switch (error.code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new ConnectError(uri.text, `unknown host ${uri.host}`, "check the name and the DNS", error);
    case "ECONNREFUSED":
      return new ConnectError(
        uri.text,
        `nobody answers on port ${port} of ${uri.host}`,
        `start libvirtd's ${uri.transport} listener: systemctl start libvirtd-${uri.transport}.socket`,
        error,
      );
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return new ConnectError(uri.text, `${uri.host} cannot be reached`, "check the route and the firewall", error);
    default:
      return new ConnectError(uri.text, error.message, tlsFix(error), error);
  }
}

function tlsFix(error: NodeJS.ErrnoException): string | undefined {
  if (error.code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return "use a host name that the server's certificate carries, or issue one with this name";
  }
  return /self.signed|issuer|verify|certificate/i.test(`${error.code} ${error.message}`)
    ? "put the CA that signed the server's certificate into /etc/pki/CA/cacert.pem or pkipath, and a client certificate that the server trusts beside it"
    : undefined;
}
