import { createHash, randomBytes } from "node:crypto";
import { posix } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { UnreachableError } from "../machine/unreachable-error";
import { answers } from "./answers";
import { isLent, isLinkLocal, type Address, type Kernel, type Link } from "./kernel";
import { look, type HostNetwork } from "./look";
import type { ConfigFile } from "./persist/renderer";
import { part } from "./plan";
import { isLentRoute } from "./resolve";
import { GUARD } from "./guard-script";
import { ABANDON, BEGIN, CONFIRM } from "./transaction-scripts";
import { differences, lacks } from "./differences";
import { farewell, restoration, transition, type Step } from "./transition";
import { addressKey, batch, routeIdentity } from "./words";

/** A change of a host's network, as it is handed to the host. */
export interface Transaction {
  /** What it is, in a few words: others who want to change the same host are told. */
  title: string;
  bridge: string;
  from: Kernel;
  to: Kernel;
  /** Configuration that is written when the change is confirmed. */
  files?: ConfigFile[];
  remove?: string[];
  /** Those of our own making: of all others the version before us is kept. */
  ours?: readonly string[];
  /** What tells the host's network manager of it. */
  handover?: string[][];
  /** The manager would undo the change while its configuration says otherwise: it is told before, not after. */
  managerFirst?: boolean;
  /** What tells it that all is as before, when the change is taken back after that. */
  handback?: string[][];
  /** What the host remembers until its next boot of the time before the bridge; null: nothing any more. */
  before?: Kernel | null;
  /** Milliseconds in which it has to be confirmed. */
  window: number;
  probes: Probes;
}

/** What has to answer before a change is confirmed, beside the host itself over a new connection. */
export interface Probes {
  /** Neighbours, asked by the host. */
  gateways: { address: string; device: string }[];
  /** Links that have to get an address of an IP version. */
  leases: { version: 4 | 6; device: string }[];
  /** Addresses that the host pings. */
  ping: string[];
  /** "HOST:PORT" that this side connects to. */
  tcp: string[];
}

/** The host was changed since it was looked at, or is being changed: look again. */
export class ChangedMeanwhile extends Error {
  constructor(readonly by?: string) {
    super(by === undefined ? "the network was changed meanwhile" : `another change is under way: ${by}`);
  }
}

/** Where the host is: the connection that is open, and a new one for each time that it is asked for. */
export interface Ways {
  machine: Machine;
  fresh(): Machine;
}

/** What a script told of a change. */
interface Report {
  stage: string;
  /** Probes that did not answer. */
  silent: string[];
  log: string;
}

/** The host does not know the change, or could not be asked. */
const unknown: Report = { stage: "unknown", silent: [], log: "" };

/** How long beyond its window a host is waited for: it may still be putting itself back. */
const grace = 30_000;

/**
 * Changes the host's network under its own dead-man timer. Resolves when the change is confirmed over a new connection,
 * and kept. Rejects when it is not: the message says what did not answer, and whether the host is as it was before.
 */
export async function commit(ways: Ways, host: HostNetwork, change: Transaction, context: Context): Promise<void> {
  const token = randomBytes(8).toString("hex");
  const run = new Run(ways, token, change, context);
  const begun = await run.begin(host.last);
  if (begun && begun.stage !== "applied")
    throw await run.failure(host, failure(change, begun.log) ?? `the change failed midway: ${begun.log}`);
  for (const round of [1, 2]) {
    const said = await run.confirm(round);
    if (said.stage === "committed") return;
    if (said.stage !== "kept") throw await run.failure(host, said.reason);
  }
  throw await run.failure(host, "the host did not end the change");
}

class Run {
  /** What came of the first connection, when it is known. */
  private begun?: Report | Error;
  private readonly deadline: number;

  constructor(
    private readonly ways: Ways,
    private readonly token: string,
    private readonly change: Transaction,
    private readonly context: Context,
  ) {
    this.deadline = Date.now() + change.window + grace;
  }

  /** What the host said when the change was applied; undefined where its answer did not come through. */
  async begin(looked: string): Promise<Report | undefined> {
    const { window } = this.change;
    const argv = ["sh", "-c", BEGIN, "sh", this.token, String(Math.ceil(window / 1000)), looked];
    const options = { stdin: payload(this.change), timeout: window + grace, signal: this.context.signal };
    const beginning = this.ways.machine.run(argv, options).then(
      ({ stdout }) => (this.begun = report(stdout)),
      (error: Error) => (this.begun = error),
    );
    // A connection that the change cuts says nothing for a long time.
    await Promise.race([beginning, sleep(3000)]);
    this.assertBegun();
    return this.begun instanceof Error ? undefined : this.begun;
  }

  /** Throws where the host refused to begin. */
  private assertBegun(): void {
    const error = this.begun;
    if (!(error instanceof Error) || (error instanceof UnreachableError && error.mayHaveRun)) return;
    // Our own impatience ended it.
    if (error instanceof CommandError && error.stopped) return;
    if (!(error instanceof CommandError)) throw error;
    const said = error.stderr.trim().split("\n").at(-1)!;
    if (error.exitCode === 75) throw new ChangedMeanwhile(said);
    if (error.exitCode === 76) throw new ChangedMeanwhile();
    throw new OperatorError(`nothing was changed: ${said || error.message}`, { cause: error });
  }

