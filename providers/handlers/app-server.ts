import type { Change, Context, Created, DiffTable, Handler, Verdict } from "../dynamic/contract";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { milliseconds } from "../schema/duration";
import { appServerSchema, type AppServerInputs } from "../schema/app-server";
import { AppServerConverge } from "./app-server-converge";
import { lookOnMachine, machineRule, takeBack, undoOnMachine } from "./on-machine";
import { settle } from "./settle";

export interface AppServerState extends AppServerInputs {
  /** "healthy", or what was found last. */
  health: string;
}

const restarted: Verdict = { disruption: "live", why: "the program is restarted, after the requests under way" };

/** Programs on machines that serve at a port. */
export class AppServerHandler implements Handler<AppServerInputs, AppServerState> {
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

  constructor(private readonly machine: (spec: AppServerInputs["machine"]) => Machine = open) {}

  describe({ name, machine }: AppServerInputs): string {
    return `application ${name} on ${machineLabel(machine)}`;
  }

  lock({ name, machine }: AppServerInputs): string {
    return `app ${machineKey(machine)} ${name}`;
  }

  deadline({ timeout, drain }: AppServerInputs): number {
    return 10 * 60_000 + 2 * milliseconds(timeout) + 2 * milliseconds(drain);
  }

  async create(inputs: AppServerInputs, context: Context): Promise<Created<AppServerState>> {
    const work = this.converge(inputs, context);
    const fresh = await work.claim();
    try {
      await work.bring();
    } catch (error) {
      // What an earlier run left is gone on with by the next one.
      if (fresh) await takeBack(context, (calm) => this.converge(inputs, calm).remove());
      throw error;
    }
    return { id: `${machineLabel(inputs.machine)}:app-${inputs.name}`, state: stateOf(inputs) };
  }

  read(_id: string, state: AppServerState, context: Context): Promise<AppServerState | undefined> {
    return lookOnMachine(state, context, async () => {
      const found = await this.converge(state, context).look();
      if (found === undefined) return undefined;
      return { ...state, condition: found, health: found === "serving" ? "healthy" : found };
    });
  }

  async update(
    _id: string,
    olds: AppServerState,
    news: AppServerInputs,
    _changes: Change[],
    context: Context,
  ): Promise<AppServerState> {
    if (await this.converge(news, context).bring(olds)) await settle(context);
    return stateOf(news);
  }

  delete(_id: string, state: AppServerState, context: Context): Promise<void> {
    return undoOnMachine(context, () => this.converge(state, context).remove());
  }

  private converge(inputs: AppServerInputs, context: Context): AppServerConverge {
    return new AppServerConverge(this.machine(inputs.machine), inputs, context);
  }
}

function stateOf(inputs: AppServerInputs): AppServerState {
  return { ...inputs, condition: "serving", health: "healthy" };
}
