import * as pulumi from "@pulumi/pulumi";
import { Network, type NetworkArgs } from "../../providers/resources/network";
import type { KvmHost } from "../host/kvm-host";
import { requireHost } from "../refuse-unknown";

export interface NatNetworkArgs extends Omit<NetworkArgs, "connection" | "mode" | "name"> {
  /** Where it is. */
  host: KvmHost;
  /** The name in `virsh net-list`. Default: the component's. */
  name?: string;
}

/**
 * A network of the host's own, behind the host's addresses: guests reach the world, the world does not reach them.
 * The host is their gateway, DHCP and DNS server. Every argument of `Network` but its mode is taken as it is.
 *
 * @example
 * const lab = new NatNetwork("lab", { host, ipv4: "192.168.150.0/24", hosts: [{ ip: "192.168.150.10", name: "web-1" }] });
 */
export class NatNetwork extends pulumi.ComponentResource {
  /** What libvirt has of it. */
  readonly network: Network;
  /** The name in `virsh net-list`; what a guest's NIC names. */
  readonly name: pulumi.Output<string>;
  /** The bridge's interface name on the host. */
  readonly bridge: pulumi.Output<string>;
  /** The bridge's own address: the guests' gateway and DNS server. */
  readonly ipv4Address: pulumi.Output<string | undefined>;
  /** As `ipv4Address`. */
  readonly ipv6Address: pulumi.Output<string | undefined>;

  constructor(name: string, args: NatNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:network:NatNetwork", name, {}, opts);
    requireHost(`NatNetwork ${name}`, args);
    const { host, ...shape } = args;
    this.network = new Network(
      name,
      {
        ...shape,
        name: args.name ?? (args.adopt === undefined ? name : undefined),
        connection: host.connection,
        mode: "nat",
      },
      { parent: this },
    );
    this.name = this.network.name;
    this.bridge = this.network.bridge;
    this.ipv4Address = this.network.ipv4Address;
    this.ipv6Address = this.network.ipv6Address;
    this.registerOutputs({ name: this.name, bridge: this.bridge });
  }
}
