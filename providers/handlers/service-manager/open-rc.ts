import type { Machine } from "../../machine/machine";
import { manage, type ServiceLook, type ServiceManager } from "./service-manager";

/** Tells whether "$1" exists (else exit code 44), then the code of its status and whether it is in the default runlevel. */
const LOOK = `
rc-service --exists "$1" || exit 44
rc-service "$1" status >/dev/null 2>&1
echo "status=$?"
rc-update show default | grep -q "^ *$1 *|" && echo enabled=yes || echo enabled=no`;

/** OpenRC, as on Alpine and Gentoo: rc-service(8), rc-update(8). */
export class OpenRc implements ServiceManager {
  readonly name = "OpenRC";

  constructor(private readonly machine: Machine) {}

  async look(service: string, signal?: AbortSignal): Promise<ServiceLook | undefined> {
    const { exitCode, stdout } = await manage(this.machine, ["sh", "-c", LOOK, "sh", service], signal, [0, 44]);
    if (exitCode === 44) return undefined;
    const status = /^status=(\d+)$/m.exec(stdout)?.[1];
    const states: { [status: string]: ServiceLook["activity"] } = { "0": "running", "8": "starting" };
    const details: { [status: string]: string } = { "3": "stopped", "32": "crashed" };
    return {
      activity: states[status!] ?? "stopped",
      detail: details[status!] ?? `status ${status}`,
      enabled: /^enabled=yes$/m.test(stdout),
    };
  }

  async start(service: string, signal?: AbortSignal): Promise<void> {
    // A service that crashed counts as started; zap forgets that.
    if ((await this.look(service, signal))?.detail === "crashed") await this.service(service, "zap", signal);
    await this.service(service, "start", signal);
  }

  async stop(service: string, signal?: AbortSignal): Promise<void> {
    await this.service(service, "stop", signal);
  }

  async restart(service: string, signal?: AbortSignal): Promise<void> {
    await this.service(service, "restart", signal);
  }

  async reload(service: string, signal?: AbortSignal): Promise<void> {
    const described = await manage(this.machine, ["rc-service", service, "describe"], signal, [0, 1]);
    const canReload = /^ *\* *reload\b/m.test(described.stdout + described.stderr);
    await this.service(service, canReload ? "reload" : "restart", signal);
  }

  async enable(service: string, signal?: AbortSignal): Promise<void> {
    await manage(this.machine, ["rc-update", "add", service, "default"], signal);
  }

  async disable(service: string, signal?: AbortSignal): Promise<void> {
    await manage(this.machine, ["rc-update", "del", service, "default"], signal);
  }

  async log(): Promise<string> {
    return "";
  }

  private async service(service: string, verb: string, signal?: AbortSignal): Promise<void> {
    await manage(this.machine, ["rc-service", service, verb], signal);
  }
}
