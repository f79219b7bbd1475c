import type { Context, DiffTable, FieldChange, Verdict } from "../dynamic/contract";
import { applicationChanges } from "../java/application-changes";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel } from "../machine/open-machine";
import { milliseconds } from "../schema/duration";
import { wildflyServerSchema, type WildFlyServerInputs } from "../schema/wildfly-server";
import { machineRule } from "./on-machine";
import { RunningServerHandler } from "./running-server";
import { WildFlyServerConverge } from "./wildfly-server-converge";

export interface WildFlyServerState extends WildFlyServerInputs {
  /** The port that requests are handed on to. */
  port: number;
  /** "healthy", or what was found last. */
  health: string;
}

const restarted: Verdict = { disruption: "live", why: "WildFly is restarted, after the requests under way" };

/** WildFly servers on machines. */
export class WildFlyServerHandler extends RunningServerHandler<WildFlyServerInputs, WildFlyServerState> {
  protected readonly prefix = "wildfly";
  readonly kind = "WildFlyServer";
  readonly schema = wildflyServerSchema;

  readonly fields: DiffTable<WildFlyServerInputs> = {
    machine: machineRule,
    name: "replace",
    route: restarted,
    distribution: { disruption: "live", why: "another WildFly is put there, and started after the requests under way" },
    applications: applicationsRule,
    dataSources: restarted,
    passwords: { ...restarted, hidden: true },
    transactionTimeout: restarted,
    heap: restarted,
    jvmFlags: restarted,
    properties: { ...restarted, hidden: true },
    connectors: restarted,
    management: restarted,
    cluster: restarted,
    logs: restarted,
    healthPath: restarted,
    drain: restarted,
    timeout: "ignored",
    disk: { disruption: "live", why: "the machine's disk is another one: everything is put in place again" },
    condition: { disruption: "live", why: "it is brought back" },
  };

  describe({ name, machine }: WildFlyServerInputs): string {
    return `WildFly ${name} on ${machineLabel(machine)}`;
  }

  lock({ name, machine }: WildFlyServerInputs): string {
    return `wildfly ${machineKey(machine)} ${name}`;
  }

  deadline({ timeout, drain }: WildFlyServerInputs): number {
    return 20 * 60_000 + 3 * milliseconds(timeout) + 3 * milliseconds(drain);
  }

  protected converge(machine: Machine, inputs: WildFlyServerInputs, context: Context): WildFlyServerConverge {
    return new WildFlyServerConverge(machine, inputs, context);
  }

  protected stateOf(inputs: WildFlyServerInputs): WildFlyServerState {
    return { ...inputs, condition: "serving", port: inputs.connectors[0]!.port, health: "healthy" };
  }
}

function applicationsRule({ old, new: wanted, news }: FieldChange<WildFlyServerInputs>): Verdict {
  type Applications = WildFlyServerInputs["applications"];
  const words = applicationChanges((old ?? {}) as Applications, (wanted ?? {}) as Applications, "in a new version");
  if (words === "") return { disruption: "live", why: "nothing is served differently" };
  const how = news.cluster ? "with a restart, as in every cluster" : "without a restart";
  return { disruption: "live", why: `${words}, after the requests under way, ${how}` };
}
