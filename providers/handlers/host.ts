import { isDeepStrictEqual } from "node:util";
import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { describeFinding } from "../host/finding";
import { diagnose, type Diagnosis } from "../host/doctor";
import { hostFacts, type HostFacts } from "../host/facts";
import { hostSchema, type HostInputs } from "../schema/host";

export interface HostState extends HostInputs, HostFacts {
  /** What may fail later, one line each. */
  warnings: string[];
}

/** A host's facts, and the checks of it. Nothing on the host is ever changed. */
export class HostHandler implements Handler<HostInputs, HostState> {
  readonly kind = "Host";
  readonly schema = hostSchema;

  readonly fields: DiffTable<HostInputs> = {
    connection: "replace",
    machine: "live",
    subnets: "live",
    needs: "live",
    directories: "live",
    minimumLibvirt: "live",
  };

  /** What `problems` found a moment ago is what `create` and `update` tell, without asking the host again. */
  private readonly found = new Map<string, { inputs: HostInputs; diagnosis: Diagnosis }>();

  constructor(private readonly look = diagnose) {}

  describe({ connection }: HostInputs): string {
    return `host ${connection}`;
  }

  lock({ connection }: HostInputs): string {
    return `host ${connection}`;
  }

  deadline(): number {
    return 2 * 60_000;
  }

  /** Everything that would fail later, before the first change. */
  async problems(
    news: HostInputs,
    _olds: Partial<HostInputs> | undefined,
    _changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    const diagnosis = await this.look(news, context.signal);
    this.found.set(news.connection, { inputs: defined(news), diagnosis });
    for (const warning of diagnosis.warnings) context.progress(`warning: ${describeFinding(warning)}`);
    return diagnosis.errors.map((error) => ({ field: error.field, reason: describeFinding(error) }));
  }

  async create(inputs: HostInputs, context: Context): Promise<Created<HostState>> {
    return { id: inputs.connection, state: await this.state(inputs, context) };
  }

  async read(_id: string, state: HostState, context: Context): Promise<HostState> {
    return this.state(state, context);
  }

  async update(
    _id: string,
    _olds: HostState,
    news: HostInputs,
    _changes: Change[],
    context: Context,
  ): Promise<HostState> {
    return this.state(news, context);
  }

  async delete(): Promise<void> {}

  private async state(inputs: HostInputs, context: Context): Promise<HostState> {
    const { connection, machine, subnets, needs, directories, minimumLibvirt } = inputs;
    const declared = { connection, machine, subnets, needs, directories, minimumLibvirt };
    const recent = this.found.get(connection);
    this.found.delete(connection);
    const diagnosis =
      recent && isDeepStrictEqual(recent.inputs, defined(declared))
        ? recent.diagnosis
        : await this.look(declared, context.signal);
    const facts = hostFacts(diagnosis.inspection);
    if (facts instanceof Error) throw new OperatorError(`libvirt does not answer: ${facts.message}`, { cause: facts });
    return defined({ ...declared, ...facts, warnings: diagnosis.warnings.map(describeFinding) });
  }
}

/** Without what is undefined: Pulumi's properties have no such value. */
function defined<T extends object>(properties: T): T {
  return JSON.parse(JSON.stringify(properties)) as T;
}
