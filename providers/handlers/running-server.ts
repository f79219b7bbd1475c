import type { Change, Context, Created, DiffTable, Handler } from "../dynamic/contract";
import type { Machine } from "../machine/machine";
import { machineLabel, open } from "../machine/open-machine";
import type { MachineSpec } from "../machine/machine";
import { lookOnMachine, takeBack, undoOnMachine } from "./on-machine";
import { settle } from "./settle";

/** What a server is declared as, whichever it is. */
interface ServerInputs {
  machine: MachineSpec;
  name: string;
  /** "serving", or what was found in its place. */
  condition: string;
}

/** Brings one server to what its inputs say; every step that fails is taken back. */
export interface ServerConverge<Inputs extends ServerInputs> {
  /** Whether nothing of it is there yet; throws where somebody else's is. */
  claim(): Promise<boolean>;
  /** Whether those in front of it noticed. */
  bring(olds?: Inputs): Promise<boolean>;
  /** What is different on the machine, in the fields that say it; undefined where nothing of it is there. */
  look(): Promise<(Partial<Inputs> & { condition: string }) | undefined>;
  remove(): Promise<void>;
}

/** A server that runs as a service of its machine, the same life whichever it is. */
export abstract class RunningServerHandler<
  Inputs extends ServerInputs,
  State extends Inputs & { health: string },
> implements Handler<Inputs, State> {
  abstract readonly kind: string;
  abstract readonly schema: Handler<Inputs, State>["schema"];
  abstract readonly fields: DiffTable<Inputs>;
  /** What its unit's name begins with: "tomcat". */
  protected abstract readonly prefix: string;

  constructor(private readonly machine: (spec: MachineSpec) => Machine = open) {}

  abstract describe(inputs: Inputs): string;
  abstract lock(inputs: Inputs): string;
  abstract deadline(inputs: Inputs): number;
  protected abstract converge(machine: Machine, inputs: Inputs, context: Context): ServerConverge<Inputs>;
  /** What is known of a server that serves as it is declared. */
  protected abstract stateOf(inputs: Inputs): State;

  async create(inputs: Inputs, context: Context): Promise<Created<State>> {
    const work = this.work(inputs, context);
    const fresh = await work.claim();
    try {
      await work.bring();
    } catch (error) {
      // What an earlier run left is gone on with by the next one.
      if (fresh) await takeBack(context, (calm) => this.work(inputs, calm).remove());
      throw error;
    }
    const id = `${machineLabel(inputs.machine)}:${this.prefix}-${inputs.name}`;
    return { id, state: this.stateOf(inputs) };
  }

  read(_id: string, state: State, context: Context): Promise<State | undefined> {
    return lookOnMachine(state, context, async () => {
      const found = await this.work(state, context).look();
      return found && { ...state, ...found, health: found.condition === "serving" ? "healthy" : found.condition };
    });
  }

  async update(_id: string, olds: State, news: Inputs, _changes: Change[], context: Context): Promise<State> {
    if (await this.work(news, context).bring(olds)) await settle(context);
    return this.stateOf(news);
  }

  delete(_id: string, state: State, context: Context): Promise<void> {
    return undoOnMachine(context, () => this.work(state, context).remove());
  }

  private work(inputs: Inputs, context: Context): ServerConverge<Inputs> {
    return this.converge(this.machine(inputs.machine), inputs, context);
  }
}
