import { OperatorError } from "../dynamic/errors";
import { type Connection } from "./connection";
import { VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR, VIR_DOMAIN_RUNNING } from "./constants";
import { isMissing } from "./errors";
import type { Domain } from "./handles";
import { ConsoleTail } from "./readiness-console";
import { ExpectedAddresses, type AddressedNic } from "./readiness-families";
import type { NicAddresses } from "./readiness-sources";

/** A NIC that is waited for. */
export interface ReadinessNic extends AddressedNic {
  /** "network default" */
  label: string;
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

/** Stops being told of something. */
export interface Stop {
  (): void;
  ready?: Promise<unknown>;
}

/**
 * Waits until a guest is what its kind calls ready: `satisfied` is asked again whenever something is reported of the
 * guest, and in growing intervals where something is waited for that nobody reports.
 */
export abstract class ReadinessWait {
  /** What each source said last, for the error. */
  private readonly said = new Map<string, string>();
  private wake = () => {};
  private due = false;
  /** Those that were seen last. */
  protected addresses: NicAddresses[] = [];
  private readonly expected: ExpectedAddresses;

  constructor(
    protected readonly connection: Connection,
    protected readonly domain: Domain,
    protected readonly nics: readonly ReadinessNic[],
  ) {
    this.expected = new ExpectedAddresses(
      connection,
      nics.filter((nic) => !nic.down),
    );
  }

  protected abstract satisfied(signal: AbortSignal): Promise<boolean>;
  protected abstract facts(): Promise<ReadyFacts>;
  /** Whether something is waited for that nobody reports. */
  protected abstract polls(): boolean;
  /** What else is reported of the guest beside its power; `again` is to be called then. */
  protected abstract listen(): Stop[];
  protected abstract begin(fresh: boolean): Promise<void>;

  /** Rejects with an OperatorError when the guest is not ready in time, or will never be. */
  async wait({ timeout, signal, consoleLog, fresh, progress }: ReadinessOptions): Promise<ReadyFacts> {
    const late = AbortSignal.timeout(timeout);
    const ends = signal ? AbortSignal.any([signal, late]) : late;
    const stops = [this.ours(), ...this.listen()];
    ends.addEventListener("abort", this.again);
    const telling = setInterval(() => progress?.(`waiting until it is ready: ${this.answers()}`), patience);
    const console = await ConsoleTail.open(this.connection, this.domain, consoleLog);
    try {
      await Promise.all(stops.map((stop) => stop.ready));
      await this.begin(fresh ?? false);
      for (let pause = firstPause; ; pause = Math.min(pause * 1.5, longestPause)) {
        this.due = false;
        signal?.throwIfAborted();
        if (late.aborted) throw await this.failure(`is not ready after ${timeout / 1000} s`, console);
        const end = await this.end();
        if (end !== undefined) throw await this.failure(end, console);
        if (await this.satisfied(ends)) return await this.facts();
        await this.pause(this.polls() ? pause : undefined);
      }
    } finally {
      clearInterval(telling);
      console.close();
      for (const stop of stops) stop();
      ends.removeEventListener("abort", this.again);
    }
  }

  private ours(): Stop {
    return this.connection.onDomainLifecycle(({ dom }) => {
      if (dom.uuid === this.domain.uuid) this.again();
    });
  }

  protected readonly again = () => {
    this.due = true;
    this.wake();
  };

  /** Until something happens, or for so many milliseconds. */
  private async pause(milliseconds: number | undefined): Promise<void> {
    if (this.due) return;
    const timer = milliseconds === undefined ? undefined : setTimeout(() => this.wake(), milliseconds);
    await new Promise<void>((resolve) => (this.wake = resolve));
    clearTimeout(timer);
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

  /** Whether every NIC that could have addresses has them. */
  protected haveAddresses(): Promise<boolean> {
    return this.expected.there(this.addresses);
  }

  protected sayAddresses(source: string): void {
    const named = this.addresses.flatMap(({ nic, mac, ipv4, ipv6 }) =>
      ipv4.length + ipv6.length > 0 ? [...ipv4, ...ipv6] : [`none for ${mac} (${this.nics[nic]!.label})`],
    );
    this.say(source, named.join(", ") || "no NIC to have any");
  }

  protected async reaches(
    what: string,
    nic: number | undefined,
    probe: (address: string) => Promise<string | undefined>,
  ): Promise<boolean> {
    const candidates = this.addresses.filter((one) => nic === undefined || one.nic === nic);
    const all = [...candidates.flatMap(({ ipv4 }) => ipv4), ...candidates.flatMap(({ ipv6 }) => ipv6)];
    const results = await Promise.all(all.map(async (address) => ({ address, failure: await probe(address) })));
    const failures = results.map(({ address, failure }) => `${address}: ${failure ?? "answers"}`);
    this.say(what, failures.length > 0 ? failures.join(", ") : "no address to try");
    return results.some(({ failure }) => failure === undefined);
  }

  protected say(source: string, what: string): void {
    this.said.set(source, what);
  }

  private answers(): string {
    return [...this.said].map(([source, answer]) => `${source}: ${answer}`).join("; ");
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
