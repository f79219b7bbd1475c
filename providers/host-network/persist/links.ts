import type { Addressing, Bond, BridgeConfig, Vlan } from "../model";

/** The bonds that are made with the bridge. */
export function bonds({ uplinks }: BridgeConfig): Bond[] {
  return uplinks.filter((uplink) => uplink.kind === "bond");
}

/** The VLAN interfaces that are made with the bridge. */
export function vlans({ uplinks }: BridgeConfig): Vlan[] {
  return uplinks.filter((uplink) => uplink.kind === "vlan");
}

/**
 * The links that belong to the bridge alone, so that nothing else may configure them: its ports and what bonds are made
 * of. The link that a VLAN interface is on is not among them: it goes on with what it has.
 */
export function ownedLinks(config: BridgeConfig): string[] {
  return config.uplinks.flatMap((uplink) => [uplink.name, ...(uplink.kind === "bond" ? uplink.ports : [])]);
}

/** Whether the host has an address of its own on the bridge. */
export function hasAddresses({ addresses, dhcp4, dhcp6, acceptRa }: Addressing): boolean {
  return addresses.length > 0 || dhcp4 || dhcp6 || acceptRa;
}

export function isIpv6(address: string): boolean {
  return address.includes(":");
}

export function gateways({ gateway4, gateway6 }: Addressing): string[] {
  return [gateway4, gateway6].filter((gateway) => gateway !== undefined);
}
