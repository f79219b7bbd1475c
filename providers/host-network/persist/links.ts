import { OperatorError } from "../../dynamic/errors";
import type { Addressing, Bond, BridgeConfig, PortVlans, Vlan } from "../model";

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

/** The NICs that are ports of the bridge or of a bond in it. */
export function nics({ uplinks }: BridgeConfig): string[] {
  return uplinks.flatMap((uplink) =>
    uplink.kind === "nic" ? [uplink.name] : uplink.kind === "bond" ? uplink.ports : [],
  );
}

/** What is below a VLAN interface is not ours to set. */
export function vlanMtuWarnings(config: BridgeConfig): string[] {
  const { mtu } = config;
  if (mtu === undefined) return [];
  return vlans(config)
    .filter(({ link }) => !bonds(config).some(({ name }) => name === link))
    .map(({ name, link }) => `${link} has to have an MTU of ${mtu} or more by its own configuration, for ${name}`);
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

/**
 * The VLANs of the bridge itself, for those that only add to what Linux gives it: the guests' VLAN, without a tag. With
 * a tag it reaches nothing on the host.
 */
export function ownVlans({ vlans, guestVlan }: BridgeConfig): PortVlans | undefined {
  if (!vlans || guestVlan === undefined || passes(vlans, guestVlan)) return vlans;
  return { ...vlans, tagged: [...vlans.tagged, guestVlan].sort((a, b) => a - b) };
}

/** On an uplink there is no such way out. */
export function refuseGuestVlan({ name, vlans, guestVlan, uplinks }: BridgeConfig, renderer: string): void {
  const cut = uplinks.find((uplink) => vlans && guestVlan !== undefined && !passes(uplink.vlans, guestVlan));
  if (cut)
    throw new OperatorError(`${renderer} cannot keep the guests' VLAN ${guestVlan} of ${name} off ${cut.name}`, {
      fix: `carry VLAN ${guestVlan} on ${cut.name}, or give guests' ports no VLAN`,
    });
}

export function passes(vlans: PortVlans | undefined, id: number): boolean {
  return vlans !== undefined && (vlans.untagged === id || vlans.tagged.includes(id));
}
