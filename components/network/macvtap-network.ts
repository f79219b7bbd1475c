import type * as pulumi from "@pulumi/pulumi";
import type { BridgedNetworkArgs } from "./bridged-network";
import { HostNetwork, type HostNetworkArgs } from "./host-network";

export interface MacvtapNetworkArgs extends Omit<BridgedNetworkArgs, "bridge" | "vlans" | "isolatedPorts"> {
  /** The host's interface that guests sit on. */
  uplink?: HostNetworkArgs["uplink"];
  /** Several of them, of which each guest gets the one with the fewest. */
  uplinks?: HostNetworkArgs["uplinks"];
  /** How guests of one interface see each other: "bridge" (default), "private", "vepa" or "passthrough"; see `Network`. */
  macvtapMode?: HostNetworkArgs["macvtapMode"];
}

/**
 * Host interfaces as a network, without a bridge: guests are on the LAN, but do not reach the host, nor it them. No
 * network filter holds there.
 *
 * @example
 * const lan = new MacvtapNetwork("lan", { host, uplink: "eth0" });
 */
export class MacvtapNetwork extends HostNetwork {
  constructor(name: string, args: MacvtapNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("MacvtapNetwork", "macvtap", name, args, opts);
  }
}
