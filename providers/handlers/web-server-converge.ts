import { Releases } from "../content/release";
import type { Context } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { milliseconds } from "../schema/duration";
import { asDeclared, type WebServerInputs } from "../schema/web-server";
import type { Generation } from "../content/generations";
import type { Configuration, Look } from "../web-server/configuration";
import { KEEP_ONLY } from "../web-server/machine-scripts";
import { fileName } from "../web-server/model";
import { cacheNames } from "../web-server/nginx-proxy";
import type { ServerKind } from "../web-server/server-kind";
import type { ServiceLook, ServiceManager } from "./service-manager/service-manager";
import type { WebServerState } from "./web-server";

/** A machine with what works on its web server. */
export interface WebServerMachine {
  machine: Machine;
  kind: ServerKind;
  manager: ServiceManager;
  configuration: Configuration;
  sleep(duration: string): Promise<void>;
}

/** What was served and read before a change. */
interface Before {
  look: Look;
  service: ServiceLook;
  inForce: boolean;
  releases: { [site: string]: string | undefined };
}

/**
 * Makes the server what the inputs say, or leaves it as it was: everything new is put beside what serves, the server checks
 * it, then it is switched to, and where the server is not healthy with it, back.
 */
export async function converge(
  place: WebServerMachine,
  inputs: WebServerInputs,
  context: Context,
  olds?: WebServerState,
): Promise<WebServerState> {
  const { configuration, manager, kind } = place;
  const { signal } = context;
  const look = await configuration.look(signal);
  refuse(place, look);
  const service = await manager.look(kind.service, signal);
  if (!service)
    throw new OperatorError(`${manager.name} knows no service ${kind.service}`, { fix: `install ${kind.package}` });
  const contents = contentsOf(place, inputs);
  const before: Before = { look, service, inForce: configuration.inForce(look), releases: {} };
  const releases: { [site: string]: string } = {};
  for (const [site, { root, digest, of }] of Object.entries(contents)) {
    before.releases[site] = (await of.inspect(signal)).name;
    releases[site] = await of.send(root, digest, context);
  }
  const version = await configuration.version(signal);
  const generation = await configuration.put({ inputs, user: look.user!, ipv6: look.ipv6, version }, signal);
  await configuration.caches(look.user!, cachesOf(inputs), signal);
  await configuration.standIns(signal);
  await configuration.check(generation, signal);
  const logSize = await configuration.log.size(signal);
  try {
    for (const [site, { of }] of Object.entries(contents)) await of.serve(releases[site]!, signal);
    await bring(place, generation, before, signal);
    await place.machine.remove(configuration.places.drain, { signal });
    const seconds = Math.ceil(milliseconds(inputs.timeout) / 1000);
    const ailment = await configuration.ailment(generation, seconds, signal);
    if (ailment !== undefined) throw new OperatorError(`it is not healthy after ${inputs.timeout}: ${ailment}`);
  } catch (error) {
    throw await back(place, contents, before, logSize, error as Error);
  }
  await cleanUp(place, inputs, contents, signal);
  const was = olds?.before ?? { running: service.activity !== "stopped", enabled: service.enabled };
  return { ...inputs, condition: asDeclared, generation, releases, health: "healthy", before: was };
}

function cachesOf({ name, sites }: WebServerInputs): string[] {
  return Object.entries(sites).flatMap(([site, { cache }]) =>
    cache ? [cacheNames(name, site, cache.purge).folder] : [],
  );
}

interface SiteContent {
  root: string;
  digest: string;
  of: Releases;
}

function contentsOf(
  { machine, configuration }: WebServerMachine,
  { sites }: WebServerInputs,
): { [site: string]: SiteContent } {
  return Object.fromEntries(
    Object.entries(sites).flatMap(([site, { root, content }]) =>
      root === undefined
        ? []
        : [
            [
              site,
              {
                root,
                digest: content!,
                of: new Releases(machine, `${configuration.places.content}/${fileName(site)}`),
              },
            ],
          ],
    ),
  );
}

