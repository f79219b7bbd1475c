import type { Connection } from "./connection";
import { VIR_IP_ADDR_TYPE_IPV4 } from "./constants";
import { isLibvirtError } from "./errors";
import type { Network } from "./handles";
import type { NicAddresses } from "./readiness-sources";

/** A NIC whose leases are looked at; one that is on no libvirt network has none. */
export interface LeasedNic {
  mac: string;
  network?: string;
}

/**
 * The addresses that the DHCP servers of libvirt's networks gave to a guest. A lease outlives the guest it was given to,
 * and the next guest with the same MAC address; `forget` makes those that are there count only when they are renewed.
 */
export class Leases {
  private readonly networks = new Map<string, Promise<Network>>();
  private readonly old = new Set<string>();

  constructor(
    private readonly connection: Connection,
    private readonly nics: readonly LeasedNic[],
  ) {}

  /** To be called when the guest has just been started: it has asked for no address yet. */
  async forget(): Promise<void> {
    for (const { mac, leases } of await this.ask()) for (const lease of leases) this.old.add(keyOf(mac, lease));
  }

  /** The addresses of each NIC. */
  async addresses(): Promise<NicAddresses[]> {
    const asked = await this.ask();
    return asked.map(({ mac, leases }, nic) => {
      // A lease without end is never renewed.
      const valid = leases.filter((lease) => lease.expirytime === 0n || !this.old.has(keyOf(mac, lease)));
      const of = (ipv4: boolean) =>
        valid.filter(({ type }) => (type === VIR_IP_ADDR_TYPE_IPV4) === ipv4).map(({ ipaddr }) => ipaddr);
      return { nic, mac, ipv4: of(true), ipv6: of(false) };
    });
  }

  private ask() {
    return Promise.all(this.nics.map(async ({ mac, network }) => ({ mac, leases: await this.leasesOf(mac, network) })));
  }

  private async leasesOf(mac: string, network: string | undefined) {
    if (network === undefined) return [];
    const lookup = this.networks.get(network) ?? this.connection.networkLookupByName(network);
    this.networks.set(network, lookup);
    try {
      return await this.connection.networkGetDHCPLeases(await lookup, mac);
    } catch (error) {
      // A network without a DHCP server of libvirt's has no leases.
      if (isLibvirtError(error)) return [];
      throw error;
    }
  }
}

function keyOf(mac: string, lease: { ipaddr: string; expirytime: bigint }): string {
  return `${mac} ${lease.ipaddr} ${lease.expirytime}`;
}
