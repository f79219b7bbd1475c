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

const example = "write it like qemu:///system or qemu+ssh://root@kvm1/system";

/** The parameters that each transport takes, as libvirt's own client names them. */
const known: { [Kind in TransportKind]: readonly string[] } = {
  unix: ["name", "socket", "mode"],
  tls: ["name", "pkipath"],
  tcp: ["name"],
  ssh: ["name", "socket", "mode", "command", "netcat", "keyfile", "proxy", "no_tty"],
};

/** Parameters of libvirt's client that are refused, and what to do instead. They would not reach the daemon either. */
const refused: { [name: string]: string } = {
  no_verify:
    "have the peer's key or certificate checked: accept the host key once with ssh, or put the CA into pkipath",
  no_sanity: "leave it out",
  tls_priority: "leave it out: Node's default ciphers are used",
  auth: "leave it out: the daemon says what it wants",
  authfile: "use ssh or client certificates; passwords are not supported",
  sshauth: "set PreferredAuthentications in ~/.ssh/config",
  known_hosts: "set UserKnownHostsFile in ~/.ssh/config",
  known_hosts_verify: "set StrictHostKeyChecking in ~/.ssh/config",
};

/** Throws ConnectError when `text` is no connection URI or asks for what is not supported. */
export function parseConnectionUri(text: string): ConnectionUri {
  const match = /^([a-z][a-z0-9]*)(?:\+([a-z0-9]+))?:\/\//.exec(text);
  const url = match && URL.canParse(text) ? new URL(text) : undefined;
  if (!match || !url) throw new ConnectError(text, "this is not a libvirt connection URI", example);
  const host = decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1") || undefined;
  const user = decodeURIComponent(url.username) || undefined;
  const transport = (match[2] ?? (host ? "tls" : "unix")) as TransportKind;
  if (!(transport in known)) {
    const fix = `use one of ${Object.keys(known).join(", ")}`;
    throw new ConnectError(text, `transport ${transport} is not supported`, fix);
  }
  if (transport !== "unix" && !host) throw new ConnectError(text, `transport ${transport} needs a host`, example);
  if (transport === "unix" && host) throw new ConnectError(text, "transport unix takes no host", example);
  // ssh would take it for an option.
  if (host?.startsWith("-") || user?.startsWith("-")) {
    throw new ConnectError(text, "host and user must not start with a dash", example);
  }
  if (url.password)
    throw new ConnectError(text.replace(/:[^:@]*@/, ":...@"), "a password in a URI is no secret", "use keys");
  return {
    text,
    driver: match[1]!,
    transport,
    user,
    host,
    port: url.port ? Number(url.port) : undefined,
    path: decodeURIComponent(url.pathname),
    params: ownParams(text, transport, url.searchParams),
    name: url.searchParams.get("name") ?? daemonUri(match[1]!, url),
  };
}

function ownParams(text: string, transport: TransportKind, given: URLSearchParams): { [name: string]: string } {
  for (const name of given.keys()) {
    const fix = refused[name];
    if (fix) throw new ConnectError(text, `parameter ${name} is not supported`, fix);
    const elsewhere = Object.values(known).some((names) => names.includes(name));
    if (elsewhere && !known[transport].includes(name)) {
      const allowed = known[transport].join(", ");
      throw new ConnectError(
        text,
        `parameter ${name} has no meaning for transport ${transport}`,
        `it takes ${allowed}`,
      );
    }
  }
  return Object.fromEntries([...given].filter(([name]) => known[transport].includes(name)));
}

/** The URI as the daemon's own: without transport, host and the parameters that are for the client. */
function daemonUri(driver: string, url: URL): string {
  const passed = [...url.searchParams].filter(([name]) => !Object.values(known).some((names) => names.includes(name)));
  const query = new URLSearchParams(passed).toString();
  return `${driver}://${url.pathname || "/"}${query ? `?${query}` : ""}`;
}
