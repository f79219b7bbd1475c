import type { Change, Context, Created, DiffTable, Disruption, Handler, Problem } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import type { Kernel } from "../host-network/kernel";
import { look, type HostNetwork } from "../host-network/look";
import type { BridgeConfig } from "../host-network/model";
import type { RendererName } from "../host-network/persist/renderer";
import { affected, aliasOf, part, plan, type Plan } from "../host-network/plan";
import { resolve } from "../host-network/resolve";
import { ChangedMeanwhile, commit, type Transaction } from "../host-network/transaction";
import { transition } from "../host-network/transition";
import { withdrawal } from "../host-network/withdrawal";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open, openAnew } from "../machine/open-machine";
import { UnreachableError } from "../machine/unreachable-error";
import { milliseconds } from "../schema/duration";
import { linuxBridgeSchema, type LinuxBridgeInputs } from "../schema/linux-bridge";
import { bridgeFields } from "./linux-bridge-fields";
import { observed, outputs, type BridgeOutputs } from "./linux-bridge-observe";
import { forgotten, kept, rendererOf, type Kept } from "./linux-bridge-persist";
import { bridgeProblems } from "./linux-bridge-problems";
import { lookOnMachine, undoOnMachine } from "./on-machine";
import { sayUnreachable } from "./reachable";

export interface LinuxBridgeState extends LinuxBridgeInputs, BridgeOutputs {
  /** Everything written out: what the last `up` brought about. */
  config: BridgeConfig;
  /** The links of the uplinks and their routes as they were before us; undefined where nobody knows. */
  before?: Kernel;
  renderer: RendererName | "none";
  /** The configuration files that were written. */
  files: string[];
  /** Whether the bridge was there before us, and stays when we go. */
  adopted: boolean;
}

/** Bridges of Linux hosts, changed under a dead-man timer. */
export class LinuxBridgeHandler implements Handler<LinuxBridgeInputs, LinuxBridgeState> {
  readonly kind = "LinuxBridge";
  readonly schema = linuxBridgeSchema;
  /** Two bridges cannot share an uplink. */
  readonly deleteBeforeReplace = true;
  readonly fields: DiffTable<LinuxBridgeInputs> = bridgeFields;

  constructor(
    private readonly machine: (spec: LinuxBridgeInputs["machine"]) => Machine = open,
    private readonly fresh: (spec: LinuxBridgeInputs["machine"]) => Machine = openAnew,
  ) {}

  describe({ name, machine }: LinuxBridgeInputs): string {
    return `bridge ${name} on ${machineLabel(machine)}`;
  }

  /** One change of a host's network at a time. */
  lock({ machine }: LinuxBridgeInputs): string {
    return `host network ${machineKey(machine)}`;
  }

  limit({ disruption }: LinuxBridgeInputs): Disruption {
    return disruption;
  }

  deadline({ confirmTimeout }: LinuxBridgeInputs): number {
    return 4 * milliseconds(confirmTimeout) + 5 * 60_000;
  }

  async problems(
    news: LinuxBridgeInputs,
    olds: Partial<LinuxBridgeInputs> | undefined,
    _changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    try {
      const host = await look(this.machine(news.machine), news.name, context.signal);
      // What was declared before, which the host has by now.
      const earlier = olds && resolve(olds as LinuxBridgeInputs, host);
      const found = bridgeProblems(host, news, earlier);
      return found.length > 0 ? found : await this.persistProblems(news, resolve(news, host, earlier));
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      sayUnreachable(error);
      return [];
    }
  }

  async create(inputs: LinuxBridgeInputs, context: Context): Promise<Created<LinuxBridgeState>> {
    const state = await this.change(inputs, context, async (host) => {
      refuse(bridgeProblems(host, inputs, undefined));
      const there = host.links.find(({ name }) => name === inputs.name);
      const adopted = inputs.adopt !== undefined;
      if (there && !adopted) context.progress("going on where an interrupted run ended");
      const config = resolve(inputs, host);
      const others = affected(config).filter((name) => name !== inputs.name);
      const before = there ? host.before : part(host, others);
      const persisted = await this.persisted(inputs, config, context);
      const alias = adopted ? undefined : aliasOf(inputs.owner ?? inputs.name);
      const planned = plan(host, config, undefined, { alias, clients: !persisted.managed });
      return { planned, config, persisted, before, adopted };
    });
    return { id: `${machineLabel(inputs.machine)}:${inputs.name}`, state };
  }

  read(_id: string, state: LinuxBridgeState, context: Context): Promise<LinuxBridgeState | undefined> {
    return lookOnMachine(state, context, async () => {
      const machine = this.machine(state.machine);
      const host = await look(machine, state.name, context.signal);
      const there = host.links.find(({ name }) => name === state.name);
      return there?.kind === "bridge" ? observed(host, state, machine) : undefined;
    });
  }

  update(
    _id: string,
    olds: LinuxBridgeState,
    news: LinuxBridgeInputs,
    _changes: Change[],
    context: Context,
  ): Promise<LinuxBridgeState> {
    return this.change(news, context, async (host) => {
      if (!host.links.some(({ name }) => name === news.name))
        throw new OperatorError("it is gone since the last up", { fix: 'run "pulumi refresh", then up makes it anew' });
      const config = resolve(news, host, olds.config);
      const persisted = await this.persisted(news, config, context, olds);
      return {
        planned: plan(host, config, olds.config, { clients: !persisted.managed }),
        config,
        persisted,
        before: olds.before,
        adopted: olds.adopted,
      };
    });
  }

