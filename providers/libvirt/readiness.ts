import { OperatorError } from "../dynamic/errors";
import { type Connection } from "./connection";
import {
  VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED,
  VIR_DOMAIN_PAUSED,
  VIR_DOMAIN_PAUSED_IOERROR,
  VIR_DOMAIN_RUNNING,
} from "./constants";
import { isMissing } from "./errors";
import type { Domain } from "./handles";
import { ConsoleTail } from "./readiness-console";
import { Leases } from "./readiness-leases";
import { probeHttp, probePort, type HttpGoal } from "./readiness-probe";
import { addressesFrom, bootId, channelConnected, hasAddress, pingAgent, type NicAddresses } from "./readiness-sources";

/** When a guest counts as ready; everything that is given must hold. */
export interface ReadinessGoal {
  /** The guest agent answers. */
  agent?: boolean;
  /** Every NIC has an address. */
  addresses?: boolean;
  /** A TCP port can be connected to from here, at the NIC with this place or at any. */
  port?: { port: number; nic?: number };
  http?: HttpGoal & { nic?: number };
}

/** A NIC that is waited for. */
export interface ReadinessNic {
  mac: string;
  /** "network default" */
  label: string;
  /** The libvirt network it is on, whose leases are looked at. */
  network?: string;
  /** Its cable is out: it gets no address. */
  down?: boolean;
}

export interface ReadinessOptions {
  /** Milliseconds. */
  timeout: number;
  signal?: AbortSignal;
  /** The console's log on the host. */
  consoleLog?: string;
  /** The guest has just been started: leases that are there are from before. */
  fresh?: boolean;
  /** Told from time to time what is still waited for. */
  progress?(message: string): void;
}

/** What was learnt while waiting. */
export interface ReadyFacts {
  addresses: NicAddresses[];
  bootId?: string;
}

const firstPause = 100;
const longestPause = 2000;
/** Milliseconds between two words of progress. */
const patience = 15_000;

/**
 * Waits until a guest is ready. What libvirt reports is waited for: the agent's channel, and the end of the guest, which
 * ends the wait at once. Addresses and ports, which nobody reports, are looked at again in growing intervals.
 *
 * @example
 * const facts = await new Readiness(connection, domain, { agent: true, addresses: true }, nics).wait({ timeout: 300_000 });
 */
export class Readiness {
  private connected: boolean | undefined;
  private answered = false;
  private addresses: NicAddresses[] = [];
  /** What each source said last, for the error. */
  private readonly said = new Map<string, string>();
  private readonly leases: Leases;
  private wake = () => {};
  private due = false;

  constructor(
    private readonly connection: Connection,
    private readonly domain: Domain,
    private readonly goal: ReadinessGoal,
    private readonly nics: readonly ReadinessNic[],
  ) {
    this.leases = new Leases(connection, nics);
  }

  /** Rejects with an OperatorError when the guest is not ready in time, or will never be. */
  async wait({ timeout, signal, consoleLog, fresh, progress }: ReadinessOptions): Promise<ReadyFacts> {
    const late = AbortSignal.timeout(timeout);
    const ends = signal ? AbortSignal.any([signal, late]) : late;
    const stops = this.listen();
    ends.addEventListener("abort", this.again);
    const telling = setInterval(() => progress?.(`waiting until it is ready: ${this.answers()}`), patience);
    const console = await ConsoleTail.open(this.connection, this.domain, consoleLog);
    try {
      await Promise.all(stops.map((stop) => ("ready" in stop ? stop.ready : undefined)));
      if (fresh) await this.leases.forget();
      this.connected = await channelConnected(this.connection, this.domain);
      for (let pause = firstPause; ; pause = Math.min(pause * 1.5, longestPause)) {
        this.due = false;
        signal?.throwIfAborted();
        if (late.aborted) throw await this.failure(`is not ready after ${timeout / 1000} s`, console);
        const end = await this.end();
        if (end !== undefined) throw await this.failure(end, console);
        if (await this.satisfied()) return await this.facts();
        await this.pause(this.polls() ? pause : undefined);
      }
    } finally {
      clearInterval(telling);
      console.close();
      for (const stop of stops) stop();
      ends.removeEventListener("abort", this.again);
    }
  }

  private readonly again = () => {
    this.due = true;
    this.wake();
  };

  private listen() {
    const ours =
      <Message extends { dom: Domain }>(act: (message: Message) => void) =>
      (message: Message) => {
        if (message.dom.uuid !== this.domain.uuid) return;
        act(message);
        this.again();
      };
    return [
      this.connection.onDomainLifecycle(ours(() => {})),
      this.connection.onAgentLifecycle(
        ours(({ state }) => {
          this.connected = state === VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED;
          this.answered &&= this.connected;
        }),
      ),
      this.connection.onReconnect(() => {
        void channelConnected(this.connection, this.domain)
          .then((connected) => (this.connected = connected))
          .catch(() => {})
          .finally(this.again);
      }),
    ];
  }

