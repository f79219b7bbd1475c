import type { Context } from "../dynamic/contract";
import type { ContainerFacts, RunningContainer } from "../container/running-container";
import type { Connection } from "../libvirt/connection";
import type { Domain } from "../libvirt/handles";
import { Leases } from "../libvirt/readiness-leases";
import type { NicAddresses } from "../libvirt/readiness-sources";
import { ReadinessWait, type ReadinessNic, type ReadyFacts, type Stop } from "../libvirt/readiness-wait";
import type { DomainInputs } from "../schema/domain";
import { macsOf } from "../schema/domain-nic";
import type { ReadyInputs } from "../schema/domain-ready";
import { milliseconds } from "../schema/duration";
import type { DomainLook } from "./domain-look";
import { inside } from "./domain-lxc-host";
import { waitedNics } from "./domain-ready";
import type { DomainState } from "./domain-state";

/** Milliseconds that the program's own command may take each time. */
const commandPatience = 30_000;

/** Waits until a container is ready, as its host sees it; where nothing is known of the host, as far as leases tell. */
export async function waitForContainer(
  connection: Connection,
  domain: Domain,
  inputs: DomainInputs,
  fresh: boolean,
  context: Context,
): Promise<ReadyFacts | undefined> {
  if (!inputs.ready || (inputs.state ?? "running") !== "running") return undefined;
  const container = inside(connection, domain, inputs);
  return new ContainerReadiness(connection, domain, inputs.ready, waitedNics(inputs), container).wait({
    timeout: milliseconds(inputs.ready.timeout),
    signal: context.signal,
    fresh,
    progress: (message) => context.progress(message),
  });
}

/** What a running container says of itself now. */
export async function containerFacts(
  connection: Connection,
  { domain }: DomainLook,
  state: DomainState,
  { signal }: Context,
): Promise<Partial<ReadyFacts>> {
  const macs = macsOf(state.name, state.nics ?? []);
  try {
    const facts = await inside(connection, domain, state)?.facts(signal);
    return facts ? { addresses: addressesOf(facts, macs), bootId: facts.bootId } : {};
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error)) throw error;
    return {};
  }
}

function addressesOf(facts: ContainerFacts, macs: readonly string[]): NicAddresses[] {
  return macs.map((mac, nic) => ({ nic, mac, ...(facts.addresses.get(mac) ?? { ipv4: [], ipv6: [] }) }));
}

/** A container's readiness: nobody reports it, so its host is asked again and again. */
class ContainerReadiness extends ReadinessWait {
  private readonly leases: Leases;
  private seen?: ContainerFacts;

  constructor(
    connection: Connection,
    domain: Domain,
    private readonly goal: ReadyInputs,
    nics: readonly ReadinessNic[],
    private readonly container: RunningContainer | undefined,
  ) {
    super(connection, domain, nics);
    this.leases = new Leases(connection, nics);
  }

  protected async begin(fresh: boolean): Promise<void> {
    if (fresh && !this.container) await this.leases.forget();
  }

  protected listen(): Stop[] {
    return [];
  }

  protected polls(): boolean {
    return true;
  }

  /** A host that does not answer now may do so later, and a container may end while it is asked. */
  protected async satisfied(signal: AbortSignal): Promise<boolean> {
    try {
      return await this.isReady(signal);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (!signal.aborted) this.say("host", error.message.split("\n")[0]!);
      return false;
    }
  }

  private async isReady(signal: AbortSignal): Promise<boolean> {
    const { booted, addresses, command } = this.goal;
    if (!(await this.look(signal))) return false;
    if (booted && this.seen?.booting !== undefined) return false;
    if (addresses && !(await this.haveAddresses())) return false;
    if (!(await this.serves(signal))) return false;
    return !command || this.succeeds(command, signal);
  }

  private async look(signal: AbortSignal): Promise<boolean> {
    if (!this.container) {
      this.addresses = await this.leases.addresses();
      this.sayAddresses("leases");
      return true;
    }
    this.seen = await this.container.facts(signal);
    this.say("init", this.seen ? (this.seen.booting ?? "has come up") : "libvirt is starting it");
    if (!this.seen) return false;
    const macs = this.nics.map(({ mac }) => mac);
    this.addresses = addressesOf(this.seen, macs);
    this.sayAddresses("addresses");
    return true;
  }

  /** Port and page are asked where the container itself would ask them: that works wherever pulumi runs. */
  private async serves(signal: AbortSignal): Promise<boolean> {
    const { container, seen } = this;
    const { http } = this.goal;
    const port = typeof this.goal.port === "number" ? { port: this.goal.port } : this.goal.port;
    if (!container || !seen) return true;
    const listens = async (at: string) => container.port(seen, port!.port, [at]);
    if (port && !(await this.reaches(`port ${port.port}`, port.nic, listens))) return false;
    if (!http) return true;
    return this.reaches(`http :${http.port}${http.path}`, http.nic, async (at) => {
      const line = await container.http(at, http.port, http.path, signal);
      const [, status] = /^HTTP\/\S+ (\d{3})/.exec(line) ?? [];
      if (status === undefined) return line;
      const code = Number(status);
      const wanted = http.status === undefined ? code >= 200 && code < 400 : code === http.status;
      return wanted ? undefined : `status ${code}`;
    });
  }

  private async succeeds(command: readonly string[], signal: AbortSignal): Promise<boolean> {
    if (!this.container) return true;
    const done = await this.container.run(command, { signal, timeout: commandPatience });
    const said = (done.stderr || done.stdout).trim().split("\n").at(-1)!;
    this.say(`command ${command[0]}`, done.exitCode === 0 ? "succeeds" : `exit code ${done.exitCode} ${said}`.trim());
    return done.exitCode === 0;
  }

  protected async facts(): Promise<ReadyFacts> {
    return { addresses: this.addresses, bootId: this.seen?.bootId };
  }
}