  delete(_id: string, state: LinuxBridgeState, context: Context): Promise<void> {
    return undoOnMachine(context, async () => {
      if (state.adopted) return;
      await this.change(state, context, async (host) => {
        const bridge = host.links.find(({ name }) => name === state.name);
        refuseGuests(host, state);
        const persisted = await forgotten(this.machine(state.machine), state);
        const planned = bridge
          ? withdrawal(host, state.config, state.before, { clients: !persisted.managed })
          : { from: nothing, to: nothing };
        return { planned, config: state.config, persisted, before: null, adopted: false };
      });
    });
  }

  /** What keeps the bridge over reboots, in the way that is declared or found. */
  private async persisted(inputs: LinuxBridgeInputs, config: BridgeConfig, context: Context, olds?: LinuxBridgeState) {
    const machine = this.machine(inputs.machine);
    const renderer = await rendererOf(machine, inputs, config, olds?.renderer);
    const persisted = await kept(machine, renderer, config, olds);
    if (renderer === "none" && inputs.persist === "auto")
      context.progress(
        "warning: it is gone after a reboot of the host: no way is known in which the host keeps its network",
      );
    for (const warning of persisted.warnings) context.progress(`warning: ${warning}`);
    return persisted;
  }

  /** Why the host's configuration cannot say it. */
  private async persistProblems(inputs: LinuxBridgeInputs, config: BridgeConfig): Promise<Problem[]> {
    try {
      const machine = this.machine(inputs.machine);
      await kept(machine, await rendererOf(machine, inputs, config), config);
      return [];
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      return [{ field: "persist", reason: error.message }];
    }
  }

  /** Looks at the host, plans and commits, again where somebody else was quicker. */
  private async change(
    inputs: LinuxBridgeInputs,
    context: Context,
    planning: (host: HostNetwork) => Promise<Planned>,
  ): Promise<LinuxBridgeState> {
    const machine = this.machine(inputs.machine);
    const patience = Date.now() + 2 * milliseconds(inputs.confirmTimeout) + 60_000;
    let said: string | undefined;
    while (true) {
      const host = await look(machine, inputs.name, context.signal);
      const made = await planning(host);
      const { planned, config, persisted, before, adopted } = made;
      try {
        if (transition(planned.from, planned.to).length > 0 || persisted.files.length + persisted.remove.length > 0) {
          const ways = { machine, fresh: () => this.fresh(inputs.machine) };
          await commit(ways, host, transaction(inputs, made, persisted), context);
        }
        const now = await look(machine, inputs.name, context.signal);
        return {
          ...inputs,
          ...outputs(now, config),
          config,
          ...(before && { before }),
          renderer: persisted.renderer,
          files: persisted.ours,
          adopted,
        };
      } catch (error) {
        if (!(error instanceof ChangedMeanwhile)) throw error;
        if (Date.now() > patience || context.signal.aborted)
          throw new OperatorError(`${error.message}`, { fix: "wait until it is over, and run up again" });
        if (error.by !== undefined && error.by !== said) context.progress(`waiting: ${error.message}`);
        said = error.by;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }
}

interface Planned {
  planned: Plan;
  config: BridgeConfig;
  persisted: Kept;
  /** null: the bridge goes, and with it what is remembered. */
  before: Kernel | undefined | null;
  adopted: boolean;
}

const nothing: Kernel = { links: [], routes: [] };

function transaction(
  inputs: LinuxBridgeInputs,
  { planned, config, before }: Planned,
  { files, remove, ours, handover, handback }: Kept,
): Transaction {
  // What was to be reached over the bridge need not be when it goes.
  const { gateway = true, ping, tcp } = before === null ? { ...inputs.confirm, ping: [], tcp: [] } : inputs.confirm;
  const devices = new Set(planned.to.links.map(({ name }) => name));
  const gateways = planned.to.routes
    .filter(({ to, table, hops }) => to === "default" && table === "main" && hops.length === 1)
    .flatMap(({ hops: [hop] }) =>
      hop!.via !== undefined && devices.has(hop!.device) ? [{ address: hop!.via, device: hop!.device }] : [],
    );
  return {
    title: `${before === null ? "removal" : "change"} of bridge ${inputs.name}`,
    bridge: inputs.name,
    ...planned,
    files,
    remove,
    ours,
    handover,
    handback,
    // NetworkManager, also behind netplan, tears down what a profile of its own has set up.
    managerFirst: before === null && handover.some(([program]) => program !== "networkctl"),
    ...(before !== undefined && { before }),
    window: milliseconds(inputs.confirmTimeout),
    probes: { gateways: gateway ? gateways : [], leases: leases(config, planned), ping, tcp },
  };
}

/** IP versions whose address has to come by DHCP, because the bridge has none. */
function leases({ name, addressing: { dhcp4, dhcp6 } }: BridgeConfig, { to }: Plan): Transaction["probes"]["leases"] {
  const bridge = to.links.find((link) => link.name === name);
  if (!bridge) return [];
  const lacks = (version: 4 | 6) =>
    !bridge.addresses.some(({ family, scope }) => family === version && scope === "global");
  return [...(dhcp4 ? [4 as const] : []), ...(dhcp6 ? [6 as const] : [])]
    .filter(lacks)
    .map((version) => ({ version, device: name }));
}

function refuse(problems: Problem[]): void {
  if (problems.length > 0)
    throw new OperatorError(problems.map(({ field, reason }) => `${field}: ${reason}`).join("\n"));
}

/** A bridge that guests are plugged into is not taken away from them. */
function refuseGuests(host: HostNetwork, { name, config }: LinuxBridgeState): void {
  const ours = new Set(config.uplinks.map((uplink) => uplink.name));
  const ports = host.links.filter((link) => link.master === name && !ours.has(link.name)).map((link) => link.name);
  if (ports.length > 0)
    throw new OperatorError(`something is plugged into it: ${ports.join(", ")}`, {
      fix: "stop the guests, or give them another network, and run up again",
    });
}
