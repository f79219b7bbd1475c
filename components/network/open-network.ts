import type * as pulumi from "@pulumi/pulumi";
import { HostNetwork, type HostNetworkArgs } from "./host-network";

/** Every argument of `Network` that goes with mode "open". */
export interface OpenNetworkArgs extends Omit<
  HostNetworkArgs,
  "macvtapMode" | "uplinks" | "vlans" | "natIpv6" | "natAddresses" | "natPorts" | "uplink"
> {}

/**
 * As `RoutedNetwork`, but libvirt writes no firewall rules for it: the host's own firewall decides what passes.
 *
 * @example
 * const lab = new OpenNetwork("lab", { host, ipv4: "10.21.0.0/24" });
 */
export class OpenNetwork extends HostNetwork {
  constructor(name: string, args: OpenNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("OpenNetwork", "open", name, args, opts);
  }
}
