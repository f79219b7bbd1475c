import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import type { FarmArgs } from "./haproxy-farm-args";
import { onMachine, type MachineArg } from "./on-machine";

export interface BalancerStatsArgs {
  /** Default 8404. */
  port?: pulumi.Input<number>;
  /** Where it listens: inside. Default ["127.0.0.1"]. */
  addresses?: pulumi.Input<string[]>;
  /** Default "admin". */
  user?: pulumi.Input<string>;
  /** Kept as a secret. */
  password: pulumi.Input<string>;
}

export interface BalancerMetricsArgs {
  /** Default 8405. */
  port?: pulumi.Input<number>;
  /** Default ["127.0.0.1"]. */
  addresses?: pulumi.Input<string[]>;
  /** Addresses and subnets of those who may ask. Default: everybody who reaches it. */
  allow?: pulumi.Input<string[]>;
}

export interface HaproxyServerArgs {
  /** Where: a guest, a host, or `{ kind: "local" }`. */
  machine: MachineArg;
  /** What its folder and service on the machine are called. Default: the resource's name. */
  name?: pulumi.Input<string>;
  /** By their names, which the statistics page and the metrics have. */
  farms: { [name: string]: FarmArgs };
  /** HAProxy's page of statistics. Default: none. */
  stats?: BalancerStatsArgs;
  /** Figures for Prometheus, at /metrics. Default: none. */
  metrics?: BalancerMetricsArgs;
  /** A syslog server: "/dev/log", "192.0.2.9:514". Default: nothing is logged. */
  log?: pulumi.Input<string>;
  /** How many connections it takes at once. Default: as many as its open files allow. */
  maxConnections?: pulumi.Input<number>;
  /** How long after a reload connections may go on with the configuration that they began with. Default "1h". */
  hardStopAfter?: pulumi.Input<string>;
  /** How long it may take until it answers with a change. Default "30s". */
  timeout?: pulumi.Input<string>;
  /** Any text; another one has everything put in place again. */
  disk?: pulumi.Input<string>;
}

/**
 * HAProxy on a machine: farms, and what state their members are in. A change is checked by HAProxy itself, switched to in
 * one move and reloaded without closing a socket; where HAProxy does not answer with it, the old one is back, and the
 * error has HAProxy's own words. Members' states and weights are told to the running HAProxy without a reload. It runs
 * under a supervisor of its own, which starts it again when it ends and tells keepalived at once; the distribution's own
 * service is stopped while it is declared. Needs Debian's packages haproxy, curl and socat.
 *
 * @example
 * new HaproxyServer("lb", { machine, farms: { www: { port: 80, members: [{ name: "web-1", address: "192.0.2.51", port: 8080 }] } } });
 */
export class HaproxyServer extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  declare readonly name: pulumi.Output<string>;
  /** The configuration that is in force. */
  declare readonly generation: pulumi.Output<{ name: string }>;
  /** As HAProxy last saw the members of each farm: { www: { "web-1": "UP" } }. */
  declare readonly health: pulumi.Output<{ [farm: string]: { [member: string]: string } }>;

  constructor(name: string, args: HaproxyServerArgs, opts?: pulumi.CustomResourceOptions) {
    const { machine, farms, stats, ...rest } = args;
    const { password, ...openStats } = stats ?? {};
    const keys = Object.entries(farms).flatMap(([farm, { tls }]) =>
      tls?.key === undefined ? [] : [[farm, tls.key] as const],
    );
    super(
      "HaproxyServer",
      name,
      {
        ...rest,
        name: args.name ?? name,
        machine: onMachine(machine, undefined).machine,
        farms: Object.fromEntries(Object.entries(farms).map(([farm, shape]) => [farm, open(shape)])),
        ...(stats && { stats: openStats }),
        keys: Object.fromEntries(keys),
        password,
      },
      ["generation", "health", "before"],
      opts,
      ["keys", "password"],
    );
  }
}

/** A farm without what is secret. */
function open(farm: FarmArgs): object {
  if (!farm.tls) return farm;
  const { key: _key, ...tls } = farm.tls;
  return { ...farm, tls };
}
