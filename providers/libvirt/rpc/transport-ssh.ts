import { ConnectError } from "../errors";
import type { ConnectionUri } from "./connection-uri";
import { SshPipe } from "./ssh-pipe";
import type { Transport } from "./transport";

/** Tunnels through the operator's own OpenSSH: ~/.ssh/config, agents, jump hosts and known hosts are as always. */
export function connectSsh(uri: ConnectionUri): Promise<Transport> {
  const pipe = new SshPipe(sshArgv(uri));
  return Promise.resolve({
    stream: pipe,
    reason: () => reason(pipe),
    ref: () => pipe.keep(true),
    unref: () => pipe.keep(false),
  });
}

/** argv of the tunnel; the last element runs in a shell on the host. */
export function sshArgv(uri: ConnectionUri): string[] {
  const { command, keyfile } = uri.params;
  return [
    command ?? "ssh",
    ...["-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15", "-e", "none"],
    ...(uri.port ? ["-p", String(uri.port)] : []),
    ...(uri.user ? ["-l", uri.user] : []),
    ...(keyfile ? ["-i", keyfile] : []),
    ...["--", uri.host!, `sh -c ${quote(remoteScript(uri))}`],
  ];
}

/**
 * virt-ssh-helper where the host has it (libvirt 6.8 and later), else netcat; an explicit socket always takes netcat, as
 * with libvirt's own client.
 */
function remoteScript(uri: ConnectionUri): string {
  const { socket, netcat = "nc", proxy = "auto" } = uri.params;
  if (!["auto", "native", "netcat"].includes(proxy)) {
    throw new ConnectError(uri.text, `parameter proxy is ${proxy}`, "use auto, native or netcat");
  }
  const sockets = socket ? [socket] : remoteSockets(uri);
  const helper = `exec virt-ssh-helper ${quote(uri.name)}`;
  const tunnel = [
    // Some netcats need -q0 to go when their input ends, others do not know it.
    `if ${quote(netcat)} -q 2>&1 | grep "requires an argument" >/dev/null 2>&1; then q=-q0; else q=; fi`,
    `for s in ${sockets.map(quote).join(" ")}; do if test -S "$s"; then exec ${quote(netcat)} $q -U "$s"; fi; done`,
    `echo "no libvirt socket among: ${sockets.map((path) => path.replace(/["$\`\\]/g, "\\$&")).join(" ")}" >&2; exit 1`,
  ].join("; ");
  if (proxy === "netcat" || socket) return tunnel;
  if (proxy === "native") return helper;
  return `if command -v virt-ssh-helper >/dev/null 2>&1; then ${helper}; fi; ${tunnel}`;
}

function remoteSockets(uri: ConnectionUri): string[] {
  const modular = `virt${uri.driver}d-sock`;
  const names = uri.params["mode"] === "direct" ? [modular] : ["libvirt-sock", modular];
  return names.flatMap((name) => [`/run/libvirt/${name}`, `/var/run/libvirt/${name}`]);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** How ssh ended, in its own last words. */
function reason(pipe: SshPipe): string | undefined {
  const { ended } = pipe;
  if (ended instanceof Error) return `ssh cannot be started: ${ended.message}. Fix: install openssh-client`;
  const lines = pipe.said
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(-5)
    .join("; ");
  if (!ended && !lines) return undefined;
  const how = ended ? (ended.signal ? `was ended by ${ended.signal}` : `ended with exit code ${ended.code}`) : "said";
  return `ssh ${how}${lines ? `: ${lines}` : ""}${fixFor(lines)}`;
}

const fixes: [RegExp, string][] = [
  [
    /host key verification failed|identification has changed/i,
    "connect once with ssh by hand and compare the host's key",
  ],
  [/permission denied \(/i, "load the key into ssh-agent, or install it with ssh-copy-id"],
  [/could not resolve hostname|name or service not known/i, "check the host's name and the DNS"],
  [/connection (refused|timed out)|no route to host/i, "check that sshd runs there, its port and the firewall"],
  // Before libvirt: what ssh runs to come there may miss a file of its own.
  [/kex_exchange_identification|connection (closed|reset) by/i, "see what ssh to that host says by hand"],
  [/no libvirt socket|failed to connect socket|no such file/i, "start libvirtd on the host: systemctl start libvirtd"],
  [/not found/i, "install libvirt's virt-ssh-helper (libvirt-daemon or libvirt-clients) or netcat-openbsd on the host"],
];

function fixFor(lines: string): string {
  const found = fixes.find(([pattern]) => pattern.test(lines));
  return found ? `. Fix: ${found[1]}` : "";
}
