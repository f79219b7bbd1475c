import type { Addressing, Bond, BridgeConfig, PortVlans, Vlan } from "../model";
import type { Section } from "./ini";
import { gateways, hasAddresses, ownVlans, vlans } from "./links";
import { words, type NetworkFile } from "./networkd-files";

export function bridgeDevice(config: BridgeConfig): Section[] {
  const { name, mac, mtu, stp, forwardDelay } = config;
  return [
    ["NetDev", ["Name", name], ["Kind", "bridge"], ["MACAddress", mac], ["MTUBytes", mtu]],
    ["Bridge", ["STP", yesNo(stp)], ["ForwardDelaySec", forwardDelay], ...filtering(config)[0]!.slice(1)] as Section,
  ];
}

export function filtering({ vlans, guestVlan }: BridgeConfig): Section[] {
  return [["Bridge", ["VLANFiltering", vlans && "yes"], ["DefaultPVID", vlans && (guestVlan ?? "none")]]];
}

export function bridgeNetwork(config: BridgeConfig): Section[] {
  const { name, mtu, uplinks, addressing } = config;
  const { addresses, dhcp4, dhcp6, acceptRa, dns, search, routes } = addressing;
  // Without a port, or before the first guest, a bridge has no carrier, and none of its own makes it "online".
  const online = hasAddresses(addressing) && uplinks.length > 0;
  return [
    ["Match", ["Name", name]],
    ["Link", ["MTUBytes", mtu], ["RequiredForOnline", online ? undefined : "no"]],
    [
      "Network",
      ["LinkLocalAddressing", hasAddresses(addressing) ? "ipv6" : "no"],
      ["IPv6AcceptRA", yesNo(acceptRa)],
      ["DHCP", dhcp(addressing)],
      ["ConfigureWithoutCarrier", dhcp4 || dhcp6 || acceptRa ? undefined : "yes"],
      ["Address", addresses],
      ["Gateway", gateways(addressing)],
      ["DNS", dns],
      ["Domains", search.length > 0 ? search.join(" ") : undefined],
    ],
    // By its MAC address, as its uplink was known: another identifier would get another address.
    ["DHCPv4", ["ClientIdentifier", dhcp4 ? "mac" : undefined]],
    ["DHCPv6", ["WithoutRA", dhcp6 ? "solicit" : undefined]],
    ["IPv6AcceptRA", ["DHCPv6Client", acceptRa && !dhcp6 ? "no" : undefined]],
    ...routes.map(({ to, via, metric, table, source, onlink, mtu }): Section => [
      "Route",
      ["Destination", to],
      ["Gateway", via],
      ["GatewayOnLink", onlink ? "yes" : undefined],
      ["PreferredSource", source],
      ["Metric", metric],
      ["Table", table],
      ["MTUBytes", mtu],
    ]),
    ...bridgeVlans(ownVlans(config)),
  ];
}

function dhcp({ dhcp4, dhcp6 }: Addressing): string {
  return dhcp4 && dhcp6 ? "yes" : dhcp4 ? "ipv4" : dhcp6 ? "ipv6" : "no";
}

export function bridgeVlans(vlans: PortVlans | undefined): Section[] {
  if (!vlans) return [];
  const { untagged, tagged } = vlans;
  return [
    ["BridgeVLAN", ["PVID", untagged], ["EgressUntagged", untagged]],
    ...tagged.map((id): Section => ["BridgeVLAN", ["VLAN", id]]),
  ];
}

/** The links on top of a link, those of its own file among them: nothing else would make them. */
export function stacked(link: string, config: BridgeConfig, foreign: NetworkFile | undefined): Section[1][] {
  return ["VLAN", "MACVLAN", "MACVTAP", "IPVLAN", "IPVTAP", "VXLAN"].map((key) => [
    key,
    [
      ...new Set([
        ...(key === "VLAN" ? vlansOn(link, config) : []),
        ...(foreign ? words(foreign.values, `Network.${key}`) : []),
      ]),
    ],
  ]);
}

export function bondDevice(
  { name, mode, miimon, lacpRate, hashPolicy }: Bond,
  { uplinks, mac }: BridgeConfig,
): Section[] {
  // Without one, networkd would make up an address instead of taking a NIC's.
  const own = uplinks[0]?.name === name ? mac : undefined;
  return [
    ["NetDev", ["Name", name], ["Kind", "bond"], ["MACAddress", own ?? "none"]],
    [
      "Bond",
      ["Mode", mode],
      ["MIIMonitorSec", `${miimon}ms`],
      ["LACPTransmitRate", lacpRate],
      ["TransmitHashPolicy", hashPolicy],
    ],
  ];
}

export function vlanDevice({ name, id }: Vlan): Section[] {
  return [
    ["NetDev", ["Name", name], ["Kind", "vlan"]],
    ["VLAN", ["Id", id]],
  ];
}

export function vlansOn(link: string, config: BridgeConfig): string[] {
  return vlans(config).flatMap((vlan) => (vlan.link === link ? vlan.name : []));
}

function yesNo(value: boolean): "yes" | "no" {
  return value ? "yes" : "no";
}
