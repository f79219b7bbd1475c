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
