import type * as pulumi from "@pulumi/pulumi";
import { HostNetwork, type HostNetworkArgs } from "./host-network";

/** Every argument of `Network` that goes with mode "isolated". */
export interface IsolatedNetworkArgs extends Omit<
  HostNetworkArgs,
  "macvtapMode" | "uplinks" | "vlans" | "natIpv6" | "natAddresses" | "natPorts" | "uplink"
> {}

/**
 * A network that leads nowhere: guests reach each other and the host, which is their DHCP and DNS server. With `dhcp` and
 * `dhcp6` false they address themselves; without any subnet it is a cable between guests, and the host has no part in it.
 *
 * @example
 * const backend = new IsolatedNetwork("backend", { host, ipv4: "10.22.0.0/24" });
 * const cable = new IsolatedNetwork("cable", { host });
 */
export class IsolatedNetwork extends HostNetwork {
  constructor(name: string, args: IsolatedNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("IsolatedNetwork", "isolated", name, args, opts);
  }
}
