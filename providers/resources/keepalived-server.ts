import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { onMachine, type MachineArg } from "./on-machine";

/** Addresses that one of several machines has. */
export interface VirtualRouterArgs {
  /** The VRRP id, 1 to 255: the same on all machines that share the addresses, and nowhere else in their subnet. */
  id: pulumi.Input<number>;
  /** With the length of their subnet: "192.168.155.40/24". */
  addresses: pulumi.Input<string[]>;
  /** Where they are. Default: the interface with an address in their subnet, else the one with `source`. */
  interface?: pulumi.Input<string>;
  /** The highest one begins; different on each machine. 2 to 250. Default 250. */
  priority?: pulumi.Input<number>;
  /**
   * How long the machine with the highest priority has to be well until it takes the addresses back. Default: it does not,
   * so that a fault costs one outage and not two.
   */
  preemptDelay?: pulumi.Input<string>;
}

export interface KeepalivedServerArgs {
  /** Where: a guest, a host, or `{ kind: "local" }`. */
  machine: MachineArg;
  /** What its folder and service on the machine are called. Default: the resource's name. */
  name?: pulumi.Input<string>;
  /** By names of your choice. */
  routers: { [name: string]: VirtualRouterArgs };
  /** The machine's own address, from which it speaks with the others. */
  source: pulumi.Input<string>;
  /** The addresses of the others. */
  peers: pulumi.Input<pulumi.Input<string>[]>;
  /** How often the active one says so; the others take over after three times that. "50ms" to "40s". Default "200ms". */
  advertise?: pulumi.Input<string>;
  /** The name of the HaproxyServer on this machine without which it must not have the addresses. */
  haproxy?: pulumi.Input<string>;
  /** How long it may take until each router is the active one or waits. Default "30s". */
  timeout?: pulumi.Input<string>;
  /** Any text; another one has everything put in place again. */
  disk?: pulumi.Input<string>;
}

/**
 * keepalived on a machine: virtual addresses that another machine takes over when this one, its link or its HAProxy fails
 * (VRRP version 3, RFC 5798, between unicast peers). It runs under a supervisor, which takes the addresses off the machine
 * when keepalived was killed, once the other one has had the time to take over. After a partition in which two had the
 * addresses, the one that took over later keeps them, to which the traffic goes already. Needs Debian's packages
 * keepalived, curl and iproute2.
 *
 * @example
 * new KeepalivedServer("lb-1", {
 *   machine, name: "lb", source: "192.168.155.41", peers: ["192.168.155.42"], haproxy: "lb",
 *   routers: { www: { id: 51, addresses: ["192.168.155.40/24"] } },
 * });
 */
export class KeepalivedServer extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  declare readonly name: pulumi.Output<string>;
  /** The configuration that is in force. */
  declare readonly generation: pulumi.Output<{ name: string }>;
  /** What state each router was in: { www: "MASTER" }. After an `up` as at its end, later ones are told by a refresh. */
  declare readonly states: pulumi.Output<{ [router: string]: string }>;

  constructor(name: string, args: KeepalivedServerArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "KeepalivedServer",
      name,
      { ...args, name: args.name ?? name, machine: onMachine(args.machine, undefined).machine },
      ["generation", "states", "before"],
      opts,
    );
  }
}
