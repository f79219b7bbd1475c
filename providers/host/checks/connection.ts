import { ConnectError } from "../../libvirt/errors";
import type { Check } from "../inspection";

/** libvirtd answers on the URI. */
export const connection: Check = {
  name: "connection to libvirt",
  look({ libvirt }) {
    if (!(libvirt instanceof Error)) return [];
    const [problem, fix] =
      libvirt instanceof ConnectError
        ? [libvirt.problem, libvirt.fix]
        : [`libvirt does not answer: ${libvirt.message}`, undefined];
    return [{ level: "error", field: "connection", problem: oneLine(problem), fix: fix ?? "see libvirtd's log" }];
  },
};

/** Commands run on the machine. */
export const machine: Check = {
  name: "commands on the machine",
  look({ machine, target }) {
    if (machine === undefined)
      return [
        {
          level: "warning",
          field: "machine",
          problem: `${target.connection} carries libvirt only: addresses, folders, programs and firewall are not looked at`,
          fix: 'say where commands run on that host, machine: { kind: "ssh", host: "..." }',
        },
      ];
    if (!(machine instanceof Error)) return [];
    const [problem, fix] = machine.message.split(/\n?\bFix: /);
    return [
      {
        level: "error",
        field: "machine",
        problem: oneLine(problem!),
        fix: oneLine(fix ?? "see that commands run there, or set machine"),
      },
    ];
  },
};

function oneLine(text: string): string {
  return text
    .trim()
    .replace(/\s*\n\s*/g, "; ")
    .replace(/[.;]$/, "");
}
