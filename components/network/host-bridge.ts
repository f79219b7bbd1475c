import * as pulumi from "@pulumi/pulumi";
import { LinuxBridge, type LinuxBridgeArgs } from "../../providers/resources/linux-bridge";
import type { KvmHost } from "../host/kvm-host";
import { requireHost } from "../refuse-unknown";

export interface HostBridgeArgs extends Omit<LinuxBridgeArgs, "machine" | "name"> {
  /** Where it is. */
  host: KvmHost;
  /** The interface name. Default: the component's. */
  name?: string;
}

/**
 * A bridge of the host that guests are plugged into as if they were on the LAN: br0 over the NIC that the host is reached
 * by. A change that nobody confirms over a new connection is taken back by the host itself (docs/dead-man.md). Every
 * argument of `LinuxBridge` is taken as it is.
 *
 * @example
 * const lan = new HostBridge("br0", { host, uplink: "eth0", addresses: ["192.168.155.32/24"], gateway: "192.168.155.1" });
 */
export class HostBridge extends pulumi.ComponentResource {
  /** What Linux has of it. */
  readonly bridge: LinuxBridge;
  /** The interface name; what a guest's NIC names in `bridge`. */
  readonly name: pulumi.Output<string>;
  /** The host's first IPv4 address on it. */
  readonly ipv4: pulumi.Output<string | undefined>;
  /** As `ipv4`. */
  readonly ipv6: pulumi.Output<string | undefined>;

  constructor(name: string, args: HostBridgeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:network:HostBridge", name, {}, opts);
    requireHost(`HostBridge ${name}`, args);
    const { host, ...shape } = args;
    const own = args.name ?? (args.adopt === undefined ? name : undefined);
    this.bridge = new LinuxBridge(name, { ...shape, name: own, machine: host.machine }, { parent: this });
    this.name = this.bridge.name;
    this.ipv4 = this.bridge.ipv4;
    this.ipv6 = this.bridge.ipv6;
    this.registerOutputs({ name: this.name, ipv4: this.ipv4, ipv6: this.ipv6 });
  }
}
