import * as pulumi from "@pulumi/pulumi";
import type { MachineSpec } from "../../providers/machine/machine";
import { Host, type HostSubnetArgs } from "../../providers/resources/host";
import { StoragePool, type StoragePoolArgs } from "../../providers/resources/storage-pool";
import { machineOf } from "../../providers/schema/connection";
import { defaultMac } from "../../providers/schema/domain-nic";
import { HostBridge, type HostBridgeArgs } from "../network/host-bridge";
import type { HostNetwork } from "../network/host-network";
import { networkKinds, networkOf, type NetworkShape } from "../network/network-kinds";
import { refuseUnknown } from "../refuse-unknown";
import { checkedPool } from "./mac-pool";

export interface KvmHostArgs {
  /**
   * Where its libvirtd is, by libvirt URI. Default: `qemu:///system`, this machine.
   * @example { uri: "qemu+ssh://root@kvm1/system" }
   */
  connection?: { uri: string };
  /** Where commands run and images are built. Default: what the URI points at; required for TLS and TCP URIs. */
  machine?: MachineSpec;
  /**
   * Linux bridges by name. Guests name them in the `bridge` of their `nics`, and wait for them.
   * @example { br0: { uplink: "eth0", addresses: ["192.168.155.32/24"], gateway: "192.168.155.1" }, br1: { uplink: "eth1" } }
   */
  bridges?: { [name: string]: Omit<HostBridgeArgs, "host" | "name"> };
  /** Networks by name. Guests name them in `network` and `nics`. */
  networks?: { [name: string]: NetworkShape };
  /**
   * What the MAC addresses of its guests begin with, 3 to 5 bytes: "52:54:00:1a". The rest follows from the guest's name
   * and the NIC's place; two guests that come to the same address are refused at preview. Give hosts that share a LAN
   * different ones. Default "52:54:00".
   */
  macPool?: string;
  /**
   * Whether its guests are kept from speaking as somebody else, unless their NICs say otherwise; see `Guest`. Takes
   * ebtables on the host. Default true on system connections.
   */
  antiSpoofing?: boolean;
  /** Storage pools by name; images and disks go to the first. Default: `{ images: { path: "/var/lib/libvirt/images" } }`. */
  pools?: { [name: string]: Omit<StoragePoolArgs, "connection" | "name"> };
  /** The folder for the root folders of containers. Default "/var/lib/libvirt/filesystems". */
  filesystems?: string;
}

/**
 * A host that runs guests: its facts, its bridges, its storage pools and its networks. Before the first change a preview reports
 * everything about it that would fail later (see `Host`).
 *
 * @example
 * const host = new KvmHost("kvm1", { networks: { default: { ipv4: "192.168.122.0/24" } } });
 */
export class KvmHost extends pulumi.ComponentResource {
  /** The component's name. */
  readonly name: string;
  /** The libvirt URI. */
  readonly connection: string;
  /** Where commands on the host run. */
  readonly machine: MachineSpec;
  /** What the host is: versions, processors, memory, accelerator, warnings. */
  readonly facts: Host;
  /** Those that were declared, by name. */
  readonly bridges: { readonly [name: string]: HostBridge };
  /** Those that were declared, by name. */
  readonly networks: { readonly [name: string]: HostNetwork };
  /** Those that were declared, by name. */
  readonly pools: { readonly [name: string]: StoragePool };
  /** The pool for images and disks that name no other: the first that is declared. */
  readonly defaultPool: StoragePool;
  /** The folder for the root folders of containers. */
  readonly filesystems: string;
  /** Whether its guests are kept from speaking as somebody else, unless their NICs say otherwise. */
  readonly antiSpoofing: boolean;

  private readonly macPool?: string;

