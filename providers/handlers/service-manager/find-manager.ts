import { OperatorError } from "../../dynamic/errors";
import type { Machine } from "../../machine/machine";
import { InitScripts } from "./init-scripts";
import { OpenRc } from "./open-rc";
import type { ServiceManager } from "./service-manager";
import { Systemd } from "./systemd";

/** sd_booted(3), then OpenRC's own mark, then what is left. */
const FIND = `
if [ -d /run/systemd/system ]; then echo systemd
elif [ -d /run/openrc ] && command -v rc-service >/dev/null; then echo openrc
elif [ -d /etc/init.d ]; then echo init
fi`;

/** The service manager that runs on the machine. */
export async function findManager(machine: Machine, signal?: AbortSignal): Promise<ServiceManager> {
  const { stdout } = await machine.run(["sh", "-c", FIND], { signal });
  switch (stdout.trim()) {
    case "systemd":
      return new Systemd(machine);
    case "openrc":
      return new OpenRc(machine);
    case "init":
      return new InitScripts(machine);
  }
  throw new OperatorError(
    "the machine has no service manager: neither systemd nor OpenRC runs, and there is no /etc/init.d",
    {
      fix: "start the program with a Command",
    },
  );
}
