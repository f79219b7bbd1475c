import type { Machine } from "../../machine/machine";
import { manage, type ServiceLook, type ServiceManager } from "./service-manager";

const properties = [
  "LoadState",
  "ActiveState",
  "SubState",
  "Result",
  "Type",
  "ExecMainExitTimestampMonotonic",
  "UnitFileState",
  "NRestarts",
  "MainPID",
  "NeedDaemonReload",
];

/** What `systemctl is-enabled` calls a unit that can be enabled and disabled, systemctl(1). */
const enabledStates: { [state: string]: boolean } = { enabled: true, "enabled-runtime": true, disabled: false };

/** Units of systemd: services, and by their full name timers, sockets, ... */
export class Systemd implements ServiceManager {
  readonly name = "systemd";

  constructor(private readonly machine: Machine) {}

  async look(service: string, signal?: AbortSignal): Promise<ServiceLook | undefined> {
    const unit = await this.show(service, signal);
    if (unit["LoadState"] === "not-found") return undefined;
    return { activity: activity(unit), enabled: await this.enabled(service, unit, signal), ...details(unit) };
  }

  async start(service: string, signal?: AbortSignal): Promise<void> {
    await this.reread(service, signal);
    await this.systemctl(["start", service], signal);
  }

  async stop(service: string, signal?: AbortSignal): Promise<void> {
    await this.systemctl(["stop", service], signal);
  }

  async restart(service: string, signal?: AbortSignal): Promise<void> {
    await this.reread(service, signal);
    // A unit that failed too often is refused otherwise.
    await this.systemctl(["reset-failed", service], signal, [0, 1]);
    await this.systemctl(["restart", service], signal);
  }

  async reload(service: string, signal?: AbortSignal): Promise<void> {
    await this.reread(service, signal);
    await this.systemctl(["reload-or-restart", service], signal);
  }

  async enable(service: string, signal?: AbortSignal): Promise<void> {
    await this.systemctl(["enable", service], signal);
  }

  async disable(service: string, signal?: AbortSignal): Promise<void> {
    await this.systemctl(["disable", service], signal);
  }

  /** Has it start with the machine. */
  async ensureEnabled(service: string, signal?: AbortSignal): Promise<void> {
    if ((await this.look(service, signal))?.enabled !== true) await this.enable(service, signal);
  }

  /** Stops it for good, where it is there. */
  async retire(service: string, signal?: AbortSignal): Promise<void> {
    if (!(await this.look(service, signal))) return;
    await this.disable(service, signal);
    await this.stop(service, signal);
  }

  async log(service: string): Promise<string> {
    const argv = ["journalctl", "--unit", service, "--lines", "15", "--no-pager", "--output", "cat", "--quiet"];
    return (await manage(this.machine, argv)).stdout.trimEnd();
  }

  /** systemd goes on with the unit file it read first until it is told to look again. */
  private async reread(service: string, signal?: AbortSignal): Promise<void> {
    const unit = await this.show(service, signal);
    if (unit["NeedDaemonReload"] === "yes") await this.systemctl(["daemon-reload"], signal);
  }

  private async show(service: string, signal?: AbortSignal): Promise<{ [property: string]: string }> {
    const { stdout } = await this.systemctl(["show", "--property", properties.join(","), "--", service], signal);
    return Object.fromEntries(
      stdout
        .split("\n")
        .filter((line) => line.includes("="))
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
  }

  private async enabled(service: string, unit: { [property: string]: string }, signal?: AbortSignal) {
    if (unit["UnitFileState"] !== "generated") return enabledStates[unit["UnitFileState"] ?? ""];
    // Made from an init script, whose links tell; systemctl asks them.
    const { stdout } = await this.systemctl(["is-enabled", service], signal, [0, 1]);
    return enabledStates[stdout.trim()];
  }

  private systemctl(args: string[], signal?: AbortSignal, accept?: number[]) {
    return manage(this.machine, ["systemctl", ...args], signal, accept);
  }
}

function activity(unit: { [property: string]: string }): ServiceLook["activity"] {
  if (unit["ActiveState"] === "active") return "running";
  if (["activating", "reloading"].includes(unit["ActiveState"]!) || unit["SubState"] === "auto-restart")
    return "starting";
  // It has done its work since the boot, and that is all that such a service does.
  const done = unit["Type"] === "oneshot" && unit["Result"] === "success" && unit["ActiveState"] === "inactive";
  return done && Number(unit["ExecMainExitTimestampMonotonic"] ?? 0) > 0 ? "running" : "stopped";
}

function details(unit: { [property: string]: string }): Pick<ServiceLook, "detail" | "instance"> {
  const masked = unit["LoadState"] === "masked" ? "masked" : undefined;
  const result = unit["Result"] && unit["Result"] !== "success" ? ` (${unit["Result"]})` : "";
  return { detail: masked ?? `${unit["ActiveState"]}${result}`, instance: `${unit["MainPID"]} ${unit["NRestarts"]}` };
}
