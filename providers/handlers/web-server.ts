import { setTimeout as sleep } from "node:timers/promises";
import { isReleaseOf, Releases } from "../content/release";
import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { milliseconds } from "../schema/duration";
import { asDeclared, webServerSchema, type WebServerInputs } from "../schema/web-server";
import { certificateProblems } from "../web-server/certificate";
import type { Generation } from "../content/generations";
import { Configuration } from "../web-server/configuration";
import { fileName, placesOf } from "../web-server/model";
import { serverKinds } from "../web-server/server-kind";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";
import { settle } from "./settle";
import { findManager } from "./service-manager/find-manager";
import { converge, type WebServerMachine } from "./web-server-converge";
import { retire } from "./web-server-retire";

export interface WebServerState extends WebServerInputs {
  /** The configuration that is in force. */
  generation: Generation;
  /** The release of each site's content that is served. */
  releases: { [site: string]: string };
  /** "healthy", or what its health page says instead. */
  health: string;
  /** What its service was before us, and is again after us. */
  before: { running: boolean; enabled?: boolean };
}

/** Web servers on machines: their configuration, content and service, as one. */
export class WebServerHandler implements Handler<WebServerInputs, WebServerState> {
  readonly kind = "WebServer";
  readonly schema = webServerSchema;

  readonly fields: DiffTable<WebServerInputs> = {
    machine: machineRule,
    server: "replace",
    name: "replace",
    sites: { disruption: "live", why: "reloaded, no request is lost" },
    defaultSite: "live",
    http: "live",
    https: "live",
    healthPath: "live",
    status: "live",
    trustedProxies: "live",
    logs: "live",
    keepReleases: "live",
    drain: "live",
    timeout: "ignored",
    keys: { disruption: "live", hidden: true },
    passwords: { disruption: "live", hidden: true },
    disk: { disruption: "live", why: "the machine's disk is another one: everything is put in place again" },
    condition: { disruption: "live", why: "put right" },
  };

  constructor(private readonly machine: (spec: WebServerInputs["machine"]) => Machine = open) {}

  describe({ name, server, machine }: WebServerInputs): string {
    return `${server === "apache" ? "Apache" : "nginx"} ${name} on ${machineLabel(machine)}`;
  }

  /** A machine's service is there once. */
  lock({ machine, server }: WebServerInputs): string {
    return `web server ${machineKey(machine)} ${server}`;
  }

  deadline({ timeout, drain }: WebServerInputs): number {
    return milliseconds(timeout) + milliseconds(drain) + 10 * 60_000;
  }

  async problems({ sites, keys }: WebServerInputs): Promise<Problem[]> {
    return Object.entries(sites).flatMap(([name, { tls, aliases }]) =>
      tls?.certificate !== undefined
        ? certificateProblems([name, ...aliases], tls.certificate, keys[name]).map((reason) => ({
            field: `sites.${name}.tls`,
            reason,
          }))
        : [],
    );
  }

  async create(inputs: WebServerInputs, context: Context): Promise<Created<WebServerState>> {
    const state = await converge(await this.place(inputs, context), inputs, context);
    return { id: `${machineLabel(inputs.machine)}:${inputs.name}`, state };
  }

  read(_id: string, state: WebServerState, context: Context): Promise<WebServerState | undefined> {
    return lookOnMachine(state, context, async () => {
      const { configuration, machine, manager, kind } = await this.place(state, context);
      const look = await configuration.look(context.signal);
      if (!look.program || (!configuration.inForce(look) && look.current === undefined)) return undefined;
      const found: string[] = [];
      if (!configuration.inForce(look) || look.current !== state.generation.name)
        found.push(`${kind.main} is another configuration`);
      const wrong = await configuration.generations.wrong(state.generation, context.signal);
      if (wrong.length > 0) found.push(`changed by hand: ${few(wrong)}`);
      for (const [site, { content }] of Object.entries(state.sites)) {
        if (content === undefined) continue;
        const served = await new Releases(machine, `${placesOf(state.name).content}/${fileName(site)}`).inspect();
        if (!isReleaseOf(served.name, { digest: content })) found.push(`${site} serves another content`);
        else if (served.wrong.length > 0) found.push(`content of ${site} changed by hand: ${few(served.wrong)}`);
      }
      const service = await manager.look(kind.service, context.signal);
      if (service?.activity !== "running") found.push(`${kind.service} is not running`);
      if (service?.enabled === false) found.push(`${kind.service} does not start at boot`);
      const ailment =
        service?.activity === "running" ? await configuration.ailment(state.generation, 3) : "not running";
      if (found.length === 0 && ailment !== undefined && ailment !== "draining")
        found.push(`its health page says: ${ailment}`);
      return { ...state, condition: found.join("; ") || asDeclared, health: ailment ?? "healthy" };
    });
  }

  async update(
    _id: string,
    olds: WebServerState,
    news: WebServerInputs,
    changes: Change[],
    context: Context,
  ): Promise<WebServerState> {
    const state = await converge(await this.place(news, context), news, context, olds);
    // On another disk it was away meanwhile; all other changes are reloads.
    if (changes.some(({ field }) => field === "disk")) await settle(context);
    return state;
  }

  delete(_id: string, state: WebServerState, context: Context): Promise<void> {
    return undoOnMachine(context, async () => retire(await this.place(state, context), state, context));
  }

  private async place(inputs: WebServerInputs, { signal }: Context): Promise<WebServerMachine> {
    const kind = serverKinds[inputs.server];

    const machine = this.machine(inputs.machine);
    const manager = await findManager(machine, signal);
    return { machine, kind, manager, configuration: new Configuration(machine, kind, inputs), sleep: pause(signal) };
  }
}

function pause(signal: AbortSignal) {
  return async (duration: string) => {
    await sleep(milliseconds(duration), undefined, { signal });
  };
}

/** The first of many names. */
function few(names: readonly string[]): string {
  const rest = names.length - 5;
  return [...names.slice(0, 5), ...(rest > 0 ? [`${rest} more`] : [])].join(", ");
}