  /** Until something happens, or for so many milliseconds. */
  private async pause(milliseconds: number | undefined): Promise<void> {
    if (this.due) return;
    const timer = milliseconds === undefined ? undefined : setTimeout(() => this.wake(), milliseconds);
    await new Promise<void>((resolve) => (this.wake = resolve));
    clearTimeout(timer);
  }

  /** Whether something is waited for that nobody reports. */
  private polls(): boolean {
    const { addresses, port, http } = this.goal;
    return addresses === true || port !== undefined || http !== undefined || this.connected === true;
  }

  /** Why the guest will not get ready; undefined while it may. */
  private async end(): Promise<string | undefined> {
    try {
      const { state, reason } = await this.connection.domainGetState(this.domain);
      if (state === VIR_DOMAIN_RUNNING) return undefined;
      if (state === VIR_DOMAIN_PAUSED && reason === VIR_DOMAIN_PAUSED_IOERROR)
        return "was paused by an error of its disk; is the pool full?";
      return state === VIR_DOMAIN_PAUSED ? undefined : "stopped while it was waited for";
    } catch (error) {
      if (isMissing(error)) return "was removed while it was waited for";
      throw error;
    }
  }

  private async satisfied(): Promise<boolean> {
    const { agent, addresses, port, http } = this.goal;
    if (this.connected) await this.askAgent();
    else this.say("agent", this.connected === undefined ? "the guest has no channel for it" : "channel disconnected");
    if (agent && !this.answered) return false;
    if (addresses || port || http) await this.askAddresses();
    const waited = this.nics.filter((nic) => !nic.down).map(({ mac }) => mac);
    if (addresses && !waited.every((mac) => this.addresses.some((nic) => nic.mac === mac && hasAddress(nic))))
      return false;
    if (port && !(await this.reaches(`port ${port.port}`, port.nic, (at) => probePort(at, port.port)))) return false;
    return !http || this.reaches(`http :${http.port}${http.path}`, http.nic, (at) => probeHttp(at, http));
  }

  private async askAgent(): Promise<void> {
    if (this.answered) return;
    const failure = await pingAgent(this.connection, this.domain);
    this.answered = failure === undefined;
    this.say("agent", failure ?? "answers");
  }

  private async askAddresses(): Promise<void> {
    // The agent knows every address; leases tell those of a guest without one.
    const macs = this.nics.map(({ mac }) => mac);
    const told = this.answered ? await addressesFrom(this.connection, this.domain, "agent", macs) : undefined;
    this.addresses = told ?? (await this.leases.addresses());
    const named = this.addresses.flatMap(({ nic, ipv4, ipv6 }) =>
      ipv4.length + ipv6.length > 0 ? [...ipv4, ...ipv6] : [`none for ${macs[nic]} (${this.nics[nic]!.label})`],
    );
    this.say(told ? "addresses by agent" : "leases", named.join(", ") || "no NIC to have any");
  }

  private async reaches(
    what: string,
    nic: number | undefined,
    probe: (address: string) => Promise<string | undefined>,
  ): Promise<boolean> {
    const candidates = this.addresses.filter((one) => nic === undefined || one.nic === nic);
    const all = [...candidates.flatMap(({ ipv4 }) => ipv4), ...candidates.flatMap(({ ipv6 }) => ipv6)];
    const results = await Promise.all(all.map(async (address) => ({ address, failure: await probe(address) })));
    const failures = results.map(({ address, failure }) => `${address}: ${failure}`);
    this.say(what, failures.length > 0 ? failures.join(", ") : "no address to try");
    return results.some(({ failure }) => failure === undefined);
  }

  private say(source: string, what: string): void {
    this.said.set(source, what);
  }

  private answers(): string {
    return [...this.said].map(([source, answer]) => `${source}: ${answer}`).join("; ");
  }

  private async facts(): Promise<ReadyFacts> {
    if (this.addresses.length === 0) await this.askAddresses();
    return {
      addresses: this.addresses,
      bootId: this.answered ? await bootId(this.connection, this.domain) : undefined,
    };
  }

  /** What each source answered, and what the guest printed last. */
  private async failure(what: string, console: ConsoleTail): Promise<OperatorError> {
    const answers = this.answers();
    const lines = await console.lines(20);
    const shown =
      lines.length > 0 ? `\nIts console's last lines:\n${lines.map((line) => `  | ${line}`).join("\n")}` : "";
    return new OperatorError(`${what}${answers ? `: ${answers}` : ""}${shown}`);
  }
}
