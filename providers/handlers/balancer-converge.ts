import type { BalancerLook, SupervisedServer } from "../balancer/supervised-server";
import type { Generation, GenerationFiles } from "../content/generations";
import { OperatorError } from "../dynamic/errors";
import type { ServiceLook, ServiceManager } from "./service-manager/service-manager";

/** A machine with what works on its balancer. */
export interface BalancerPlace {
  server: SupervisedServer;
  manager: ServiceManager;
}

/** What the distribution's own service was before us, and is again after us. */
export interface Before {
  running: boolean;
  enabled?: boolean;
}

/** What differs between HAProxy and keepalived when one is made what it is declared to be. */
export interface Convergence {
  files(folder: string, look: BalancerLook): GenerationFiles;
  /** Refuses what the program's own check does not see. */
  refuse?(): Promise<void>;
  /** Whether what runs needs no more than this, which is done here; false has it reloaded. */
  adjust?(generation: Generation): Promise<boolean>;
  /** What is not well with the configuration after the time that it may take; undefined when all is. */
  ailment(): Promise<string | undefined>;
}

/**
 * Makes the server what is declared, or leaves it as it was: the new configuration is put beside the one that serves, the
 * program checks it, then it is switched to and reloaded, and where it is not well with it, back.
 */
export async function converge(
  { server, manager }: BalancerPlace,
  { files, refuse: refuseMore, adjust, ailment }: Convergence,
  olds: { before: Before } | undefined,
  signal: AbortSignal,
): Promise<{ generation: Generation; before: Before }> {
  const look = await server.look(signal);
  refuse(server, look);
  const file = server.serviceFile(manager.name);
  const generation = await server.generations.put(({ folder }) => files(folder, look), signal);
  await server.check(generation, signal);
  await refuseMore?.();
  const before = olds?.before ?? (await setAside(server, manager, look, signal));
  const { service } = server.places;
  const was = await manager.look(service, signal);
  const logSize = await server.log.size(signal);
  try {
    await server.activate(generation.name, signal);
    const isOther = await server.isServiceWrong(file, signal);
    if (isOther) await server.machine.write(file.path, file.content, { mode: file.mode, signal });
    const now = isOther || !was ? await manager.look(service, signal) : was;
    if (now?.enabled === false) await manager.enable(service, signal);
    if (now?.activity !== "running") await manager.start(service, signal);
    else if (!(await adjust?.(generation))) await manager.reload(service, signal);
    const reason = await ailment();
    if (reason !== undefined) throw new OperatorError(`it is not well with the configuration: ${reason}`);
  } catch (error) {
    throw await back({ server, manager }, look, was, before, logSize, error as Error);
  }
  await server.generations.prune(3, signal);
  return { generation, before };
}

function refuse({ kind, program }: SupervisedServer, { missing, user }: BalancerLook): void {
  if (missing.length > 0)
    throw new OperatorError(`not installed: ${missing.join(", ")}`, {
      fix: `have a Package install ${kind.packages.join(", ")}`,
    });
  if (program === "haproxy" && !user)
    throw new OperatorError("there is no user haproxy, which serves", { fix: "install haproxy from the distribution" });
}

/** The distribution's own service, which its package has begun and which serves nothing, stops for ours. */
async function setAside(
  { program, kind }: SupervisedServer,
  manager: ServiceManager,
  { theirs }: BalancerLook,
  signal: AbortSignal,
): Promise<Before> {
  const service = await manager.look(program, signal);
  const running = service?.activity === "running";
  if (theirs && running)
    throw new OperatorError(`${program} serves a configuration of another's making: ${kind.theirs}`, {
      fix: "declare here what it serves and remove that file, or use another machine",
    });
  if (service && running) await manager.stop(program, signal);
  if (service?.enabled) await manager.disable(program, signal);
  return { running, enabled: service?.enabled };
}

/** Everything as it was; returns what went wrong, in the program's own words. */
async function back(
  { server, manager }: BalancerPlace,
  { current }: BalancerLook,
  was: ServiceLook | undefined,
  before: Before,
  logSize: string,
  cause: Error,
): Promise<Error> {
  const { service } = server.places;
  const log = await server.log.since(logSize).catch(() => "");
  const lines = log === "" ? "" : `\nIts last log lines:\n${log.replace(/^/gm, "  ")}`;
  const problems: string[] = [];
  const attempt = async (work: () => Promise<void>) => {
    await work().catch((error: Error) => problems.push(error.message));
  };
  if (current === undefined) await attempt(() => retire({ server, manager }, before, AbortSignal.timeout(60_000)));
  else {
    await attempt(() => server.activate(current));
    if (was?.activity === "running") await attempt(() => manager.reload(service));
    else await attempt(() => manager.stop(service));
  }
  const end = problems.length > 0 ? `it could not be put back: ${problems.join("; ")}` : "it is as it was before";
  return new OperatorError(`${cause.message}${lines}\nThe change was taken back: ${end}`, { cause });
}

/** Stops it and removes all of it; the distribution's own service is what it was before us. */
export async function retire({ server, manager }: BalancerPlace, before: Before, signal: AbortSignal): Promise<void> {
  const { service } = server.places;
  const ours = await manager.look(service, signal);
  if (ours) {
    if (ours.activity !== "stopped") await manager.stop(service, signal);
    if (ours.enabled) await manager.disable(service, signal);
  }
  await server.remove(signal, server.serviceFile(manager.name).path);
  // Its links to start at boot lead nowhere then.
  if (ours && manager.name === "SysV init")
    await server.machine.run(["sh", "-c", 'rm -f /etc/rc[0-6S].d/[SK][0-9][0-9]"$1"', "sh", service], { signal });
  const theirs = await manager.look(server.program, signal);
  if (theirs && before.enabled && !theirs.enabled) await manager.enable(server.program, signal);
  if (theirs && before.running) await manager.start(server.program, signal);
}

/** What is not as it was put in place: files, the service, its start at boot. */
export async function differences(
  { server, manager }: BalancerPlace,
  generation: Generation,
  look: BalancerLook,
  signal: AbortSignal,
): Promise<string[]> {
  const found: string[] = [];
  if (look.current !== generation.name) found.push("another configuration is in force");
  const wrong = await server.generations.wrong(generation, signal);
  if (wrong.length > 0) found.push(`changed by hand: ${wrong.slice(0, 5).join(", ")}`);
  const file = server.serviceFile(manager.name);
  if (await server.isServiceWrong(file, signal)) found.push(`changed by hand: ${file.path}`);
  const service = await manager.look(server.places.service, signal);
  if (service?.activity !== "running") found.push(`${server.places.service} is not running`);
  if (service?.enabled === false) found.push(`${server.places.service} does not start at boot`);
  return found;
}
