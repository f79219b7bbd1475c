import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import type { LabRecord, LabState } from "./lab-state";

const execute = promisify(execFile);

/** How OpenSSH gets to the hosts: from the station, whose names it takes. Nothing leaves from the machine itself. */
export function sshOptions(state: LabState): { [name: string]: string } {
  return {
    ProxyCommand: `${state.path("connect")} %h %p`,
    IdentityFile: state.path("client"),
    IdentitiesOnly: "yes",
    UserKnownHostsFile: state.path("known_hosts"),
    GlobalKnownHostsFile: "/dev/null",
    StrictHostKeyChecking: "yes",
  };
}

export function hostKeyFile(state: LabState, host: string): string {
  return state.path(`host-key-${host}`);
}

/** Keys, known hosts, and an `ssh` that uses them. Keys that there are stay. */
export async function writeAccess(state: LabState, record: LabRecord): Promise<void> {
  const hosts = Object.keys(record.hosts);
  const keys = [state.path("client"), ...hosts.map((host) => hostKeyFile(state, host))];
  await Promise.all(keys.filter((file) => !existsSync(`${file}.pub`)).map(makeKey));
  state.put("known_hosts", hosts.map((host) => knownHost(state, host, record.hosts[host]!.addresses)).join(""));
  const names = hosts.flatMap((host) => namesOf(host, record.hosts[host]!.addresses));
  const options = Object.entries(sshOptions(state)).map(([name, value]) => `  ${name} ${value}\n`);
  state.put("ssh_config", `Host ${names.join(" ")}\n  User root\n${options.join("")}`);
  state.put("ssh", `#!/bin/sh\nexec ssh -F ${state.path("ssh_config")} "$@"\n`, 0o755);
  state.put("connect", connectScript(state), 0o755);
}

function knownHost(state: LabState, host: string, addresses: readonly string[]): string {
  const [type, key] = readFileSync(`${hostKeyFile(state, host)}.pub`, "utf8")
    .trim()
    .split(" ");
  return `${namesOf(host, addresses).join(",")} ${type} ${key}\n`;
}

function namesOf(host: string, addresses: readonly string[]): string[] {
  return [host, `${host}.lab`, ...addresses.map((address) => address.split("/")[0]!)];
}

/** By IPv4 unless an IPv6 address is given, so that one knows what carries the connection. */
function connectScript(state: LabState): string {
  return [
    "#!/bin/sh",
    "case $1 in *:*) version=-6 ;; *) version=-4 ;; esac",
    `exec sh ${state.path("enter.sh")} ${state.path("station")} nc $version "$1" "$2"`,
    "",
  ].join("\n");
}

/** The public half comes last: with it the key is complete. */
async function makeKey(file: string): Promise<void> {
  const script = [
    'rm -f "$1.new" "$1.new.pub"',
    'ssh-keygen -q -t ed25519 -N "" -C lab -f "$1.new"',
    'mv "$1.new" "$1"',
    'mv "$1.new.pub" "$1.pub"',
  ].join(" && ");
  await execute("sh", ["-c", script, "sh", file]);
}
