import { setTimeout as sleep } from "node:timers/promises";
import type { Change, Context, Created, DiffTable, Handler } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { milliseconds } from "../schema/duration";
import { serviceSchema, type ServiceInputs } from "../schema/service";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";
import { findManager } from "./service-manager/find-manager";
import type { ServiceLook, ServiceManager } from "./service-manager/service-manager";

export interface ServiceState extends ServiceInputs {
  manager: string;
  /** What it was before us, and is again after us. */
  before: { running: boolean; enabled?: boolean };
}

const pollPause = 250;

/** Services on machines: whether they run, and whether they start at boot. */
export class ServiceHandler implements Handler<ServiceInputs, ServiceState> {
  readonly kind = "Service";
  readonly schema = serviceSchema;

  readonly fields: DiffTable<ServiceInputs> = {
    machine: machineRule,
    name: "replace",
    state: "live",
    enabled: "live",
    restartOn: { disruption: "live", why: "the service is restarted", hidden: true },
    reloadOn: { disruption: "live", why: "the service is reloaded", hidden: true },
    timeout: "ignored",
  };

  constructor(
    private readonly machine: (spec: ServiceInputs["machine"]) => Machine = open,
    /** Milliseconds that a service has to stay up to count as up: a wrong configuration often shows in its first moments. */
    private readonly settling = 1000,
  ) {}

  describe({ name, machine }: ServiceInputs): string {
    return `service ${name} on ${machineLabel(machine)}`;
  }

  lock({ name, machine }: ServiceInputs): string {
    return `service ${machineKey(machine)} ${name}`;
  }

  deadline({ timeout }: ServiceInputs): number {
    return milliseconds(timeout) + 10 * 60_000;
  }

  async create(inputs: ServiceInputs, context: Context): Promise<Created<ServiceState>> {
    const manager = await findManager(this.machine(inputs.machine), context.signal);
    const found = await existing(manager, inputs, context.signal);
    const before = { running: found.activity !== "stopped", enabled: found.enabled };
    try {
      await this.bring(manager, inputs, found, context.signal);
      // What it reads may have been written after it was started, by whoever started it.
      await this.refresh(manager, inputs, found, inputs.restartOn?.length, inputs.reloadOn?.length, context.signal);
    } catch (error) {
      await restore(manager, inputs.name, before).catch(() => {}); // The first error tells more.
      throw error;
    }
    return {
      id: `${machineLabel(inputs.machine)}:${inputs.name}`,
      state: { ...inputs, manager: manager.name, before },
    };
  }

  read(_id: string, state: ServiceState, context: Context): Promise<ServiceState | undefined> {
    return lookOnMachine(state, context, async () => {
      const manager = await findManager(this.machine(state.machine), context.signal);
      const found = await manager.look(state.name, context.signal);
      if (!found) return undefined;
      return {
        ...state,
        manager: manager.name,
        state: found.activity === "stopped" ? "stopped" : "running",
        ...(state.enabled !== undefined && { enabled: found.enabled ?? state.enabled }),
      };
    });
  }

  async update(
    _id: string,
    olds: ServiceState,
    news: ServiceInputs,
    changes: Change[],
    context: Context,
  ): Promise<ServiceState> {
    const manager = await findManager(this.machine(news.machine), context.signal);
    const found = await existing(manager, news, context.signal);
    const changed = (field: keyof ServiceInputs) => changes.some((change) => change.field === field);
    await this.bring(manager, news, found, context.signal);
    await this.refresh(manager, news, found, changed("restartOn"), changed("reloadOn"), context.signal);
    return { ...news, manager: manager.name, before: olds.before };
  }

  delete(_id: string, state: ServiceState, context: Context): Promise<void> {
    return undoOnMachine(context, async () => {
      const manager = await findManager(this.machine(state.machine), context.signal);
      if (await manager.look(state.name, context.signal))
        await restore(manager, state.name, state.before, context.signal);
    });
  }

