import type { Context, DiffTable, Verdict } from "../dynamic/contract";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel } from "../machine/open-machine";
import { milliseconds } from "../schema/duration";
import { appServerSchema, type AppServerInputs } from "../schema/app-server";
import { AppServerConverge } from "./app-server-converge";
import { machineRule } from "./on-machine";
import { RunningServerHandler } from "./running-server";

export interface AppServerState extends AppServerInputs {
  /** "healthy", or what was found last. */
  health: string;
}

const restarted: Verdict = { disruption: "live", why: "the program is restarted, after the requests under way" };

/** Programs on machines that serve at a port. */
export class AppServerHandler extends RunningServerHandler<AppServerInputs, AppServerState> {
  protected readonly prefix = "app";
  readonly kind = "AppServer";
  readonly schema = appServerSchema;

  readonly fields: DiffTable<AppServerInputs> = {
    machine: machineRule,
    name: "replace",
    // The digest tells of a change.
    source: "ignored",
    content: restarted,
    command: restarted,
    environment: { ...restarted, hidden: true },
    port: restarted,
    user: restarted,
    healthPath: "live",
    drain: restarted,
    keepReleases: "live",
    timeout: "ignored",
    disk: { disruption: "live", why: "the machine's disk is another one: everything is put in place again" },
    condition: { disruption: "live", why: "it is brought back" },
  };

  describe({ name, machine }: AppServerInputs): string {
    return `application ${name} on ${machineLabel(machine)}`;
  }

  lock({ name, machine }: AppServerInputs): string {
    return `app ${machineKey(machine)} ${name}`;
  }

  deadline({ timeout, drain }: AppServerInputs): number {
    return 10 * 60_000 + 2 * milliseconds(timeout) + 2 * milliseconds(drain);
  }

  protected converge(machine: Machine, inputs: AppServerInputs, context: Context): AppServerConverge {
    return new AppServerConverge(machine, inputs, context);
  }

  protected stateOf(inputs: AppServerInputs): AppServerState {
    return { ...inputs, condition: "serving", health: "healthy" };
  }
}
