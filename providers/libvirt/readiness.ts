import { type Connection } from "./connection";
import { VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED } from "./constants";
import type { Domain } from "./handles";
import { Leases } from "./readiness-leases";
import { probeHttp, probePort, type HttpGoal } from "./readiness-probe";
import { addressesFrom, bootId, channelConnected, orGiven, pingAgent, type NicAddresses } from "./readiness-sources";
import { ReadinessWait, type ReadinessNic, type ReadyFacts, type Stop } from "./readiness-wait";

export type { ReadinessNic, ReadinessOptions, ReadyFacts } from "./readiness-wait";

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

/**
 * Waits until a guest is ready. What libvirt reports is waited for: the agent's channel, and the end of the guest, which
 * ends the wait at once. Addresses and ports, which nobody reports, are looked at again in growing intervals.
 *
 * @example
 * const facts = await new Readiness(connection, domain, { agent: true, addresses: true }, nics).wait({ timeout: 300_000 });
 */
export class Readiness extends ReadinessWait {
  private connected: boolean | undefined;
  private answered = false;
  private readonly leases: Leases;

  constructor(
    connection: Connection,
    domain: Domain,
    private readonly goal: ReadinessGoal,
    nics: readonly ReadinessNic[],
  ) {
    super(connection, domain, nics);
    this.leases = new Leases(connection, nics);
  }

  protected async begin(fresh: boolean): Promise<void> {
    if (fresh) await this.leases.forget();
    this.connected = await channelConnected(this.connection, this.domain);
  }

  protected listen(): Stop[] {
    return [
      this.connection.onAgentLifecycle(({ dom, state }) => {
        if (dom.uuid !== this.domain.uuid) return;
        this.connected = state === VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED;
        this.answered &&= this.connected;
        this.again();
      }),
      this.connection.onReconnect(() => {
        void channelConnected(this.connection, this.domain)
          .then((connected) => (this.connected = connected))
          .catch(() => {})
          .finally(this.again);
      }),
    ];
  }

  /** Whether something is waited for that nobody reports. */
  protected polls(): boolean {
    const { addresses, port, http } = this.goal;
    return addresses === true || port !== undefined || http !== undefined || this.connected === true;
  }

  protected async satisfied(): Promise<boolean> {
    const { agent, addresses, port, http } = this.goal;
    if (this.connected) await this.askAgent();
    else this.say("agent", this.connected === undefined ? "the guest has no channel for it" : "channel disconnected");
    if (agent && !this.answered) return false;
    if (addresses || port || http) await this.askAddresses();
    if (addresses && !(await this.haveAddresses())) return false;
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
    this.addresses = told ?? (await this.leased());
    this.sayAddresses(told ? "addresses by agent" : "leases");
  }

  private async leased(): Promise<NicAddresses[]> {
    const leased = await this.leases.addresses();
    if (this.connected !== undefined) return leased;
    const given = this.nics.map((nic) => nic.given);
    return orGiven(leased, given);
  }

  protected async facts(): Promise<ReadyFacts> {
    if (this.addresses.length === 0) await this.askAddresses();
    return {
      addresses: this.addresses,
      bootId: this.answered ? await bootId(this.connection, this.domain) : undefined,
    };
  }
}
