import * as pulumi from "@pulumi/pulumi";
import { DhcpReservation } from "../../providers/resources/dhcp-reservation";
import type { NicArgs } from "../../providers/resources/domain";
import { NetworkFilter, type SourcesArgs } from "../../providers/resources/network-filter";
import { defaultMac } from "../../providers/schema/domain-nic";
import { reachable, reachableProblem, type Reachable, type ReachableArg } from "../../providers/schema/reachable-port";
import type { KvmHost } from "../host/kvm-host";
import { networkNamed, type HostNetwork, type Subnet } from "../network/host-network";
import { refuseUnknown } from "../refuse-unknown";

/** A guest's network interface, its addresses, and what it may send and receive. */
export interface GuestNicArgs extends NicArgs {
  /**
   * The address that the network's DHCP server keeps for it. Default: one of the network's range. The MAC address is known
   * before the guest exists, so that it has the address from its first start.
   */
  ipv4?: pulumi.Input<string>;
  /** As `ipv4`, by DHCPv6, which knows the guest by the host name that it sends. */
  ipv6?: pulumi.Input<string>;
  /**
   * Whether frames with another MAC address or source address than its own are dropped, in IPv4, IPv6 and ARP, and the
   * answers of DHCP servers and routers. Its own are `ipv4`, `ipv6` and `allowedAddresses`; in a family where neither of
   * the first two is given, all of the network's subnet but the gateway's, and on a network that the host does not
   * declare all. Default true, except on macvtap; false for routers, VPN gateways and bridges.
   */
  antiSpoofing?: boolean;
  /** Addresses and subnets that it may send from beside its own: virtual addresses (VRRP), containers inside. */
  allowedAddresses?: pulumi.Input<string>[];
  /**
   * What others may reach in it: 443, "8000-8080", "53/udp", "vrrp", or `{ protocol, port, from }`. ICMP, DHCP and
   * answers to its own connections always; answers are told by their ports, so that ports from 32768 up stay open.
   * Default: everything.
   */
  allow?: ReachableArg[];
}

/**
 * The interfaces as the domain takes them. Beside it each has what its addresses and limits need: a reservation, and a
 * filter of its own.
 */
export function guestNics(
  name: string,
  host: KvmHost,
  nics: readonly GuestNicArgs[],
  opts: pulumi.CustomResourceOptions,
): { nics: NicArgs[]; reservations: DhcpReservation[] } {
  const reservations: DhcpReservation[] = [];
  const made = nics.map((nic, index) => {
    const subject = `Guest ${name}: nics.${index}`;
    const network = networkNamed(host, nic.network);
    const chosen = nic.mac ?? host.defaultMac(name, index, network);
    const mac = pulumi.output(chosen ?? defaultMac(name, index));
    const { ipv4, ipv6, antiSpoofing: _spoofing, allowedAddresses: _allowed, allow: _allow, ...ofDomain } = nic;
    const made: NicArgs = {
      ...ofDomain,
      ...(chosen !== undefined && { mac: chosen }),
      // By its resource where the program declares it, so that the guest waits for it.
      ...(nic.network !== undefined && { network: network?.name ?? nic.network }),
      ...(nic.bridge !== undefined && { bridge: host.bridgeName(nic.bridge) }),
    };
    if (ipv4 !== undefined || ipv6 !== undefined)
      reservations.push(reservationOf(`${name}-${index}`, host, subject, nic, mac, name, network, opts));
    const filter = filterOf(`${name}-${index}`, host, subject, nic, mac, name, network, opts);
    return filter ? { ...made, filter: filter.name } : made;
  });
  return { nics: made, reservations };
}

function reservationOf(
  label: string,
  host: KvmHost,
  subject: string,
  { network, ipv4, ipv6 }: GuestNicArgs,
  mac: pulumi.Output<string>,
  guest: string,
  declared: HostNetwork | undefined,
  opts: pulumi.CustomResourceOptions,
): DhcpReservation {
  if (network === undefined)
    throw new pulumi.RunError(
      `${subject}: ipv4 and ipv6 are kept by a network's DHCP server, and a bridge of the host has none. Fix: name them in allowedAddresses, and give them inside the guest`,
    );
  return new DhcpReservation(
    label,
    { connection: host.connection, network: declared?.name ?? network, mac, ipv4, ipv6, name: guest },
    opts,
  );
}

function filterOf(
  label: string,
  host: KvmHost,
  subject: string,
  nic: GuestNicArgs,
  mac: pulumi.Output<string>,
  guest: string,
  network: HostNetwork | undefined,
  opts: pulumi.CustomResourceOptions,
): NetworkFilter | undefined {
  const unfiltered = network?.mode === "macvtap";
  const antiSpoofing = nic.antiSpoofing ?? (host.antiSpoofing && !unfiltered);
  const allow = nic.allow?.map((entry, at) => checked(entry, `${subject}.allow.${at}`));
  if (!antiSpoofing && nic.allowedAddresses)
    throw new pulumi.RunError(
      `${subject}: allowedAddresses limit nothing without antiSpoofing. Fix: leave one of them out`,
    );
  if (!antiSpoofing && !allow) return undefined;
  if (unfiltered)
    throw new pulumi.RunError(
      `${subject}: frames of a macvtap network pass no filter of the host. Fix: leave antiSpoofing and allow out, or use another network`,
    );
  const { ipv4, ipv6, vlans, addresses, allowedAddresses = [] } = nic;
  const speaks = pulumi
    .all([network?.subnets ?? [], pulumi.all(allowedAddresses), ipv4, ipv6, addresses, vlans])
    .apply(([[subnet4, subnet6], allowed, kept4, kept6, given = [], tags]) => ({
      ipv4: sources(ofFamily(4, kept4, given), subnet4, ofFamily(4, undefined, allowed)),
      ipv6: sources(ofFamily(6, kept6, given), subnet6, ofFamily(6, undefined, allowed)),
      tagged: (tags?.tagged ?? []).length > 0 ? true : undefined,
    }));
  return new NetworkFilter(
    label,
    {
      connection: host.connection,
      // A NIC is known by its MAC address: its filter goes where it goes.
      name: pulumi.interpolate`${guest.slice(0, 50)}-${mac.apply((own) => own.toLowerCase().replaceAll(":", ""))}`,
      ...(antiSpoofing && { antiSpoofing: speaks }),
      allow,
      ...(nic.filter !== undefined && { filters: [nic.filter] }),
    },
    opts,
  );
}

function checked(entry: ReachableArg, field: string): Reachable {
  const problem = reachableProblem(entry);
  if (problem !== undefined) throw new pulumi.RunError(`${field}: ${problem}`);
  if (typeof entry === "object") refuseUnknown(field, entry, ["protocol", "port", "from"]);
  return reachable(entry)!;
}

/** The addresses of one family: the reserved one, and those that are given, "192.168.155.50/24" for the host in it. */
function ofFamily(family: 4 | 6, kept: string | undefined, given: readonly string[]): string[] {
  const all = [...(kept === undefined ? [] : [kept]), ...given];
  return all.filter((address) => address.includes(":") === (family === 6));
}

/** Where a family's packets may come from; undefined where nothing is known of it. */
function sources(own: readonly string[], network: Subnet | undefined, allowed: string[]): SourcesArgs | undefined {
  if (own.length > 0) return { allowed: [...own.map((address) => address.split("/")[0]!), ...allowed] };
  if (network) return { allowed: [network.subnet, ...allowed], gateway: network.gateway };
  return allowed.length > 0 ? { allowed } : undefined;
}
