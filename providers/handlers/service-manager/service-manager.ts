import type { Machine } from "../../machine/machine";

/** A service as its manager sees it. */
export interface ServiceLook {
  /** "starting" covers everything on its way up, also waiting to be started again after a failure. */
  activity: "running" | "starting" | "stopped";
  /** Whether it starts at boot; undefined where that is not its to say (started by others, or generated). */
  enabled?: boolean;
  /** What the manager says of a service that is not running: "failed (exit-code)". */
  detail?: string;
  /** Changes whenever the service is started anew, where the manager tells. */
  instance?: string;
}

/** What starts and stops services on a machine. Names are those of the manager; all calls reject with CommandError. */
export interface ServiceManager {
  /** "systemd", as errors name it. */
  readonly name: string;
  /** Undefined when the machine has no such service. */
  look(service: string, signal?: AbortSignal): Promise<ServiceLook | undefined>;
  start(service: string, signal?: AbortSignal): Promise<void>;
  stop(service: string, signal?: AbortSignal): Promise<void>;
  restart(service: string, signal?: AbortSignal): Promise<void>;
  /** Makes it read its configuration again; restarts a service that cannot. */
  reload(service: string, signal?: AbortSignal): Promise<void>;
  enable(service: string, signal?: AbortSignal): Promise<void>;
  disable(service: string, signal?: AbortSignal): Promise<void>;
  /** The last lines that the service has logged; empty where the manager keeps none. */
  log(service: string): Promise<string>;
}

/** Time for a service to start or stop, before the manager's own limits. */
export const jobTimeout = 5 * 60_000;

/** Runs commands of a manager, with messages in English. */
export async function manage(machine: Machine, argv: string[], signal?: AbortSignal, accept?: number[]) {
  return machine.run(argv, { signal, accept, timeout: jobTimeout, env: { LC_ALL: "C" } });
}
