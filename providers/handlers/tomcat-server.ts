import type { Context, DiffTable, FieldChange, Verdict } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { containsUnknown } from "../dynamic/unknown";
import { applicationChanges } from "../java/application-changes";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel } from "../machine/open-machine";
import { milliseconds } from "../schema/duration";
import { tomcatServerSchema, type TomcatServerInputs } from "../schema/tomcat-server";
import { TomcatServerConverge } from "./tomcat-server-converge";
import { machineRule } from "./on-machine";
import { RunningServerHandler } from "./running-server";

export interface TomcatServerState extends TomcatServerInputs {
  /** The port that requests are handed on to. */
  port: number;
  /** "healthy", or what its health page or its service said last. */
  health: string;
}

const restarted: Verdict = { disruption: "live", why: "Tomcat is restarted, after the requests under way" };

/** Tomcat servers on machines. */
export class TomcatServerHandler extends RunningServerHandler<TomcatServerInputs, TomcatServerState> {
  protected readonly prefix = "tomcat";
  readonly kind = "TomcatServer";
  readonly schema = tomcatServerSchema;

  readonly fields: DiffTable<TomcatServerInputs> = {
    machine: machineRule,
    name: "replace",
    route: restarted,
    applications: applicationsRule,
    versions: { disruption: "live", why: "the number that a version of an application goes by" },
    deploy: restarted,
    libraries: restarted,
    users: restarted,
    userPasswords: { ...restarted, hidden: true },
    dataSources: restarted,
    passwords: { ...restarted, hidden: true },
    heap: restarted,
    jvmFlags: restarted,
    properties: { ...restarted, hidden: true },
    connectors: { ...restarted, hidden: true },
    cluster: restarted,
    logs: restarted,
    jmx: restarted,
    healthPath: restarted,
    drain: restarted,
    timeout: "ignored",
    disk: { disruption: "live", why: "the machine's disk is another one: everything is put in place again" },
    condition: { disruption: "live", why: "it is brought back" },
  };

  describe({ name, machine }: TomcatServerInputs): string {
    return `Tomcat ${name} on ${machineLabel(machine)}`;
  }

  lock({ name, machine }: TomcatServerInputs): string {
    return `tomcat ${machineKey(machine)} ${name}`;
  }

  deadline({ timeout, drain }: TomcatServerInputs): number {
    return 10 * 60_000 + 3 * milliseconds(timeout) + 3 * milliseconds(drain);
  }

  /** Versions of applications, which count up with their content, so that Tomcat knows the newest. */
  generate(news: TomcatServerInputs, olds: Partial<TomcatServerInputs> | undefined): Partial<TomcatServerInputs> {
    if (news.versions) return {};
    // By one version: sessions go with it, and stay.
    if (news.deploy === "restart" && !containsUnknown(news.applications))
      return { versions: Object.fromEntries(Object.keys(news.applications).map((path) => [path, 1])) };
    if (containsUnknown(news.applications)) return { versions: olds?.versions };
    const next = ([path, { sha256, javax }]: [string, TomcatServerInputs["applications"][string]]) => {
      const [version = 0, before] = [olds?.versions?.[path], olds?.applications?.[path]];
      return [path, before?.sha256 === sha256 && before.javax === javax ? version || 1 : version + 1] as const;
    };
    return { versions: Object.fromEntries(Object.entries(news.applications).map(next)) };
  }

  protected converge(machine: Machine, inputs: TomcatServerInputs, context: Context): TomcatServerConverge {
    return new TomcatServerConverge(machine, inputs, context);
  }

  protected stateOf(inputs: TomcatServerInputs): TomcatServerState {
    const port = inputs.connectors.find(({ protocol }) => protocol === "http")?.port;
    if (port === undefined) throw new OperatorError("it has no connector of protocol http");
    return { ...inputs, condition: "serving", port, health: "healthy" };
  }
}

function applicationsRule({ old, new: wanted, news }: FieldChange<TomcatServerInputs>): Verdict {
  if (news.deploy === "restart") return restarted;
  type Applications = TomcatServerInputs["applications"];
  const rolled = "in a new version, beside the old one as long as that has sessions";
  const words = applicationChanges((old ?? {}) as Applications, (wanted ?? {}) as Applications, rolled);
  return { disruption: "live", why: words || "nothing is served differently" };
}
