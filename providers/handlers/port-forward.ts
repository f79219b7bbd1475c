import type { Change, Context, Created, DiffTable, Handler, Problem } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { containsUnknown } from "../dynamic/unknown";
import { forwardId, stackOf, type Forward, type Target } from "../host-network/port-forward/forward";
import { HostForwards, type Build } from "../host-network/port-forward/host-forwards";
import { fault, forwardsOf, networkOf, type HostReport } from "../host-network/port-forward/host-report";
import type { Connection } from "../libvirt/connection";
import { open as openLibvirt } from "../libvirt/open";
import type { NetworkModel } from "../libvirt/xml/network";
import type { Machine } from "../machine/machine";
import { machineKey, machineLabel, open } from "../machine/open-machine";
import { UnreachableError } from "../machine/unreachable-error";
import { canonicalAddress, contains, firstAddress, prefix } from "../schema/address";
import { clash, label, portForwardSchema, type PortForwardInputs } from "../schema/port-forward";
import { offsetIn } from "../schema/range";
import { hostNetworks } from "./host-subnets";
import { lookOnMachine, machineRule, undoOnMachine } from "./on-machine";
import { hostProblems, ofOtherStacks, portProblem, targetProblem, unknown } from "./port-forward-problems";
import { reachable, sayUnreachable } from "./reachable";

export interface PortForwardState extends PortForwardInputs {
  /** Where it leads, as it was put in force; none while it is not active. */
  targets: Target[];
}

/** Ports of a host that lead to a guest behind it. */
export class PortForwardHandler implements Handler<PortForwardInputs, PortForwardState> {
  readonly kind = "PortForward";
  readonly schema = portForwardSchema;
  /** Two cannot publish one port. */
  readonly deleteBeforeReplace = true;

  readonly fields: DiffTable<PortForwardInputs> = {
    machine: machineRule,
    connection: "ignored",
    name: "replace",
    owner: "ignored",
    to: { disruption: "live", why: "new connections go there; those that are open stay" },
    ports: { disruption: "live", why: "connections that are open stay" },
    active: "live",
  };

  constructor(
    private readonly machine: (spec: PortForwardInputs["machine"]) => Machine = open,
    private readonly connect: (uri: string) => Promise<Connection> = openLibvirt,
  ) {}

  describe({ name, machine }: PortForwardInputs): string {
    return `port forward ${name} on ${machineLabel(machine)}`;
  }

  lock({ name, machine }: PortForwardInputs): string {
    return `port forward ${machineKey(machine)} ${name}`;
  }

  clashes(news: PortForwardInputs, others: readonly Partial<PortForwardInputs>[]): Problem[] {
    const stack = stackOf(news.owner);
    return others.flatMap((other) => {
      if (other.owner === news.owner || !other.active || !news.active || containsUnknown(other.ports)) return [];
      const twice = news.ports.find((port) => other.ports?.some((each) => clash(port, each)));
      if (!twice || stackOf(other.owner) !== stack || containsUnknown(other.machine)) return [];
      if (machineKey(other.machine!) !== machineKey(news.machine)) return [];
      return [
        {
          field: "ports",
          reason: `${label(twice)} is published by port forward ${other.name} of the same program, too. Fix: publish another port`,
        },
      ];
    });
  }

  async problems(
    news: PortForwardInputs,
    olds: Partial<PortForwardInputs> | undefined,
    changes: Change[],
    context: Context,
  ): Promise<Problem[]> {
    if (!news.active) return [];
    const report = await this.look(news);
    if (!report) return [];
    const found = hostProblems(report, news);
    if (found.length > 0) return found;
    const changed = (field: keyof PortForwardInputs) => !olds || changes.some((change) => change.field === field);
    if (changed("to")) {
      const networks = await this.networks(news, context);
      for (const address of news.to) {
        const reason = targetProblem(address, news, report, networks);
        if (reason !== undefined) found.push({ field: "to", reason });
        else warnOfLease(address, networks, context);
      }
    }
    if (report.firewalld?.backend === "iptables")
      context.progress(
        "warning: a reload of firewalld, which uses iptables here, closes the forward until the next refresh and up. Fix: FirewallBackend=nftables in firewalld.conf",
      );
    const others = ofOtherStacks(forwardsOf(report), news.owner);
    return [...found, ...portProblems(news, olds, report, others)];
  }

