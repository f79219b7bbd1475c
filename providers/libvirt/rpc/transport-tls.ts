import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { type TLSSocket, connect } from "node:tls";
import { ConnectError } from "../errors";
import type { ConnectionUri } from "./connection-uri";
import { TlsPipe } from "./tls-pipe";
import type { Transport } from "./transport";
import { connected, socketTransport } from "./transport-tcp";

const TLS_PORT = 16514;

interface Credentials {
  ca: string;
  cert: string;
  key: string;
}

/** Connects with client certificates and checks the server's: its CA and its name, always. */
export async function connectTls(uri: ConnectionUri, expiry: AbortSignal): Promise<Transport> {
  const host = uri.host!;
  const paths = credentialPaths(uri);
  const socket = connect({
    host,
    port: uri.port ?? TLS_PORT,
    servername: isIP(host) ? undefined : host,
    ca: contents(uri, paths.ca, "the CA certificate"),
    cert: contents(uri, paths.cert, "the client certificate"),
    key: contents(uri, paths.key, "the client key"),
    minVersion: "TLSv1.2",
  });
  await connected(uri, socket, "secureConnect", TLS_PORT, expiry);
  await admitted(uri, socket, paths, expiry);
  return { ...socketTransport(socket), stream: new TlsPipe(socket) };
}

/** libvirt's places (https://libvirt.org/kbase/tlscerts.html): pkipath, the user's own, the machine's. */
function credentialPaths(uri: ConnectionUri): Credentials {
  const folder = (path: string) => ({
    ca: join(path, "cacert.pem"),
    cert: join(path, "clientcert.pem"),
    key: join(path, "clientkey.pem"),
  });
  if (uri.params["pkipath"]) return folder(uri.params["pkipath"]);
  const own = folder(join(homedir(), ".pki", "libvirt"));
  if (process.getuid?.() !== 0 && Object.values(own).every((path) => existsSync(path))) return own;
  return {
    ca: "/etc/pki/CA/cacert.pem",
    cert: "/etc/pki/libvirt/clientcert.pem",
    key: "/etc/pki/libvirt/private/clientkey.pem",
  };
}

function contents(uri: ConnectionUri, path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const fix =
      "make it readable, or name the folder that has cacert.pem, clientcert.pem and clientkey.pem with ?pkipath=";
    throw new ConnectError(uri.text, `cannot read ${what}: ${(error as Error).message}`, fix, error);
  }
}

/** Once the server has checked our certificate it says so with one byte of 1, or hangs up. */
async function admitted(
  uri: ConnectionUri,
  socket: TLSSocket,
  { cert }: Credentials,
  expiry: AbortSignal,
): Promise<void> {
  const answer = await new Promise<number | undefined>((resolve) => {
    const read = () => {
      const byte = socket.read(1) as Buffer | null;
      if (byte) finish(byte[0]);
    };
    const gone = () => finish(undefined);
    const finish = (value: number | undefined) => {
      expiry.removeEventListener("abort", gone);
      socket.off("readable", read).off("end", gone).off("close", gone).off("error", gone);
      resolve(value);
    };
    expiry.addEventListener("abort", gone);
    socket.on("readable", read).on("end", gone).on("close", gone).on("error", gone);
  });
  if (answer === 1) return;
  socket.destroy();
  throw new ConnectError(
    uri.text,
    `the server did not admit the client certificate ${cert}`,
    "have it signed by a CA that the server trusts, and listed in tls_allowed_dn_list if libvirtd.conf sets one",
  );
}
