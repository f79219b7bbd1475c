import * as pulumi from "@pulumi/pulumi";
import { Network, type NetworkArgs } from "../../providers/resources/network";
import { nth, parsePrefix } from "../../providers/schema/address";
import type { KvmHost } from "../host/kvm-host";
import { checkedPool } from "../host/mac-pool";
import { requireHost } from "../refuse-unknown";

/** What the components for networks have in common: everything of `Network` but where it is and of which mode. */
export interface HostNetworkArgs extends Omit<NetworkArgs, "connection" | "machine" | "mode" | "name"> {
  /** Where it is. */
  host: KvmHost;
  /** The name in `virsh net-list`. Default: the component's. */
  name?: string;
  /** What the MAC addresses of its guests begin with, see `KvmHost`. Default: the host's. */
  macPool?: string;
}

/** A declared subnet and the bridge's own address in it. */
export interface Subnet {
  subnet: string;
  gateway: string;
}

function subnetOf(
  subnet: pulumi.Input<string> | undefined,
  gateway: pulumi.Input<string> | undefined,
): pulumi.Output<Subnet | undefined> {
  return pulumi.all([subnet, gateway]).apply(([cidr, own]) => {
    const parsed = cidr === undefined ? undefined : parsePrefix(cidr);
    return parsed && { subnet: cidr!, gateway: own ?? nth(parsed, 1) };
  });
}

const known = new WeakMap<KvmHost, { declared?: string; network: HostNetwork }[]>();

/** The component that the program declares for a host's network, by its name or that output of it. */
export function networkNamed(host: KvmHost, name: pulumi.Input<string> | undefined): HostNetwork | undefined {
  if (name === undefined) return undefined;
  return known.get(host)?.find(({ declared, network }) => network.name === name || declared === name)?.network;
}

/** A libvirt network of a host; its subclasses say how its guests reach the world. */
export abstract class HostNetwork extends pulumi.ComponentResource {
  /** What libvirt has of it. */
  readonly network: Network;
  /** How its guests reach the world. */
  readonly mode: string;
  /** What the MAC addresses of its guests begin with, where that is not the host's choice. */
  readonly macPool?: string;
  /** The name in `virsh net-list`; what a guest's NIC names. */
  readonly name: pulumi.Output<string>;
  /** The bridge's interface name on the host. */
  readonly bridge: pulumi.Output<string>;
  readonly ipv4: pulumi.Output<string | undefined>;
  readonly ipv6: pulumi.Output<string | undefined>;
  /** The bridge's own address: the guests' gateway and DNS server. */
  readonly ipv4Address: pulumi.Output<string | undefined>;
  /** As `ipv4Address`. */
  readonly ipv6Address: pulumi.Output<string | undefined>;

  /** The subnets as declared, with their gateways: known at preview also where there is only one of the two. */
  readonly subnets: pulumi.Output<(Subnet | undefined)[]>;

  protected constructor(
    kind: string,
    mode: NonNullable<NetworkArgs["mode"]> & string,
    name: string,
    args: HostNetworkArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(`pulumi-kvm:network:${kind}`, name, {}, opts);
    requireHost(`${kind} ${name}`, args);
    const { host, macPool, ...shape } = args;
    this.mode = mode;
    this.macPool = checkedPool(`${kind} ${name}`, macPool);
    this.network = new Network(
      name,
      {
        ...shape,
        name: args.name ?? (args.adopt === undefined ? name : undefined),
        connection: host.connection,
        machine: host.machine,
        mode,
      },
      { parent: this },
    );
    this.name = this.network.name;
    this.bridge = this.network.bridge;
    this.ipv4 = this.network.ipv4;
    this.ipv6 = this.network.ipv6;
    this.subnets = pulumi.all([subnetOf(args.ipv4, args.ipv4Address), subnetOf(args.ipv6, args.ipv6Address)]);
    this.ipv4Address = this.network.ipv4Address;
    this.ipv6Address = this.network.ipv6Address;
    const declared = args.name ?? (typeof args.adopt === "string" ? args.adopt : name);
    known.set(host, [...(known.get(host) ?? []), { declared, network: this }]);
    this.registerOutputs({ name: this.name, bridge: this.bridge });
  }
}
