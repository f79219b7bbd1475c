import { createHash, randomBytes } from "node:crypto";
import { posix } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { UnreachableError } from "../machine/unreachable-error";
import { answers } from "./answers";
import type { Kernel } from "./kernel";
import { look, type HostNetwork } from "./look";
import type { ConfigFile } from "./persist/renderer";
import { part } from "./plan";
import { ABANDON, BEGIN, CONFIRM, GUARD } from "./transaction-scripts";
import { differences, restoration, transition, type Step } from "./transition";
import { batch } from "./words";

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
  if (begun && begun.stage !== "applied") throw await run.failure(host, midway(change, begun.log));
  for (const round of [1, 2]) {
    const said = await run.confirm(round);
    if (said.stage === "committed") return;
    if (said.stage !== "kept") throw await run.failure(host, said.reason);
  }
  throw await run.failure(host, "the host did not end the change");
}

class Run {
  private beginning?: Promise<Report>;
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
    const args = [this.token, String(Math.ceil(window / 1000)), looked];
    const stdin = payload(this.change);
    const argv = ["sh", "-c", BEGIN, "sh", ...args];
    this.beginning = this.ways.machine
      .run(argv, { stdin, timeout: window + grace, signal: this.context.signal })
      .then(({ stdout }) => report(stdout));
    this.beginning.catch(() => {});
    try {
      // A connection that the change cuts says nothing for a long time.
      return await Promise.race([this.beginning, sleep(3000, undefined)]);
    } catch (error) {
      if (error instanceof UnreachableError && error.mayHaveRun) return undefined;
      if (!(error instanceof CommandError)) throw error;
      const said = error.stderr.trim().split("\n").at(-1)!;
      if (error.exitCode === 75) throw new ChangedMeanwhile(said);
      if (error.exitCode === 76) throw new ChangedMeanwhile();
      throw new OperatorError(`nothing was changed: ${said || error.message}`, { cause: error });
    }
  }

  /** Proves over new connections that the host answers, and that what it has to reach answers it. */
  async confirm(round: number): Promise<Report & { reason: string }> {
    let reason = "the time was over before the host could be asked over a new connection";
    while (Date.now() < this.deadline && !this.context.signal.aborted) {
      try {
        const now = await look(this.ways.fresh(), this.change.bridge, this.context.signal);
        if (now.last === this.token) return { ...(await this.call(ABANDON, [])), reason };
        const wrong = await this.unproven(now);
        if (wrong === undefined) {
          const said = await this.call(CONFIRM, [String(round), ...this.hostProbes()]);
          return { ...said, reason: said.silent.length > 0 ? silence(said.silent) : (failed(said.log) ?? reason) };
        }
        reason = wrong;
      } catch (error) {
        if (!(error instanceof UnreachableError || error instanceof CommandError)) throw error;
        if (error instanceof UnreachableError) reason = `the host does not answer on a new connection${because(error)}`;
      }
      const early = await this.settled();
      if (early && early.stage !== "applied") return { ...early, reason };
      await sleep(200);
    }
    return { stage: "unknown", silent: [], log: "", reason };
  }

  /** What is not as it shall be, seen from here; undefined when all is. */
  private async unproven(now: HostNetwork): Promise<string | undefined> {
    const { to, probes } = this.change;
    const missing = transition(part(now, this.names()), to);
    if (missing.length > 0)
      return `the host did not keep the change; missing is: ${missing[0]!.lines.map((words) => words.join(" ")).join("; ")}`;
    for (const endpoint of probes.tcp)
      if (!(await answers(endpoint, 2000))) return `${endpoint} does not answer from here`;
    return undefined;
  }

  private hostProbes(): string[] {
    const { gateways, ping } = this.change.probes;
    return [
      ...gateways.map(({ address, device }) => `gateway ${address} ${device}`),
      ...ping.map((address) => `ping ${address}`),
    ];
  }

  /** What the first connection has told by now. */
  private settled(): Promise<Report | undefined> {
    return Promise.race([this.beginning!.catch(() => undefined), sleep(1, undefined)]);
  }

  private names(): string[] {
    return names(this.change);
  }

  private async call(script: string, args: string[]): Promise<Report> {
    const { signal } = this.context;
    const timeout = this.change.window + grace;
    const { stdout } = await this.ways
      .fresh()
      .run(["sh", "-c", script, "sh", this.token, ...args], { timeout, signal });
    return report(stdout);
  }

  /** Sees that the host puts itself back, and tells how that went. */
  async failure(host: HostNetwork, reason: string): Promise<Error> {
    let last: Error | undefined;
    for (const end = Math.max(this.deadline, Date.now() + grace); Date.now() < end; await sleep(300)) {
      try {
        const machine = this.ways.fresh();
        const { stdout } = await machine.run(["sh", "-c", ABANDON, "sh", this.token], { timeout: 60_000 });
        const { stage, log } = report(stdout);
        if (stage === "committed") return new OperatorError(`${reason}; the host has kept the change all the same`);
        const now = await look(machine, this.change.bridge);
        return this.told(reason, stage, log, differences(part(host, this.names()), part(now, this.names())));
      } catch (error) {
        last = error as Error;
      }
    }
    return new OperatorError(
      `${reason}. The host puts itself back by its own timer, ${this.change.window / 1000} s after the change, but could not be asked since`,
      { fix: "look at the host's console: /run/pulumi-kvm/network there has the log", cause: last },
    );
  }

  private told(reason: string, stage: string, log: string, different: string[]): Error {
    if (stage === "restored" && different.length === 0)
      return new OperatorError(`${reason}. The host has put its network back: it is as it was before`);
    return new OperatorError(
      `${reason}. The host has put its network back, but not all is as it was:\n${[...different, log].join("\n")}`,
    );
  }
}

/** Everything that the host needs for it, in the way that BEGIN reads it. */
function payload(change: Transaction): string {
  const { from, to, files = [], remove = [], ours = [], handover = [], before } = change;
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
    ...steps("apply", transition(from, to)),
    ...steps("undo", restoration(to, from)),
    ...files.map(({ content }, at): [string, string] => [`new/${at}`, content]),
    ...files.flatMap(({ path }, at): [string, string][] =>
      ours.includes(path) ? [] : [[`backup-${at}`, backupOf(path)]],
    ),
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
  const silent = rest.slice(0, Math.max(0, end)).filter((line) => /^(gateway|ping) /.test(line));
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
  const each = silent.map((probe) => {
    const [kind, address, device] = probe.split(" ");
    return kind === "gateway"
      ? `gateway ${address} does not answer on ${device}`
      : `${address} does not answer the host's pings`;
  });
  return `${each.join(", ")}${silent.some((probe) => probe.startsWith("gateway")) ? " (one that never answers is left out by confirm: { gateway: false })" : ""}`;
}

/** What the log has of something that failed. */
function failed(log: string): string | undefined {
  const line = log.split("\n").find((one) => / (failed: |cannot )/.test(one));
  return line?.replace(/^[\d.]+ /, "");
}

/** What Linux did not take. */
function midway(change: Transaction, log: string): string {
  const said = /^[\d.]+ ((?!applying;).*)\nCommand failed \S*\/(\d+)-\S+:(\d+)/m.exec(log);
  if (!said) return `the change failed midway: ${log}`;
  const [, message, file, line] = said;
  const words = transition(change.from, change.to)[Number(file)]?.lines[Number(line) - 1] ?? [];
  return `Linux refused "${words.join(" ")}": ${message!.replace(/^(Error|RTNETLINK answers): /, "")}`;
}
