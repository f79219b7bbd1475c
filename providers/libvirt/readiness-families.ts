import type { Connection } from "./connection";
import { isLibvirtError } from "./errors";
import { hasAddress, type NicAddresses } from "./readiness-sources";
import { parse } from "./xml/document";
import { parseIp, type Family } from "./xml/network-ip";

/** A NIC whose addresses are waited for. */
export interface AddressedNic {
  mac: string;
  /** The libvirt network it is on. */
  network?: string;
  /** Addresses that the program gives it, in CIDR notation: exactly these are waited for. */
  given?: readonly string[];
}

/** Milliseconds that an address gets which a guest may do without, once it has those it must have. */
const grace = 3000;

const families: readonly Family[] = ["ipv4", "ipv6"];

/**
 * Whether NICs have the addresses to be expected. The families of one NIC come in any order, and what follows the guest
 * wants them all: every NIC must have an IPv4 address where its network hands them out. IPv6 can be off in a guest,
 * and what a bridge leads to is not known; what may come from there is given a moment, and no more.
 */
export class ExpectedAddresses {
  private offers?: Promise<ReadonlySet<Family>[]>;
  private complete?: number;

  constructor(
    private readonly connection: Connection,
    private readonly nics: readonly AddressedNic[],
  ) {}

  async there(seen: readonly NicAddresses[]): Promise<boolean> {
    this.offers ??= Promise.all(this.nics.map((nic) => this.offered(nic)));
    const offers = await this.offers;
    const found = this.nics.map(({ mac }) => seen.find((nic) => nic.mac === mac));
    const has = (nic: NicAddresses | undefined, at: number) => {
      const given = this.nics[at]!.given;
      if (given) return given.every((address) => hasGiven(nic, address));
      return nic && hasAddress(nic) && (!offers[at]!.has("ipv4") || nic.ipv4.length > 0);
    };
    if (!found.every(has)) {
      this.complete = undefined;
      return false;
    }
    this.complete ??= Date.now();
    if (Date.now() - this.complete >= grace) return true;
    return found.every(
      (nic, at) =>
        this.nics[at]!.given !== undefined ||
        ((!offers[at]!.has("ipv6") || nic!.ipv6.length > 0) && (offers[at]!.size > 0 || nic!.ipv4.length > 0)),
    );
  }

  /** The families in which the NIC is sure to be offered an address. */
  private async offered({ mac, network, given }: AddressedNic): Promise<ReadonlySet<Family>> {
    if (given || network === undefined) return new Set();
    try {
      const handle = await this.connection.networkLookupByName(network);
      const root = parse(await this.connection.networkGetXMLDesc(handle));
      return new Set(
        families.filter((family) => {
          const ip = parseIp(root, family);
          return ip !== undefined && (ip.ranges.length > 0 || ip.hosts.some((host) => host.mac === mac));
        }),
      );
    } catch (error) {
      if (isLibvirtError(error)) return new Set();
      throw error;
    }
  }
}

function hasGiven(nic: NicAddresses | undefined, address: string): boolean {
  const [own] = address.split("/");
  return nic !== undefined && [...nic.ipv4, ...nic.ipv6].includes(own!);
}
