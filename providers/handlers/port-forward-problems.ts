import type { Problem } from "../dynamic/contract";
import { allDeclared, sameHost } from "../dynamic/declared";
import { stackOf, type Forward } from "../host-network/port-forward/forward";
import { networkOf, socketBehind, type HostReport } from "../host-network/port-forward/host-report";
import type { NetworkModel } from "../libvirt/xml/network";
import { machineKey, machineLabel } from "../machine/open-machine";
import type { MachineSpec } from "../machine/machine";
import { contains, prefix } from "../schema/address";
import type { NetworkInputs } from "../schema/network";
import { clash, isIpv6, label, type PortForwardInputs, type PublishedPort } from "../schema/port-forward";

type Network = Pick<NetworkModel, "name" | "mode" | "ipv4" | "ipv6">;

/** The oldest libvirt that runs several scripts for one event. */
const oldestLibvirt = [6, 5];

/** What a host lacks that every port forward needs. */
export function hostProblems(report: HostReport, { machine, to }: PortForwardInputs): Problem[] {
  const where = machineLabel(machine);
  const problem = (reason: string): Problem[] => [{ field: "machine", reason }];
  if (!report.root) return problem(`only root sets up port forwards. Fix: reach ${where} as root, or with sudo: true`);
  if (!report.programs.has("nft"))
    return problem(
      `nft is not installed on ${where}, and port forwards are rules of nftables. Fix: apt-get install nftables (dnf, zypper: nftables, too)`,
    );
  if (!report.programs.has("flock"))
    return problem(`flock is not installed on ${where}. Fix: install util-linux there`);
  if (report.libvirt !== undefined && isOlder(report.libvirt))
    return problem(
      `libvirt ${report.libvirt} cannot restore port forwards when the host boots: it runs no scripts of /etc/libvirt/hooks/network.d. Allowed: libvirt 6.5 or later`,
    );
  if (report.firewalld?.strict)
    return problem(
      "firewalld rejects every port forward that is not its own. Fix: StrictForwardPorts=no in /etc/firewalld/firewalld.conf, and firewall-cmd --reload",
    );
  return to.flatMap((address) => {
    const [on, sysctl] = isIpv6(address)
      ? [report.forwarding.ipv6, "net.ipv6.conf.all.forwarding"]
      : [report.forwarding.ipv4, "net.ipv4.ip_forward"];
    // Where the network is not there yet, libvirt switches it on with the network.
    if (on !== false || !networkOf(report, address)) return [];
    return problem(`${sysctl} is 0: ${where} forwards nothing to ${address}. Fix: sysctl -w ${sysctl}=1`);
  });
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < oldestLibvirt[0]! || (major === oldestLibvirt[0] && minor < oldestLibvirt[1]!);
}

/** Why nothing can be forwarded to an address; undefined when it can be, or will when the program's networks are there. */
export function targetProblem(
  address: string,
  { connection }: PortForwardInputs,
  report: HostReport,
  networks: readonly Network[],
): string | undefined {
  const own = report.addresses.find((each) => each.address === address);
  if (own) return `${address} is the host's own (${own.device}). Allowed: an address of a guest`;
  const declared = allDeclared<NetworkInputs>("Network").filter(
    (one): one is NetworkInputs =>
      one.name !== undefined && (connection === undefined || sameHost(one.connection, connection)),
  );
  const network = [...networks, ...declared].find(({ ipv4, ipv6 }) =>
    [ipv4, ipv6].some((subnet) => typeof subnet === "string" && contains(prefix(subnet), address)),
  );
  if (network?.mode === "isolated")
    return `${address} is on network ${network.name}, which is isolated: what its guests send stays there. Allowed: guests on networks with mode "nat", "route" or "open"`;
  const place = networkOf(report, address);
  if (!place)
    return network && declared.some(({ name }) => name === network.name) ? undefined : unknown(address, report);
  if (report.uplinks.has(place.device))
    return `${address} is in the host's LAN (${place.device}): the guest answers past the host, and can be reached there as it is. Allowed: guests on networks of the host's own`;
  return undefined;
}

/** What is said of an address that the host has no way to. */
export function unknown(address: string, { addresses, uplinks }: HostReport): string {
  const there = addresses.filter(({ device, address: own }) => !uplinks.has(device) && isIpv6(own) === isIpv6(address));
  const names = there.map(({ address: own, subnet, device }) => `${own}/${subnet.length} (${device})`).sort();
  return `${address} is on none of the host's running networks. There: ${names.join(", ") || "none"}. Fix: start its network first (dependsOn), or correct the address`;
}

/** What is in a port's way on the host. `others` are forwards that are there and stay. */
export function portProblem(
  port: PublishedPort,
  { machine }: PortForwardInputs,
  report: HostReport,
  others: readonly Forward[],
): string | undefined {
  const { address, interface: via } = port;
  if (
    address !== undefined &&
    !report.addresses.some((own) => own.address === address) &&
    !willHave(machine, address)
  ) {
    const there = report.addresses.map((own) => `${own.address} (${own.device})`);
    return `${address} is no address of the host. There: ${there.join(", ") || "none"}. Fix: use one of them, or leave address out for all`;
  }
  if (via !== undefined && !report.interfaces.has(via) && !willBe(machine, via)) {
    const there = [...report.interfaces].filter((name) => name !== "lo");
    return `the host has no interface ${JSON.stringify(via)}. There: ${there.join(", ") || "none"}. Fix: correct the name`;
  }
  const socket = socketBehind(report, port);
  if (socket) {
    const place = socket.address.includes(":") ? `[${socket.address}]` : socket.address;
    return `${label(port)}: ${socket.program ?? "a program"} listens on ${place}:${socket.port}/${socket.protocol} of the host, and would not be reached any more. Fix: publish another port, or at an address where it does not listen`;
  }
  for (const other of others)
    if (other.ports.some((each) => clash(each, port)))
      return `${label(port)} is published by port forward ${other.name} of ${other.owner ?? "somebody else"}. Fix: publish another port, or remove that one first`;
  return undefined;
}

/**
 * The forwards that another stack keeps on the host. Those of the own stack may be about to go or to change: whether two
 * of them clash is seen among what the program declares.
 */
export function ofOtherStacks(forwards: readonly Forward[], owner: string | undefined): Forward[] {
  const stack = stackOf(owner);
  return forwards.filter((each) => stack === undefined || stackOf(each.owner) !== stack);
}

interface Bridge {
  machine: MachineSpec;
  name: string;
  addresses: string[];
}

function willBe(machine: MachineSpec, device: string): boolean {
  return bridgesOf(machine).some(({ name }) => name === device);
}

function willHave(machine: MachineSpec, address: string): boolean {
  return bridgesOf(machine).some(
    ({ addresses }) => Array.isArray(addresses) && addresses.some((each) => String(each).split("/")[0] === address),
  );
}

/** Those that the program declares on the host. */
function bridgesOf(machine: MachineSpec): Partial<Bridge>[] {
  const host = machineKey(machine);
  return allDeclared<Bridge>("LinuxBridge").filter((one) => one.machine && machineKey(one.machine) === host);
}
