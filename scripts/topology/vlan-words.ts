import type { VlansShape } from "./shapes";

/** "VLAN 10", "VLANs 10, 20 tagged", "VLAN 1, VLAN 10 tagged"; undefined where there are none. */
export function vlanWords(vlans: VlansShape): string | undefined {
  if (!vlans) return undefined;
  const { untagged, tagged } = vlans;
  const words = [
    ...(untagged === undefined ? [] : [`VLAN ${untagged}`]),
    ...(tagged.length === 0 ? [] : [`VLAN${tagged.length > 1 ? "s" : ""} ${tagged.join(", ")} tagged`]),
  ];
  return words.length > 0 ? words.join(", ") : undefined;
}