  async create(inputs: PortForwardInputs): Promise<Created<PortForwardState>> {
    const id = forwardId(inputs.name, inputs.owner);
    const forward = inputs.active ? await this.forwards(inputs).put(id, build(id, inputs)) : undefined;
    return { id, state: { ...inputs, targets: forward?.to ?? [] } };
  }

  read(id: string, state: PortForwardState, context: Context): Promise<PortForwardState | undefined> {
    return lookOnMachine(state, context, async () => {
      const report = await this.forwards(state).look();
      if (!report.files.has(id)) return state.active ? undefined : state;
      const reason = fault(report, forwardOf(id, state, state.targets));
      if (reason !== undefined) context.progress(`not active: ${reason}`);
      return { ...state, active: reason === undefined };
    });
  }

  async update(id: string, olds: PortForwardState, news: PortForwardInputs): Promise<PortForwardState> {
    if (news.active) {
      const forward = await this.forwards(news).put(id, build(id, news, olds));
      return { ...news, targets: forward.to };
    }
    await this.forwards(news).remove(id);
    return { ...news, targets: [] };
  }

  delete(id: string, state: PortForwardState, context: Context): Promise<void> {
    return undoOnMachine(context, async () => {
      const forwards = this.forwards(state);
      if ((await forwards.look()).files.has(id)) await forwards.remove(id);
    });
  }

  private forwards({ machine }: PortForwardInputs): HostForwards {
    return HostForwards.of(this.machine(machine));
  }

  private async look(inputs: PortForwardInputs): Promise<HostReport | undefined> {
    try {
      return await this.forwards(inputs).look();
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      sayUnreachable(error);
      return undefined;
    }
  }

  private async networks({ connection: uri }: PortForwardInputs, { signal }: Context): Promise<NetworkModel[]> {
    const connection = uri === undefined ? undefined : await reachable(this.connect(uri));
    return connection ? hostNetworks(connection.with({ signal })) : [];
  }
}

function forwardOf(id: string, { name, owner, ports }: PortForwardInputs, to: Target[]): Forward {
  return { id, name, ...(owner !== undefined && { owner }), to, ports };
}

/** Makes the forward for its host, unless something came in between since the preview. */
function build(id: string, inputs: PortForwardInputs, olds?: Partial<PortForwardInputs>): Build {
  return (report, others) => {
    const to = inputs.to.map((address) => {
      const network = networkOf(report, address);
      if (!network) throw new OperatorError(unknown(address, report));
      const first = canonicalAddress(firstAddress(network.subnet).toString());
      return { address, subnet: `${first}/${network.subnet.length}` };
    });
    const [problem] = portProblems(inputs, olds, report, ofOtherStacks(others, inputs.owner));
    if (problem) throw new OperatorError(problem.reason);
    return forwardOf(id, inputs, to);
  };
}

/** What is in the way of the ports that were not published before. */
function portProblems(
  inputs: PortForwardInputs,
  olds: Partial<PortForwardInputs> | undefined,
  report: HostReport,
  others: readonly Forward[],
): Problem[] {
  const before = new Set((olds?.active ? (olds.ports ?? []) : []).map((port) => JSON.stringify(port)));
  return inputs.ports
    .filter((port) => !before.has(JSON.stringify(port)))
    .flatMap((port) => portProblem(port, inputs, report, others) ?? [])
    .map((reason) => ({ field: "ports", reason }));
}

/** Says that DHCP may give the address to another guest. */
function warnOfLease(address: string, networks: readonly NetworkModel[], context: Context): void {
  for (const { name, ipv4, dhcpRange, ipv6, dhcp6Range, hosts } of networks)
    for (const [subnet, range] of [[ipv4, dhcpRange] as const, [ipv6, dhcp6Range] as const]) {
      if (subnet === undefined || !range || !contains(prefix(subnet), address)) continue;
      const at = (one: string) => offsetIn(prefix(subnet), one);
      if (hosts?.some(({ ip }) => ip === address)) continue;
      if (at(address) < at(range.start) || at(address) > at(range.end)) continue;
      context.progress(
        `warning: ${address} is lent by network ${name} and may change; the forward then follows at the next refresh and up. Fix: reserve it (hosts of the network)`,
      );
    }
}
