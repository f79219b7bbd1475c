import type * as pulumi from "@pulumi/pulumi";
import { HostNetwork, type HostNetworkArgs } from "./host-network";

/** Every argument of `Network` that goes with mode "nat". */
export interface NatNetworkArgs extends Omit<HostNetworkArgs, "macvtapMode" | "uplinks" | "vlans"> {}

/**
 * A network of the host's own, behind the host's addresses: guests reach the world, the world does not reach them.
 * The host is their gateway, DHCP and DNS server.
 *
 * @example
 * const lab = new NatNetwork("lab", { host, ipv4: "192.168.150.0/24", hosts: [{ ip: "192.168.150.10", name: "web-1" }] });
 */
export class NatNetwork extends HostNetwork {
  constructor(name: string, args: NatNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("NatNetwork", "nat", name, args, opts);
  }
}
