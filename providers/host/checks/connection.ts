import { ConnectError } from "../../libvirt/errors";
import type { Check } from "../inspection";

/** libvirtd answers on the URI. */
export const connection: Check = {
  name: "connection to libvirt",
  look({ libvirt }) {
    if (!(libvirt instanceof Error)) return [];
    const said = libvirt instanceof ConnectError ? libvirt.problem : `libvirt does not answer: ${libvirt.message}`;
    const [problem, fix] = withFix(said, libvirt instanceof ConnectError ? libvirt.fix : undefined);
    return [{ level: "error", field: "connection", problem, fix: fix ?? "see libvirtd's log, or try as root" }];
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
    const [problem, fix = "see that commands run there, or set machine"] = withFix(machine.message);
    return [{ level: "error", field: "machine", problem, fix }];
  },
};

/** A message in one line each for what is wrong and, where it says so, what to do. */
function withFix(message: string, known?: string): [string, string | undefined] {
  const [problem = "", fix = known] = message.split(/\s*\bFix: /);
  return [oneLine(problem), fix === undefined ? undefined : oneLine(fix)];
}

function oneLine(text: string): string {
  return text
    .trim()
    .replace(/\s*\n\s*/g, "; ")
    .replace(/[.;]$/, "");
}
