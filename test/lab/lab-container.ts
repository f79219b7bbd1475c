import type { Connection } from "../../providers/libvirt/connection";
import { isMissing } from "../../providers/libvirt/errors";
import type { Domain } from "../../providers/libvirt/handles";
import { element, serialize, type Element } from "../../providers/libvirt/xml/document";
import { nicElement, type NicModel } from "../../providers/libvirt/xml/domain-nic";
import type { LabHost } from "./lab-host";
import type { RunOptions, RunResult } from "./lab-node";

/** What udhcpc does with a lease. */
const applyLease = `#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip addr flush dev "$interface" scope global
ip addr add "$ip/$mask" dev "$interface"
[ -z "$router" ] || ip route replace default via "\${router%% *}" dev "$interface"
`;

/** A DHCPv6 client (RFC 8415) that asks until it is offered an address, and prints that. Arguments: interface, MAC, name. */
const askDhcp6 = String.raw`
  use strict; use Socket qw(:all);
  my ($nic, $mac, $name) = @ARGV;
  my $option = sub { pack("nn/a*", @_) };
  my $duid = pack("nnH12", 3, 1, $mac =~ s/://gr);
  my $solicit = pack("CH6", 1, "4c4142")
    . $option->(1, $duid) . $option->(3, pack("NNN", 1, 0, 0)) . $option->(8, pack("n", 0)) . $option->(6, pack("nn", 3, 39))
    . $option->(39, pack("CC/a*", 0, $name));
  socket(my $socket, AF_INET6, SOCK_DGRAM, 0) or die $!;
  setsockopt($socket, SOL_SOCKET, 25, "$nic\0") or die $!;
  bind($socket, pack_sockaddr_in6(546, IN6ADDR_ANY)) or die $!;
  while (1) {
    send($socket, $solicit, 0, pack_sockaddr_in6(547, inet_pton(AF_INET6, "ff02::1:2")));
    my $ready = ""; vec($ready, fileno($socket), 1) = 1;
    next unless select($ready, undef, undef, 0.5);
    recv($socket, my $answer, 4096, 0);
    next unless ord($answer) == 2;
    for (my $at = 4; $at < length $answer; ) {
      my ($kind, $length) = unpack("nn", substr($answer, $at));
      if ($kind == 3) {
        print inet_ntop(AF_INET6, substr($answer, $at + 4 + 12 + 4, 16));
        exit;
      }
      $at += 4 + $length;
    }
  }
`;

/**
 * A container that does nothing but have a network of its own, on a host of the lab: made by libvirt in a tenth of a
 * second, with the host's programs.
 */
export class LabContainer {
  private constructor(
    readonly host: LabHost,
    private readonly connection: Connection,
    private readonly domain: Domain,
    private readonly pid: string,
  ) {}

  /** Its NICs are eth0, eth1, ... and come up without an address. */
  static async start(
    host: LabHost,
    connection: Connection,
    name: string,
    nics: readonly (Omit<NicModel, "linkState"> & { linkState?: "up" })[],
  ): Promise<LabContainer> {
    const xml = element(
      "domain",
      { type: "lxc" },
      element("name", {}, name),
      element("memory", { unit: "MiB" }, 64),
      element(
        "os",
        {},
        element("type", {}, "exe"),
        element("init", {}, "/bin/sleep"),
        element("initarg", {}, "infinity"),
      ),
      element(
        "devices",
        {},
        nics.map((nic) => interfaceOf(nic)),
        element("console", { type: "pty" }),
      ),
    );
    const domain = await connection.domainCreateXML(serialize(xml), 0);
    const container = await LabContainer.find(host, connection, domain.name);
    await container.run(["ip", "link", "set", "lo", "up"]);
    for (const [index] of nics.entries()) await container.run(["ip", "link", "set", `eth${index}`, "up"]);
    return container;
  }

  /** One that runs already. */
  static async find(host: LabHost, connection: Connection, name: string): Promise<LabContainer> {
    const domain = await connection.domainLookupByName(name);
    const { stdout } = await host.run(["pgrep", "--parent", String(domain.id)]);
    return new LabContainer(host, connection, domain, stdout.split("\n")[0]!);
  }

  get name(): string {
    return this.domain.name;
  }

  /** The argv that runs a command of the host in the container's network. */
  argv(argv: readonly string[]): string[] {
    return ["nsenter", "--target", this.pid, "--net", ...argv];
  }

  run(argv: readonly string[], options?: RunOptions): Promise<RunResult> {
    return this.host.run(this.argv(argv), options);
  }

  async address(address: string, { gateway, nic = "eth0" }: { gateway?: string; nic?: string } = {}): Promise<void> {
    const family = address.includes(":") ? "-6" : "-4";
    await this.run(["ip", family, "addr", "add", address, "dev", nic, ...(family === "-6" ? ["nodad"] : [])]);
    if (gateway !== undefined) await this.run(["ip", family, "route", "add", "default", "via", gateway, "dev", nic]);
  }

  /** Asks for an address by DHCP, and hands it back. */
  async dhcp(nic = "eth0"): Promise<string> {
    const script = `/run/lab-dhcp-${this.name}`;
    await this.host.run(["sh", "-c", 'cat >"$1" && chmod 755 "$1"', "sh", script], { stdin: applyLease });
    const argv = ["busybox", "udhcpc", "-i", nic, "-f", "-q", "-n", "-t", "10", "-T", "1", "-s", script];
    await this.run(argv, { timeout: 30_000 });
    const { stdout } = await this.run(["ip", "-j", "-4", "addr", "show", "dev", nic]);
    return JSON.parse(stdout)[0].addr_info[0].local;
  }

  /** The address that DHCPv6 offers a guest of that MAC address and name. */
  async dhcp6(mac: string, name: string, nic = "eth0"): Promise<string> {
    return (await this.run(["perl", "-e", askDhcp6, nic, mac, name], { timeout: 20_000 })).stdout.trim();
  }

  /** Resolves when a ping from the address comes back; rejects when none does for 20 s. */
  async reach(target: string, { from }: { from?: string } = {}): Promise<void> {
    const ping = 'until ping -n -q -c 1 -W 1 "$@" >/dev/null 2>&1; do sleep 0.05; done';
    await this.run(["sh", "-c", ping, "sh", ...source(from), target], { timeout: 20_000 }).catch((cause) => {
      throw new Error(`${this.name} does not reach ${target}${from === undefined ? "" : ` from ${from}`}`, { cause });
    });
  }

  /** Whether one of three pings from the address comes back. */
  async reaches(target: string, { from }: { from?: string } = {}): Promise<boolean> {
    const argv = ["ping", "-n", "-q", "-c", "3", "-i", "0.05", "-W", "1", ...source(from), target];
    const { stdout, stderr } = await this.run(argv, { accept: "any" });
    const [, received] = / (\d+) received/.exec(stdout) ?? [];
    if (received === undefined && !/unreachable/i.test(stderr)) throw new Error(`ping ${target}: ${stderr}${stdout}`);
    return Number(received ?? 0) > 0;
  }

  async stop(): Promise<void> {
    await this.connection.domainDestroyFlags(this.domain, 0).catch((error) => {
      if (!isMissing(error)) throw error;
    });
  }
}

function source(from: string | undefined): string[] {
  return from === undefined ? [] : ["-I", from];
}

/** Only with a device's name known beforehand does libvirt filter what a container sends. */
function interfaceOf(nic: Omit<NicModel, "linkState">): Element {
  const device = nic.filter && `lx${nic.mac.replaceAll(":", "")}`;
  return nicElement({ ...nic, linkState: "up", device });
}
