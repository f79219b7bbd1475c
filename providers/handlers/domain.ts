import type { Change, Context, Created, Disruption, Handler, Problem } from "../dynamic/contract";
import { OperatorError, PartialError } from "../dynamic/errors";
import type { Connection } from "../libvirt/connection";
import { ConnectError, isLibvirtError } from "../libvirt/errors";
import type { Domain } from "../libvirt/handles";
import { open } from "../libvirt/open";
import type { ReadyFacts } from "../libvirt/readiness";
import { domainSchema, type DomainInputs } from "../schema/domain";
import { milliseconds } from "../schema/duration";
import { adoptable, existsProblem, found } from "./adopt";
import { settledLook, untilBallooned } from "./domain-balloon";
import { converge, type Converged } from "./domain-converge";
import { domainFields } from "./domain-fields";
import { kindOf, type Observed } from "./domain-kind";
import { handleOf, look, type DomainLook } from "./domain-look";
import { newDocument } from "./domain-model";
import { observe } from "./domain-observe";
import { addressOutputs, currentFacts, liveOutputs, plainOutputs } from "./domain-outputs";
import { domainProblems, findDomain, isLeftOver } from "./domain-problems";
import type { DomainState } from "./domain-state";
import { volumePaths, type VolumePaths } from "./domain-volumes";
import { ownedUuid } from "./owned-uuid";
import { reachable } from "./reachable";

/** Guests. */
export class DomainHandler implements Handler<DomainInputs, DomainState> {
  readonly kind = "Domain";
  readonly schema = domainSchema;
  readonly fields = domainFields;
  /** Two guests cannot share a disk, and should not share an address. */
  readonly deleteBeforeReplace = true;

  constructor(private readonly connect: (uri: string) => Promise<Connection> = open) {}

  describe({ name, connection }: DomainInputs): string {
    return `domain ${name} on ${connection}`;
  }

  lock({ name, connection }: DomainInputs): string {
    return `domain ${connection} ${name}`;
  }

  limit({ disruption }: DomainInputs): Disruption {
    return disruption;
  }

  /** Ten minutes beside what the program allows the guest itself to take. */
  deadline({ ready, shutdownTimeout }: DomainInputs): number {
    return 600_000 + milliseconds(ready?.timeout ?? "0s") + milliseconds(shutdownTimeout ?? "30s");
  }

  generate(news: DomainInputs, olds: Partial<DomainInputs> | undefined): Partial<DomainInputs> {
    return news.adopt === undefined ? { uuid: olds?.uuid ?? ownedUuid(news) } : {};
  }

  async problems(
    news: DomainInputs,
    olds: Partial<DomainInputs> | undefined,
    _changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    const kind = kindOf(news);
    let absent: Problem | undefined;
    const connecting = this.connected(news, context).catch(async (error: unknown) => {
      if (error instanceof ConnectError) absent = await kind.driverProblem?.(news, error, this.connect);
      if (!absent) throw error;
      return undefined;
    });
    const connection = await reachable(connecting);
    if (connection) return domainProblems(kind, connection, news, olds, context, this.connect);
    return absent ? [absent] : [];
  }

  async create(inputs: DomainInputs, context: Context): Promise<Created<DomainState>> {
    const connection = await this.connected(inputs, context);
    if (inputs.adopt !== undefined) return this.takeOver(connection, inputs, context);
    const domain = handleOf(inputs.uuid ?? ownedUuid(inputs), inputs.name);
    const kind = kindOf(inputs);
    const [accelerator, paths, existing] = await Promise.all([
      kind.accelerator(connection, inputs, context),
      volumePaths(connection, inputs.disks ?? []),
      found(connection.domainLookupByUUID(domain.uuid)),
    ]);
    if (existing) return this.goOn(connection, existing, inputs, paths, context);
    const state = this.stateOf(domain, inputs, paths, { acceleratorInUse: accelerator });
    try {
      const xml = newDocument(inputs, kind.newModel(inputs, accelerator, paths), domain.uuid);
      // Not given up half way: what libvirt is doing cannot be undone before it is done.
      await defineAndStart(await this.connect(inputs.connection), domain, inputs, xml);
      context.signal.throwIfAborted();
    } catch (cause) {
      // Our UUID was free: where it is refused, the name is taken.
      const other = isLibvirtError(cause) ? await findDomain(connection, inputs.name) : undefined;
      if (other && other.uuid !== domain.uuid) throw new OperatorError(existsProblem("domain", inputs.name), { cause });
      throw await this.undone(domain, inputs, state, cause as Error);
    }
    return {
      id: domain.uuid,
      state: await this.whenReady(connection, domain, undefined, inputs, state, true, context),
    };
  }

  /** Goes on with a guest that an interrupted run of the same resource left behind. */
  private async goOn(
    connection: Connection,
    domain: Domain,
    inputs: DomainInputs,
    paths: VolumePaths,
    context: Context,
  ): Promise<Created<DomainState>> {
    if (!(await isLeftOver(connection, domain, inputs))) throw new OperatorError(existsProblem("domain", domain.name));
    context.progress("going on where an interrupted run ended");
    const olds = this.stateOf(domain, inputs, paths, {});
    return { id: domain.uuid, state: await this.update(domain.uuid, olds, inputs, [], context) };
  }

  /** Removes what `create` made; where that fails too, the guest is kept in the state as it is. */
  private async undone(domain: Domain, inputs: DomainInputs, state: DomainState, cause: Error): Promise<Error> {
    try {
      // The operation's own time may be over: this has its own.
      await kindOf(inputs).remove(await this.connect(inputs.connection), domain);
      return cause;
    } catch {
      return new PartialError(domain.uuid, state, cause);
    }
  }