  /** Makes the service what the inputs say; returns once it is. */
  private async bring(manager: ServiceManager, inputs: ServiceInputs, found: ServiceLook, signal: AbortSignal) {
    const { name, state, enabled } = inputs;
    if (enabled !== undefined && found.enabled !== undefined && found.enabled !== enabled)
      await (enabled ? manager.enable(name, signal) : manager.disable(name, signal));
    if (state === "stopped") {
      if (found.activity !== "stopped") await attempt(manager, inputs, "stop", () => manager.stop(name, signal));
    } else if (found.activity !== "running") {
      await attempt(manager, inputs, "start", () => manager.start(name, signal));
      await this.settle(manager, inputs, signal);
    }
  }

  /** Restarts or reloads a service that was not started just now. */
  private async refresh(
    manager: ServiceManager,
    inputs: ServiceInputs,
    found: ServiceLook,
    restart: unknown,
    reload: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    if (inputs.state !== "running" || found.activity !== "running" || !(restart || reload)) return;
    const verb = restart ? "restart" : "reload";
    await attempt(manager, inputs, verb, () => manager[verb](inputs.name, signal));
    await this.settle(manager, inputs, signal);
  }

  /** Waits until the service runs, and stays up for a moment. */
  private async settle(manager: ServiceManager, inputs: ServiceInputs, signal: AbortSignal): Promise<void> {
    const until = Date.now() + milliseconds(inputs.timeout);
    let since: { instance?: string; at: number } | undefined;
    for (;;) {
      const look = await existing(manager, inputs, signal);
      if (look.activity === "stopped") throw await down(manager, inputs, `it did not stay up: ${look.detail}`);
      if (look.activity !== "running" || (since && look.instance !== since.instance)) since = undefined;
      if (look.activity === "running") since ??= { instance: look.instance, at: Date.now() };
      if (since && Date.now() - since.at >= this.settling) return;
      if (!since && Date.now() > until)
        throw await down(manager, inputs, `it was not up after ${inputs.timeout}: ${look.detail}`);
      await sleep(pollPause, undefined, { signal });
    }
  }
}

async function existing(manager: ServiceManager, { name }: ServiceInputs, signal: AbortSignal): Promise<ServiceLook> {
  const found = await manager.look(name, signal);
  if (!found)
    throw new OperatorError(`${manager.name} knows no such service`, {
      fix: "have a Package install it first, or a File write its unit (dependsOn)",
    });
  if (found.detail === "masked")
    throw new OperatorError("it is masked: systemd refuses to start it", { fix: `systemctl unmask ${name}` });
  return found;
}

async function restore(
  manager: ServiceManager,
  name: string,
  before: ServiceState["before"],
  signal?: AbortSignal,
): Promise<void> {
  const now = await manager.look(name, signal);
  if (before.enabled !== undefined && now?.enabled !== undefined && now.enabled !== before.enabled)
    await (before.enabled ? manager.enable(name, signal) : manager.disable(name, signal));
  if (before.running && now?.activity === "stopped") await manager.start(name, signal);
  if (!before.running && now?.activity !== "stopped") await manager.stop(name, signal);
}

/** Runs a manager's job; where it fails, the service's own last words are in the error. */
async function attempt(
  manager: ServiceManager,
  inputs: ServiceInputs,
  verb: string,
  job: () => Promise<void>,
): Promise<void> {
  try {
    await job();
  } catch (cause) {
    if (!(cause instanceof CommandError) || cause.stopped) throw cause;
    throw await down(manager, inputs, `it did not ${verb}: ${cause.message}`, cause);
  }
}

async function down(manager: ServiceManager, { name }: ServiceInputs, problem: string, cause?: Error): Promise<Error> {
  const log = await manager.log(name).catch(() => "");
  const lines = log === "" ? "" : `\nIts last log lines:\n${log.replace(/^/gm, "  ")}`;
  return new OperatorError(`${problem}${lines}`, { cause });
}
