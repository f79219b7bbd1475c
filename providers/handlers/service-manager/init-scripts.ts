import type { Machine } from "../../machine/machine";
import { manage, type ServiceLook, type ServiceManager } from "./service-manager";

/** Tells whether "$1" exists (else exit code 44), the code of its status, and whether it has a start link. */
const LOOK = `
[ -x "/etc/init.d/$1" ] || exit 44
"/etc/init.d/$1" status </dev/null >/dev/null 2>&1
echo "status=$?"
for link in /etc/rc[2345].d/S[0-9][0-9]"$1"; do
  [ ! -e "$link" ] || { echo enabled=yes; exit; }
done
echo enabled=no`;

const ENABLE = `
if command -v update-rc.d >/dev/null; then
  update-rc.d "$1" defaults && update-rc.d "$1" enable
else
  chkconfig --add "$1" && chkconfig "$1" on
fi`;

const DISABLE = `
if command -v update-rc.d >/dev/null; then update-rc.d "$1" disable; else chkconfig "$1" off; fi`;

/** Init scripts without an init that knows them, as in containers; exit codes as the LSB defines them. */
export class InitScripts implements ServiceManager {
  readonly name = "SysV init";

  constructor(private readonly machine: Machine) {}

  async look(service: string, signal?: AbortSignal): Promise<ServiceLook | undefined> {
    const { exitCode, stdout } = await manage(this.machine, ["sh", "-c", LOOK, "sh", service], signal, [0, 44]);
    if (exitCode === 44) return undefined;
    const status = /^status=(\d+)$/m.exec(stdout)?.[1];
    return {
      activity: status === "0" ? "running" : "stopped",
      detail: `status ${status}`,
      enabled: /^enabled=yes$/m.test(stdout),
    };
  }

  async start(service: string, signal?: AbortSignal): Promise<void> {
    await this.script(service, "start", signal);
  }

  async stop(service: string, signal?: AbortSignal): Promise<void> {
    await this.script(service, "stop", signal);
  }

  async restart(service: string, signal?: AbortSignal): Promise<void> {
    await this.script(service, "restart", signal);
  }

  async reload(service: string, signal?: AbortSignal): Promise<void> {
    // The LSB leaves reload to the script, and force-reload restarts those that have none.
    await this.script(service, "force-reload", signal);
  }

  async enable(service: string, signal?: AbortSignal): Promise<void> {
    await manage(this.machine, ["sh", "-c", ENABLE, "sh", service], signal);
  }

  async disable(service: string, signal?: AbortSignal): Promise<void> {
    await manage(this.machine, ["sh", "-c", DISABLE, "sh", service], signal);
  }

  async log(): Promise<string> {
    return "";
  }

  private async script(service: string, verb: string, signal?: AbortSignal): Promise<void> {
    await manage(this.machine, [`/etc/init.d/${service}`, verb], signal);
  }
}