  /** Takes a guest over as it is; what the program declares otherwise shows as a change in the next preview. */
  private async takeOver(
    connection: Connection,
    inputs: DomainInputs,
    context: Context,
  ): Promise<Created<DomainState>> {
    const domain = adoptable("domain", await findDomain(connection, inputs.adopt!), inputs);
    const paths = await volumePaths(connection, inputs.disks ?? []);
    const seen = await look(connection, domain);
    if (!seen) throw new OperatorError("it was removed while it was taken over");
    const state = this.stateOf(domain, inputs, paths, { ...liveOutputs(kindOf(inputs), seen), adopted: true });
    const facts = await currentFacts(kindOf(state), connection, seen, state, context);
    const now = await this.observed(connection, inputs, seen, paths, context);
    return { id: domain.uuid, state: { ...state, ...now, ...addressOutputs(facts) } };
  }

  async read(id: string, state: DomainState, context: Context): Promise<DomainState | undefined> {
    const connection = await this.connected(state, context);
    const seen = await settledLook(connection, handleOf(id, state.name), state.memory);
    if (!seen) return undefined;
    const facts = await currentFacts(kindOf(state), connection, seen, state, context);
    const now = await this.observed(connection, state, seen, state.volumePaths ?? {}, context);
    return {
      ...Object.fromEntries(Object.entries(state).filter(([field]) => !(field in this.fields))),
      ...(now as DomainInputs),
      uuid: id,
      adopted: state.adopted,
      ...liveOutputs(kindOf(state), seen),
      ...addressOutputs(facts),
    };
  }

  /** The fields that the program set, as they really are, also inside the guest. */
  private async observed(
    connection: Connection,
    declared: DomainInputs,
    seen: DomainLook,
    paths: VolumePaths,
    context: Context,
  ): Promise<Observed> {
    const kind = kindOf(declared);
    const now = observe(kind, declared, seen, paths);
    if (!now.nics || !kind.withAddresses) return now;
    return { ...now, nics: await kind.withAddresses(connection, seen, declared, now.nics, context) };
  }

  async update(
    id: string,
    olds: DomainState,
    news: DomainInputs,
    changes: Change[],
    context: Context,
  ): Promise<DomainState> {
    const connection = await this.connected(news, context);
    const paths = await volumePaths(connection, news.disks ?? []);
    const done = await converge(connection, id, olds, news, changes, paths, context);
    return this.afterUpdate(connection, handleOf(id, news.name), olds, news, changes, paths, done, context);
  }

  private async afterUpdate(
    connection: Connection,
    domain: Domain,
    olds: DomainState,
    news: DomainInputs,
    changes: readonly Change[],
    paths: VolumePaths,
    { started, replugged }: Converged,
    context: Context,
  ): Promise<DomainState> {
    const seen = await look(connection, domain);
    const outputs = seen ? liveOutputs(kindOf(news), seen) : {};
    const state = this.stateOf(domain, news, paths, { ...outputs, adopted: olds.adopted });
    // No changes: what is repeated is an `up` that ended while it waited.
    const waits = ["ready", "nics", "agent"];
    const wait = started || replugged || changes.length === 0 || changes.some(({ field }) => waits.includes(field));
    if (wait && news.ready) return this.whenReady(connection, domain, olds, news, state, started, context);
    const now = { ...olds, nics: news.nics, name: news.name };
    const facts = seen && (await currentFacts(kindOf(news), connection, seen, now, context));
    return { ...state, ...addressOutputs(facts) };
  }

  async delete(id: string, state: DomainState, context: Context): Promise<void> {
    if (state.adopted) return;
    const kind = kindOf(state);
    await kind.remove(await this.connected(state, context), handleOf(id, state.name));
    await kind.cleanUp(state, context);
  }

  /** The state with what the guest says when it is ready; the guest is kept when it does not get ready. */
  private async whenReady(
    connection: Connection,
    domain: Domain,
    olds: DomainInputs | undefined,
    inputs: DomainInputs,
    state: DomainState,
    fresh: boolean,
    context: Context,
  ): Promise<DomainState> {
    const kind = kindOf(inputs);
    try {
      await kind.giveAddresses?.(connection, domain, inputs, olds, context);
      const facts: ReadyFacts | undefined = await kind.waitUntilReady(connection, domain, inputs, fresh, context);
      // It booted with all of maxMemory, and is done when it has given the rest back.
      const { memory, maxMemory } = inputs;
      if (fresh && facts?.bootId !== undefined && memory !== undefined && maxMemory !== undefined)
        await untilBallooned(connection, domain, memory, context.signal);
      return { ...state, ...addressOutputs(facts) };
    } catch (cause) {
      throw new PartialError(domain.uuid, state, cause as Error);
    }
  }

  private stateOf(domain: Domain, inputs: DomainInputs, paths: VolumePaths, more: Partial<DomainState>): DomainState {
    return {
      ...inputs,
      uuid: domain.uuid,
      adopted: false,
      power: inputs.state,
      addresses: [],
      ...plainOutputs(inputs),
      ...(Object.keys(paths).length > 0 && { volumePaths: paths }),
      ...more,
    };
  }

  private async connected(inputs: DomainInputs, context: Context): Promise<Connection> {
    return (await this.connect(inputs.connection)).with({ signal: context.signal });
  }
}

async function defineAndStart(
  connection: Connection,
  domain: Domain,
  inputs: DomainInputs,
  xml: string,
): Promise<void> {
  await connection.domainDefineXMLFlags(xml, 0);
  const results = await Promise.allSettled([
    inputs.autostart ? connection.domainSetAutostart(domain, true) : undefined,
    inputs.state === "shutoff" ? undefined : kindOf(inputs).start(connection, domain, inputs.state ?? "running"),
  ]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
