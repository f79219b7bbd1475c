import { ConnectError } from "../errors";

export type TransportKind = "unix" | "tls" | "tcp" | "ssh";

/** A libvirt connection URI taken apart (https://libvirt.org/uri.html). */
export interface ConnectionUri {
  /** As the operator wrote it. */
  text: string;
  /** "qemu", "lxc", "xen", "test", ... */
  driver: string;
  transport: TransportKind;
  user?: string;
  host?: string;
  port?: number;
  /** "/system", "/session", "/default". */
  path: string;
  /** The transport's own parameters, e.g. socket, pkipath, keyfile. */
  params: { [name: string]: string };
  /** What the daemon is asked to open. */
  name: string;
}

const transports: readonly TransportKind[] = ["unix", "tls", "tcp", "ssh"];
const ownParams = [
  ...["name", "command", "socket", "auth", "netcat", "keyfile", "pkipath", "tls_priority", "mode", "proxy"],
  ...["no_sanity", "no_verify", "no_tty", "sshauth", "known_hosts", "known_hosts_verify", "authfile"],
];

/** Throws ConnectError when `text` is no connection URI or asks for a transport that is not supported. */
export function parseConnectionUri(text: string): ConnectionUri {
  const example = "write it like qemu:///system or qemu+ssh://root@kvm1/system";
  const match = /^([a-z][a-z0-9]*)(?:\+([a-z0-9]+))?:\/\//.exec(text);
  const url = match && URL.canParse(text) ? new URL(text) : undefined;
  if (!match || !url) throw new ConnectError(text, "this is not a libvirt connection URI", example);
  const host = decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1") || undefined;
  const transport = (match[2] ?? (host ? "tls" : "unix")) as TransportKind;
  if (!transports.includes(transport)) {
    throw new ConnectError(text, `transport ${transport} is not supported`, `use one of ${transports.join(", ")}`);
  }
  if (transport === "ssh" && !host) throw new ConnectError(text, "ssh needs a host", example);
  // A host that starts with a dash would be taken for an option.
  if (host?.startsWith("-") || url.username.startsWith("-")) {
    throw new ConnectError(text, "host and user must not start with a dash", example);
  }
  if (url.password)
    throw new ConnectError(text, "a password in the URI would be visible to all", "use keys and an agent");
  const params = Object.fromEntries([...url.searchParams].filter(([name]) => ownParams.includes(name)));
  const passed = [...url.searchParams].filter(([name]) => !ownParams.includes(name));
  const query = new URLSearchParams(passed).toString();
  return {
    text,
    driver: match[1]!,
    transport,
    user: url.username ? decodeURIComponent(url.username) : undefined,
    host,
    port: url.port ? Number(url.port) : undefined,
    path: decodeURIComponent(url.pathname),
    params,
    name: params["name"] ?? `${match[1]!}://${url.pathname || "/"}${query ? `?${query}` : ""}`,
  };
}
