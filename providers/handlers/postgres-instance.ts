import type { Change, Context, Created, DiffTable, Handler, Verdict } from "../dynamic/contract";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { milliseconds } from "../schema/duration";
import { postgresInstanceSchema, type PostgresInstanceInputs } from "../schema/postgres-instance";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";
import { PostgresInstanceConverge } from "./postgres-instance-converge";

export interface PostgresInstanceState extends PostgresInstanceInputs {
  version: string;
  /** "healthy", or what was found last. */
  health: string;
}

const reread: Verdict = {
  disruption: "live",
  why: "PostgreSQL reads its settings again; those that it takes only at its start restart it",
};

/** PostgreSQL servers on machines. */
export class PostgresInstanceHandler implements Handler<PostgresInstanceInputs, PostgresInstanceState> {
  readonly kind = "PostgresInstance";
  readonly schema = postgresInstanceSchema;

  readonly fields: DiffTable<PostgresInstanceInputs> = {
    machine: machineRule,
    name: "replace",
    port: { disruption: "live", why: "PostgreSQL is restarted" },
    listen: { disruption: "live", why: "PostgreSQL is restarted" },
    settings: reread,
    users: { disruption: "live", why: "users come and change; those that go may not log in any more", hidden: true },
    databases: { disruption: "live", why: "databases come; none is dropped" },
    allow: reread,
    replicationPassword: { disruption: "live", hidden: true },
    primary: ({ new: primary }) => ({
      disruption: "live",
      why: primary === undefined ? "it is promoted to a primary" : "it becomes a copy of its primary",
    }),
    slot: reread,
    timeout: "ignored",
    disk: { disruption: "live", why: "the machine's disk is another one: everything is put in place again" },
    condition: { disruption: "live", why: "it is brought back" },
  };

  constructor(private readonly machine: (spec: PostgresInstanceInputs["machine"]) => Machine = open) {}

  describe({ name, machine }: PostgresInstanceInputs): string {
    return `PostgreSQL ${name} on ${machineLabel(machine)}`;
  }

  lock({ name, machine }: PostgresInstanceInputs): string {
    return `postgres ${machineKey(machine)} ${name}`;
  }

  /** A copy of a large database takes its time. */
  deadline({ timeout, primary }: PostgresInstanceInputs): number {
    return 10 * 60_000 + 2 * milliseconds(timeout) + (primary ? 6 * 3_600_000 : 0);
  }

  async create(inputs: PostgresInstanceInputs, context: Context): Promise<Created<PostgresInstanceState>> {
    const work = this.converge(inputs, context);
    const version = await work.bring(undefined);
    const id = `${machineLabel(inputs.machine)}:postgresql-${inputs.name}`;
    return { id, state: { ...inputs, condition: "serving", version, health: "healthy" } };
  }

  read(_id: string, state: PostgresInstanceState, context: Context): Promise<PostgresInstanceState | undefined> {
    return lookOnMachine(state, context, async () => {
      const found = await this.converge(state, context).look();
      if (!found) return undefined;
      return { ...state, ...found, health: found.condition === "serving" ? "healthy" : found.condition! };
    });
  }

  async update(
    _id: string,
    olds: PostgresInstanceState,
    news: PostgresInstanceInputs,
    _changes: Change[],
    context: Context,
  ): Promise<PostgresInstanceState> {
    const version = await this.converge(news, context).bring(olds);
    return { ...news, condition: "serving", version, health: "healthy" };
  }

  delete(_id: string, state: PostgresInstanceState, context: Context): Promise<void> {
    return undoOnMachine(context, () => this.converge(state, context).letGo());
  }

  private converge(inputs: PostgresInstanceInputs, context: Context): PostgresInstanceConverge {
    return new PostgresInstanceConverge(this.machine(inputs.machine), inputs, context);
  }
}
