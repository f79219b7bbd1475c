import { existsSync } from "node:fs";
import { connect } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { ConnectError } from "../errors";
import type { ConnectionUri } from "./connection-uri";
import type { Transport } from "./transport";

/** Connects to the daemon's unix socket on this machine. */
export async function connectUnix(uri: ConnectionUri): Promise<Transport> {
  const path = socketPath(uri);
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", (error) => reject(explain(uri, path, error)));
  });
  return { stream: socket, reason: () => undefined, ref: () => socket.ref(), unref: () => socket.unref() };
}

/**
 * The one daemon's socket, or the modular daemon's of this driver where only that exists
 * (https://libvirt.org/daemons.html).
 */
export function socketPath(uri: ConnectionUri): string {
  if (uri.params["socket"]) return uri.params["socket"];
  const folders = uri.path === "/session" ? [sessionFolder()] : ["/run/libvirt", "/var/run/libvirt"];
  const modular = `virt${uri.driver}d-sock`;
  const names = uri.params["mode"] === "direct" ? [modular] : ["libvirt-sock", modular];
  const candidates = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return candidates.find((candidate) => existsSync(candidate)) ?? candidates[0]!;
}

function sessionFolder(): string {
  const runtime = process.env["XDG_RUNTIME_DIR"];
  return runtime
    ? join(runtime, "libvirt")
    : join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "libvirt");
}

function explain(uri: ConnectionUri, path: string, error: NodeJS.ErrnoException): ConnectError {
  switch (error.code) {
    case "ENOENT":
    case "ECONNREFUSED": {
      const problem = error.code === "ENOENT" ? `there is no socket ${path}` : `nobody answers on ${path}`;
      const start =
        uri.path === "/session"
          ? "start it with: libvirtd -d"
          : "start it with: systemctl start libvirtd (without systemd: virtlogd -d; libvirtd -d)";
      return new ConnectError(uri.text, `libvirtd is not running (${problem})`, start, error);
    }
    case "EACCES":
    case "EPERM":
      return new ConnectError(
        uri.text,
        `no permission on ${path}`,
        "join the group libvirt (usermod -aG libvirt $USER, then log in again), or run as root",
        error,
      );
    default:
      return new ConnectError(uri.text, `${path}: ${error.message}`, undefined, error);
  }
}
