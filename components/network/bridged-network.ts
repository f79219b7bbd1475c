import * as pulumi from "@pulumi/pulumi";
import { HostNetwork, type HostNetworkArgs } from "./host-network";

/** Arguments of `Network` that have no meaning on a bridge of the host. */
type OfOwnBridge =
  | "ipv4"
  | "ipv4Address"
  | "dhcp"
  | "dhcpRange"
  | "ipv6"
  | "ipv6Address"
  | "dhcp6"
  | "dhcp6Range"
  | "domain"
  | "hosts"
  | "dnsHosts"
  | "dnsTxt"
  | "dnsSrv"
  | "dnsForwarders"
  | "routes"
  | "mtu"
  | "stp"
  | "bandwidth"
  | "uplink"
  | "uplinks"
  | "macvtapMode"
  | "natIpv6"
  | "natAddresses"
  | "natPorts";

export interface BridgedNetworkArgs extends Omit<HostNetworkArgs, OfOwnBridge | "bridge"> {
  /** The host's bridge: its interface name, or a `HostBridge`. */
  bridge: pulumi.Input<string> | { name: pulumi.Input<string> };
}

/**
 * A bridge of the host as a network: guests are on the LAN that the bridge is on, and have their addresses from there.
 * A network, other than a NIC's `bridge`, can give them port groups, VLANs and isolated ports.
 *
 * @example
 * const lan = new BridgedNetwork("lan", { host, bridge: "br0" });
 */
export class BridgedNetwork extends HostNetwork {
  constructor(name: string, args: BridgedNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("BridgedNetwork", "bridge", name, { ...args, bridge: interfaceOf(args) }, opts);
  }
}

function interfaceOf({ bridge, host }: BridgedNetworkArgs): pulumi.Input<string> {
  if (typeof bridge === "object" && "name" in bridge && !pulumi.Output.isInstance(bridge)) return bridge.name;
  return host?.bridgeName(bridge as pulumi.Input<string>);
}
