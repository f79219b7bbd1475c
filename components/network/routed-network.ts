import type * as pulumi from "@pulumi/pulumi";
import { HostNetwork, type HostNetworkArgs } from "./host-network";

/** Every argument of `Network` that goes with mode "route". */
export interface RoutedNetworkArgs extends Omit<
  HostNetworkArgs,
  "macvtapMode" | "uplinks" | "vlans" | "natIpv6" | "natAddresses" | "natPorts"
> {}

/**
 * A network of the host's own whose addresses are seen outside: guests reach the world and the world reaches them, where
 * the LAN's router has a route to the subnet by way of the host.
 *
 * @example
 * const dmz = new RoutedNetwork("dmz", { host, ipv4: "10.20.0.0/24", ipv6: "2001:db8:20::/64", uplink: "br0" });
 */
export class RoutedNetwork extends HostNetwork {
  constructor(name: string, args: RoutedNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("RoutedNetwork", "route", name, args, opts);
  }
}
