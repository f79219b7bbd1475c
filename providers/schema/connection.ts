import type { MachineSpec } from "../machine/machine";
import * as v from "valibot";

const schemes = ["qemu", "lxc", "xen", "test"];
const transports = ["unix", "ssh", "tls", "tcp"];

/** Where libvirtd is, as libvirt writes it: "qemu:///system", "qemu+ssh://root@kvm1/system" (https://libvirt.org/uri.html). */
export const connectionUri = v.pipe(
  v.string(),
  v.check(
    (text) => {
      const [, driver, transport] = /^([a-z]+)(?:\+([a-z]+))?:\/\/[^/]*\/\S*$/.exec(text) ?? [];
      return schemes.includes(driver!) && (transport === undefined || transports.includes(transport));
    },
    (issue) =>
      `${JSON.stringify(issue.input)} is not a libvirt URI. Allowed: e.g. "qemu:///system" or "qemu+ssh://root@kvm1/system" (drivers ${schemes.join(", ")}; transports ${transports.join(", ")})`,
  ),
);

/**
 * The machine that a libvirt URI points at: `qemu:///system` is this one, `qemu+ssh://root@kvm1:2222/system` is
 * reached over ssh. Undefined for TLS and TCP, which carry libvirt only: there the machine has to be given.
 */
export function machineOf(uri: string): MachineSpec | undefined {
  const { protocol, hostname, username, port } = new URL(uri);
  const transport = protocol.slice(0, -1).split("+")[1];
  if (transport === "ssh")
    return {
      kind: "ssh",
      host: hostname.replace(/^\[|\]$/g, ""),
      ...(username && { user: decodeURIComponent(username) }),
      ...(port && { port: Number(port) }),
    };
  return transport === undefined || transport === "unix" ? { kind: "local" } : undefined;
}

/** The same libvirtd's other driver: "lxc+ssh://root@kvm1/system" of "qemu+ssh://root@kvm1/system". */
export function withDriver(uri: string, driver: "qemu" | "lxc"): string {
  return uri.replace(/^[a-z]+/, driver);
}
