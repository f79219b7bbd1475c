import * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import type { NicAddresses } from "./domain";
import { ownerOf } from "./owner";

/** A port of the host, or a range of them, and the guest's port it leads to. */
export interface PublishedPortArgs {
  /** The host's port: 8080, or a range as in "8000-8010". */
  host: pulumi.Input<number | string>;
  /** The guest's port or range, of the same size. Default: as `host`. */
  guest?: pulumi.Input<number | string>;
  /** Default "tcp". */
  protocol?: pulumi.Input<"tcp" | "udp">;
  /** The host's address that is listened on. Default: every address of the host. */
  address?: pulumi.Input<string>;
  /** The host's interface that connections come in by: "br1". The host itself then cannot use the port. Default: any. */
  interface?: pulumi.Input<string>;
  /** Who may connect, addresses and subnets: ["192.168.155.0/24", "2001:db8::/32"]. Default: everybody. */
  sources?: pulumi.Input<pulumi.Input<string>[]>;
}

/** The host whose ports are published: a `KvmHost`. Without `connection`, networks are not asked for their mode. */
export interface PublishingHost {
  readonly machine: pulumi.Input<MachineSpec>;
  readonly connection?: pulumi.Input<string>;
}

/** What has addresses: a `Guest`, a `Domain`. */
export interface PublishedGuest {
  readonly addresses: pulumi.Input<NicAddresses[]>;
}

export interface PortForwardArgs {
  /** A `KvmHost`, or `{ machine, connection }`. The guest is behind it, on a network of the host's own. */
  host: PublishingHost;
  /** The guest; the forward follows its addresses, IPv4 and IPv6. A fixed lease keeps them between runs. */
  guest?: PublishedGuest;
  /** With `guest`: the NIC by its place in `nics`. Default: the first that has an address of the family. */
  nic?: number;
  /** In the place of `guest`: an IPv4 address, an IPv6 address, or one of both. */
  to?: pulumi.Input<string | pulumi.Input<string>[]>;
  /** At least one. */
  ports: pulumi.Input<pulumi.Input<PublishedPortArgs>[]>;
  /** How messages call it. Default: the resource's name. */
  name?: pulumi.Input<string>;
  /** Whether the ports lead to the guest. Default true: rules that were removed behind our back are put in force again. */
  active?: pulumi.Input<boolean>;
}

/**
 * Ports of a host that lead to a guest on a network of the host's own (nat, route or open): from outside, from the host
 * itself by any address but its loopback, and from guests. Both IPv4 and IPv6 where the guest has both.
 *
 * It is made of rules of nftables in a table of its own (`nft list table inet pulumi_kvm`), beside those of libvirt,
 * firewalld and others, and comes back when the host boots: needs nft, and libvirt 6.5 on the host. Connections keep the
 * client's address, but for those from the guest's own network. A port that a program of the host listens on is refused.
 * On delete, new connections are refused again.
 *
 * @example
 * new PortForward("web", { host, guest: web, ports: [{ host: 8080, guest: 80 }, { host: 8443, guest: 443 }] });
 * new PortForward("dns", { host, to: "192.168.150.10", ports: [{ host: 53, protocol: "udp", address: "192.168.155.32" }] });
 */
export class PortForward extends Resource {
  declare readonly name: pulumi.Output<string>;
  declare readonly machine: pulumi.Output<MachineSpec>;
  /** The guest's addresses. */
  declare readonly to: pulumi.Output<string[]>;
  declare readonly active: pulumi.Output<boolean>;

  constructor(name: string, args: PortForwardArgs, opts?: pulumi.CustomResourceOptions) {
    const { host, guest, nic, to, ...rest } = args;
    if ((guest === undefined) === (to === undefined))
      throw new pulumi.RunError(`PortForward ${name}: allowed: one of guest and to`);
    if (nic !== undefined && !guest) throw new pulumi.RunError(`PortForward ${name}: nic goes with guest`);
    super(
      "PortForward",
      name,
      {
        ...rest,
        name: args.name ?? name,
        owner: ownerOf(name),
        machine: host.machine,
        connection: host.connection,
        to: guest ? addressesOf(guest, nic) : pulumi.output(to).apply((one) => (Array.isArray(one) ? one : [one])),
      },
      [],
      // The networks that an address is on are the host's.
      to !== undefined && pulumi.Resource.isInstance(host) ? pulumi.mergeOptions({ dependsOn: host }, opts) : opts,
    );
  }
}

/** From `addresses`, which every guest in the state has: a family that it lacks would be unknown to a preview. */
function addressesOf({ addresses }: PublishedGuest, nic: number | undefined): pulumi.Output<string[]> {
  return pulumi.output(addresses).apply((all) => {
    const among = nic === undefined ? all : all.filter((each) => each.nic === nic);
    const firsts = [among.flatMap(({ ipv4 }) => ipv4)[0], among.flatMap(({ ipv6 }) => ipv6)[0]];
    return firsts.filter((address) => address !== undefined);
  });
}
