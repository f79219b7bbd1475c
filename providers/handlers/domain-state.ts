import type { NicAddresses } from "../libvirt/readiness-sources";
import type { DomainInputs } from "../schema/domain";

/** A guest's inputs and what is computed. */
export interface DomainState extends DomainInputs {
  uuid: string;
  /** Whether the guest was there before us, and stays when we go. */
  adopted: boolean;
  /** Whether it ran when it was last looked at, also where the program does not say whether it should. */
  power?: "running" | "paused" | "shutoff";
  /** What "auto" came to. */
  acceleratorInUse?: "kvm" | "tcg";
  /** The file on the host with what the guest prints on its first serial port. */
  consoleLogPath?: string;
  vncPort?: number;
  addresses: NicAddresses[];
  /** The first IPv4 address of the first NIC that has one. */
  ipv4?: string;
  ipv6?: string;
  /** The guest kernel's boot id, when its agent was asked; a new one means that it was booted anew. */
  bootId?: string;
  /** The paths of the volumes that the program names: { "pool/volume": path }. */
  volumePaths?: { [volume: string]: string };
}

/** The addresses and the first of each family. */
export function addressOutputs(addresses: NicAddresses[]): Pick<DomainState, "addresses" | "ipv4" | "ipv6"> {
  return {
    addresses,
    ipv4: addresses.flatMap((nic) => nic.ipv4)[0],
    ipv6: addresses.flatMap((nic) => nic.ipv6)[0],
  };
}