  /** Proves over new connections that the host answers, and that what it has to reach answers it. */
  async confirm(round: number): Promise<Report & { reason: string }> {
    let reason = "the time was over before the host could be asked over a new connection";
    for (; Date.now() < this.deadline && !this.context.signal.aborted; await sleep(200)) {
      this.assertBegun();
      try {
        const now = await look(this.ways.fresh(), this.change.bridge, this.context.signal);
        if (now.last === this.token) {
          const said = await this.call(ABANDON, [], this.context.signal);
          return { ...said, reason: failure(this.change, said.log) ?? reason };
        }
        // While it is being taken back, what is missing tells nothing.
        if (now.change?.stage === "restoring") continue;
        if (now.change?.token !== this.token) {
          if (this.begun) return { ...unknown, reason: "the host was restarted midway" };
          reason = "the host did not answer when it was handed the change";
          continue;
        }
        const wrong = await this.unproven(now, round);
        if (wrong === undefined) {
          const said = await this.call(CONFIRM, [String(round), ...this.hostProbes()], this.context.signal);
          return {
            ...said,
            reason: said.silent.length > 0 ? silence(said.silent) : (failure(this.change, said.log) ?? reason),
          };
        }
        reason = wrong;
      } catch (error) {
        if (!(error instanceof UnreachableError || error instanceof CommandError)) throw error;
        if (error instanceof UnreachableError) reason = `the host does not answer on a new connection${because(error)}`;
      }
    }
    const { aborted, reason: why } = this.context.signal;
    return { ...unknown, reason: aborted ? `stopped: ${(why as Error).message}` : reason };
  }

  /** What is not as it shall be, seen from here; undefined when all is. */
  private async unproven(now: HostNetwork, round: number): Promise<string | undefined> {
    const { from, to, probes, managerFirst } = this.change;
    const missing =
      round === 1 && !managerFirst
        ? transition(declared(part(now, this.names()), to), to).flatMap(({ lines }) =>
            lines.map((words) => words.join(" ")),
          )
        : lacks(now, from, to);
    if (missing.length > 0) return `the host did not keep the change; missing is: ${missing.join("; ")}`;
    for (const endpoint of probes.tcp)
      if (!(await answers(endpoint, 2000))) return `${endpoint} does not answer from here`;
    return undefined;
  }

  private hostProbes(): string[] {
    const { gateways, leases, ping } = this.change.probes;
    return [
      ...gateways.map(({ address, device }) => `gateway ${address} ${device}`),
      ...leases.map(({ version, device }) => `lease ${version} ${device}`),
      ...ping.map((address) => `ping ${address}`),
    ];
  }

  private names(): string[] {
    return names(this.change);
  }

  private async call(script: string, args: string[], signal?: AbortSignal): Promise<Report> {
    const argv = ["sh", "-c", script, "sh", this.token, ...args];
    const { stdout } = await this.ways.fresh().run(argv, { timeout: this.change.window + grace, signal });
    return report(stdout);
  }

  /** Sees that the host puts itself back, and tells how that went. */
  async failure(host: HostNetwork, reason: string): Promise<Error> {
    let last: Error | undefined;
    for (const end = Math.max(this.deadline, Date.now() + grace); Date.now() < end; await sleep(300)) {
      try {
        const { stage, log } = await this.call(ABANDON, []);
        if (stage === "committed") return new OperatorError(`${reason}; the host has kept the change all the same`);
        const now = await look(this.ways.fresh(), this.change.bridge);
        return told(reason, stage, log, differences(part(host, this.names()), part(now, this.names())));
      } catch (error) {
        last = error as Error;
      }
    }
    return new OperatorError(
      `${reason}. The host puts itself back by its own timer, ${this.change.window / 1000} s after the change, but could not be asked since`,
      { fix: "look at the host's console: /run/pulumi-kvm/network there has the log", cause: last },
    );
  }
}

/** What is there without what came by itself since: addresses and routes that are lent, and link-local addresses. */
function declared(now: Kernel, to: Kernel): Kernel {
  const planned = new Map(to.links.map(({ name, addresses }) => [name, new Set(addresses.map(addressKey))]));
  const known = (link: Link, address: Address) => planned.get(link.name)?.has(addressKey(address)) ?? true;
  return {
    links: now.links.map((link) => ({
      ...link,
      addresses: link.addresses.filter((one) => known(link, one) || !(isLent(one) || isLinkLocal(one))),
    })),
    routes: now.routes.filter(
      (route) =>
        !isLentRoute(route, now.links) ||
        to.routes.some((one) => routeIdentity(one).join() === routeIdentity(route).join()),
    ),
  };
}