function refuse({ kind, configuration }: WebServerMachine, look: Look): void {
  if (!look.program)
    throw new OperatorError(`${kind.program} is not installed`, { fix: `have a Package install ${kind.package}` });
  if (!look.curl)
    throw new OperatorError("curl is not installed, and its health is asked with it", {
      fix: "have a Package install curl",
    });
  if (!look.user)
    throw new OperatorError("there is no user that serves: none of www-data, nginx, apache, http", {
      fix: `install ${kind.package} from the distribution`,
    });
  if (configuration.inForce(look)) return;
  const other = /^\/etc\/pulumi-kvm\/([^/]+)\//.exec(look.main ?? "")?.[1];
  if (other !== undefined)
    throw new OperatorError(`${kind.service} is the web server ${other} already`, {
      fix: "declare its sites in one WebServer, or use another machine",
    });
  if (look.sites.length > 0)
    throw new OperatorError(`${kind.service} serves sites of another's making: ${look.sites.join(", ")}`, {
      fix: "declare them here and remove those files, or use another machine",
    });
}

/** The server reads the configuration, runs, and starts at boot. */
async function bring(
  { configuration, manager, kind }: WebServerMachine,
  { name }: Generation,
  { look, service, inForce }: Before,
  signal: AbortSignal,
): Promise<void> {
  await configuration.activate(name, signal);
  if (service.enabled === false) await manager.enable(kind.service, signal);
  // A machine that boots may have started it meanwhile, with what was there before.
  const now = await manager.look(kind.service, signal);
  if (now?.activity === "stopped") return manager.start(kind.service, signal);
  if (!inForce || now?.activity !== "running") return manager.restart(kind.service, signal);
  const answers = look.current === name && (await configuration.ailment({ name }, 0, signal)) === undefined;
  if (!answers) await manager.reload(kind.service, signal);
}

/** Everything as it was; returns what went wrong, in the server's own words. */
async function back(
  { configuration, manager, kind }: WebServerMachine,
  contents: { [site: string]: SiteContent },
  before: Before,
  logSize: string,
  cause: Error,
): Promise<Error> {
  const log = await configuration.log.since(logSize).catch(() => "");
  const lines = log === "" ? "" : `\nIts last log lines:\n${log.replace(/^/gm, "  ")}`;
  const { service, look, inForce } = before;
  const problems: string[] = [];
  const attempt = async (work: () => Promise<void>) => {
    await work().catch((error: Error) => problems.push(error.message));
  };
  for (const [site, release] of Object.entries(before.releases))
    if (release !== undefined) await attempt(() => contents[site]!.of.serve(release));
  await attempt(() =>
    inForce && look.current !== undefined ? configuration.activate(look.current) : configuration.restore(),
  );
  if (service.enabled === false) await attempt(() => manager.disable(kind.service));
  if (service.activity === "stopped") await attempt(() => manager.stop(kind.service));
  else
    await attempt(async () => {
      // A reload that failed may have left it down.
      const now = await manager.look(kind.service);
      await (now?.activity !== "running"
        ? manager.start(kind.service)
        : inForce
          ? manager.reload(kind.service)
          : manager.restart(kind.service));
    });
  const said =
    cause instanceof CommandError && !cause.stopped ? `${kind.service} did not start: ${cause.message}` : cause.message;
  const end = problems.length > 0 ? `it could not be put back: ${problems.join("; ")}` : "it is as it was before";
  return new OperatorError(`${said}${lines}\nThe change was taken back: ${end}`, { cause });
}

/** Removes what is served no longer: old releases and configurations, other sites' contents, caches that were purged. */
async function cleanUp(
  { configuration }: WebServerMachine,
  inputs: WebServerInputs,
  contents: { [site: string]: SiteContent },
  signal: AbortSignal,
): Promise<void> {
  for (const { of } of Object.values(contents)) await of.prune(inputs.keepReleases, signal);
  await configuration.generations.prune(3, signal);
  const caches = cachesOf(inputs);
  const { content, cache } = configuration.places;
  await configuration.script(KEEP_ONLY, [content, ...Object.keys(contents).map(fileName)], { signal });
  await configuration.script(KEEP_ONLY, [cache, ...caches.map((path) => path.slice(cache.length + 1))], { signal });
}