  constructor(name: string, args: KvmHostArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:host:KvmHost", name, {}, opts);
    this.name = name;
    refuseUnknown(`KvmHost ${name}`, args, [
      ...["connection", "machine", "bridges", "networks", "macPool", "antiSpoofing", "pools", "filesystems"],
    ]);
    refuseUnknown(`KvmHost ${name}: connection`, args.connection ?? {}, ["uri"]);
    this.connection = args.connection?.uri ?? "qemu:///system";
    this.machine = args.machine ?? requireMachine(name, this.connection);
    this.filesystems = args.filesystems ?? "/var/lib/libvirt/filesystems";
    const networks = Object.entries(args.networks ?? {});
    for (const [network, { mode = "nat" }] of networks) refuseMode(`KvmHost ${name}: networks.${network}.mode`, mode);
    this.macPool = checkedPool(`KvmHost ${name}`, args.macPool);
    this.antiSpoofing = args.antiSpoofing ?? /\/system(\?|$)/.test(this.connection);
    const pools = Object.entries(args.pools ?? { images: { path: "/var/lib/libvirt/images" } });
    if (pools.length === 0)
      throw new pulumi.RunError(`KvmHost ${name}: pools is empty. Fix: name one, or leave pools out for the default`);

    this.facts = new Host(
      name,
      {
        connection: this.connection,
        machine: this.machine,
        directories: pools.map(([, pool]) => pool.path),
        subnets: networks.flatMap(([network, shape]) => subnetsOf(network, shape)),
        ...(this.antiSpoofing && { needs: { networkFilters: true } }),
      },
      { parent: this },
    );
    const within = { parent: this, dependsOn: [this.facts] };
    this.bridges = Object.fromEntries(
      Object.entries(args.bridges ?? {}).map(([bridge, shape]) => [
        bridge,
        new HostBridge(`${name}-${bridge}`, { ...shape, host: this, name: bridge }, within),
      ]),
    );
    this.pools = Object.fromEntries(
      pools.map(([pool, shape]) => [
        pool,
        new StoragePool(`${name}-${pool}`, { connection: this.connection, name: pool, ...shape }, within),
      ]),
    );
    this.defaultPool = this.pools[pools[0]![0]]!;
    this.networks = Object.fromEntries(
      networks.map(([network, shape]) => [network, networkOf(this, network, `${name}-${network}`, shape, within)]),
    );
    this.registerOutputs({ connection: this.connection, facts: this.facts });
  }

  /** The pool of that name, or the default one. A name that was not declared is an error that lists those that were. */
  pool(name?: string): StoragePool {
    return name === undefined ? this.defaultPool : declared(this.name, "pool", name, this.pools);
  }

  /** The bridge of that name. A name that was not declared is an error that lists those that were. */
  bridge(name: string): HostBridge {
    return declared(this.name, "bridge", name, this.bridges);
  }

  /** A bridge's name, by its resource where the program declares it, so that what is on it waits for it. */
  bridgeName(name: pulumi.Input<string>): pulumi.Input<string> {
    return typeof name === "string" && Object.hasOwn(this.bridges, name) ? this.bridges[name]!.name : name;
  }

  /** The network of that name. A name that was not declared is an error that lists those that were. */
  network(name: string): HostNetwork {
    return declared(this.name, "network", name, this.networks);
  }

  /** The MAC address of a guest's NIC where a pool says how it begins; undefined where the domain's own default holds. */
  defaultMac(guest: string, index: number, network?: HostNetwork): string | undefined {
    const pool = network?.macPool ?? this.macPool;
    return pool === undefined ? undefined : defaultMac(guest, index, pool);
  }
}

function refuseMode(field: string, mode: string): void {
  const modes = Object.keys(networkKinds);
  if (modes.includes(mode)) return;
  const allowed = modes.map((one) => JSON.stringify(one)).join(", ");
  throw new pulumi.RunError(`${field}: got ${JSON.stringify(mode)}. Allowed: ${allowed}`);
}

/** The subnets that must be free on the host; bridges of the host and its interfaces have the LAN's. */
function subnetsOf(name: string, shape: NetworkShape): HostSubnetArgs[] {
  if (shape.mode === "bridge" || shape.mode === "macvtap") return [];
  const { ipv4, ipv6, mode } = shape;
  return [ipv4, ipv6].flatMap((subnet) =>
    subnet === undefined ? [] : [{ name, subnet, ...(mode !== undefined && { mode }) }],
  );
}

function requireMachine(name: string, uri: string): MachineSpec {
  const machine = machineOf(uri);
  if (!machine)
    throw new pulumi.RunError(
      `KvmHost ${name}: ${uri} carries libvirt only. Fix: say where commands run, machine: { kind: "ssh", host: "..." }`,
    );
  return machine;
}

function declared<T>(host: string, what: string, name: string, among: { readonly [name: string]: T }): T {
  const names = Object.keys(among);
  if (!names.includes(name))
    throw new pulumi.RunError(
      `KvmHost ${host}: there is no ${what} ${JSON.stringify(name)}. Declared: ${names.join(", ") || "none"}`,
    );
  return among[name]!;
}