/** Why a change failed, and how the host is now. */
function told(reason: string, stage: string, log: string, different: string[]): Error {
  const back = stage === "restored" || stage === "differs" ? "The host has put its network back" : undefined;
  if (different.length === 0)
    return new OperatorError(`${reason}. ${back ? `${back}: it` : "Its network"} is as it was before`);
  const lines = different.join("\n");
  if (back && different.every((line) => line.startsWith("+")))
    return new OperatorError(`${reason}. ${back}: all is there that was before. Beside it there is now:\n${lines}`);
  return new OperatorError(
    `${reason}. ${back ?? "The host was asked to put its network back"}, but it differs:\n${lines}\n${log}`,
  );
}

/** Everything that the host needs for it, in the way that BEGIN reads it. */
function payload(change: Transaction): string {
  const { from, to, files = [], remove = [], ours = [], handover = [], handback = [] } = change;
  const { managerFirst, before } = change;
  const names_ = names(change);
  const written = [
    ...files.map(({ path, mode }, at) => `${at} ${mode.toString(8)} ${path}`),
    ...remove.map((path, at) => `${files.length + at} - ${path}`),
  ];
  const parts: [name: string, text: string][] = [
    ["title", change.title],
    ["bridge", change.bridge],
    ["guard", GUARD],
    ["devices", names_.join("\n")],
    ["files", written.join("\n")],
    ...steps("apply", managerFirst ? restoration(from, to) : transition(from, to)),
    ...(managerFirst ? [["manager-first", ""] as [string, string]] : []),
    ...steps("undo", restoration(to, from)),
    ...steps("end", farewell(from, to)),
    ...files.map(({ content }, at): [string, string] => [`new/${at}`, content]),
    ...files.flatMap(({ path }, at): [string, string][] =>
      ours.includes(path) ? [] : [[`backup-${at}`, backupOf(path)]],
    ),
    ...handback.map((words, at): [string, string] => [`handback/${at}`, words.join("\n")]),
    ...handover.map((words, at): [string, string] => [`handover/${at}`, words.join("\n")]),
    ...(before ? [["before", JSON.stringify(before)] as [string, string]] : []),
    ...(before === null ? [["forget", ""] as [string, string]] : []),
  ];
  return parts
    .map(([name, text]) => [name, text === "" || text.endsWith("\n") ? text : `${text}\n`] as const)
    .map(([name, text]) => `${name} ${text.split("\n").length - 1} ${Buffer.byteLength(text)}\n${text}`)
    .join("");
}

function steps(folder: string, of: readonly Step[]): [string, string][] {
  return of.map(({ tool, lenient, lines }, at) => [
    `${folder}/${String(at).padStart(2, "0")}-${tool}${lenient ? "-lenient" : ""}`,
    batch(lines),
  ]);
}

/** Where the version of a file that was there before us is kept: hidden, so that nothing takes it for configuration. */
function backupOf(path: string): string {
  const name = createHash("sha256").update(path).digest("hex").slice(0, 12);
  return posix.join(posix.dirname(path), `.pulumi-backup-${name}`);
}

function names({ from, to }: Transaction): string[] {
  return [...new Set([...from.links, ...to.links].map(({ name }) => name))];
}

/** Reads what BEGIN, CONFIRM and ABANDON print. */
function report(printed: string): Report {
  const [stage = "", ...rest] = printed.split("\n");
  const end = rest.findIndex((line) => line === "");
  const silent = rest.slice(0, Math.max(0, end)).filter((line) => /^(gateway|lease|ping) /.test(line));
  return { stage, silent, log: rest.slice(silent.length).join("\n").trim() };
}

/** The last words of ssh, where it had any. */
function because({ message }: Error): string {
  const said = message
    .split("\n")
    .filter((line) => line.startsWith("  "))
    .at(-1)
    ?.trim();
  return said ? ` (${said})` : "";
}

function silence(silent: string[]): string {
  const said = silent.map((probe) => {
    const [kind, subject, device] = probe.split(" ");
    if (kind === "gateway") return `gateway ${subject} does not answer on ${device}`;
    return kind === "lease"
      ? `no DHCP server gave ${device} an IPv${subject} address`
      : `${subject} does not answer the host's pings`;
  });
  const gateway = silent.some((probe) => probe.startsWith("gateway"));
  return `${said.join(", ")}${gateway ? " (one that never answers is left out by confirm: { gateway: false })" : ""}`;
}

/** What failed on the host, by its log; undefined when nothing did. */
function failure(change: Transaction, log: string): string | undefined {
  const refused = /^[\d.]+ (.*)\nCommand failed \S*\/(\d+)-\S+:(\d+)/m.exec(log);
  if (refused) {
    const [, message, file, line] = refused;
    const words = transition(change.from, change.to)[Number(file)]?.lines[Number(line) - 1] ?? [];
    return `Linux refused "${words.join(" ")}": ${message!.replace(/^(Error|RTNETLINK answers): /, "")}`;
  }
  const other = log.split("\n").find((one) => / (failed: |cannot )/.test(one));
  return other?.replace(/^[\d.]+ /, "");
}
