import type { Bond, BridgeConfig, PortVlans, Uplink, Vlan } from "../model";
import { hasAddresses, passes } from "./links";

/** Commands of ip(8) and bridge(8) for ifupdown's options. Each can be run again: ifup does, after ifdown. */

/** What makes the bridge with its ports. Only the bridge itself has to succeed: a NIC that is missing must not stop it. */
export function bridgeCommands(config: BridgeConfig): string[] {
  const { name, mac, mtu, stp, forwardDelay, vlans, guestVlan, uplinks, addressing } = config;
  const set = `ip link set dev ${name}`;
  // ip(8) counts hundredths of a second. Linux takes delays under 2 s only while there is no spanning tree.
  const delay = `${set} type bridge forward_delay ${forwardDelay * 100}`;
  return [
    make(name, `type bridge`),
    ...(stp ? [delay, `${set} type bridge stp_state 1`] : [`${set} type bridge stp_state 0`, delay]),
    ...(vlans ? [`${set} type bridge vlan_default_pvid ${guestVlan ?? 0}`, ...vlanCommands(name, vlans, config)] : []),
    ...(mac === undefined ? [] : [`${set} address ${mac}`]),
    ...(hasAddresses(addressing) ? [] : [noLinkLocal(name)]),
    ...acceptRa(name, addressing.acceptRa),
    ...uplinks.flatMap((uplink) => [
      ...deviceCommands(uplink, config),
      noLinkLocal(uplink.name),
      ...portCommands(uplink, config),
    ]),
    ...(mtu === undefined ? [] : [`${set} mtu ${mtu}`]),
    // Only now, when every port has its VLANs.
    ...(vlans ? [`${set} type bridge vlan_filtering 1`] : []),
    // An address that an earlier configuration left would make ifup stop.
    `ip address flush dev ${name} scope global`,
  ];
}

/** What makes a link a port. They fail while the link or the bridge is missing. */
export function portCommands({ name, vlans }: Uplink, config: BridgeConfig): string[] {
  const { name: bridge, mtu } = config;
  return [
    ...(mtu === undefined ? [] : [`ip link set dev ${name} mtu ${mtu} || true`]),
    `ip link set dev ${name} master ${bridge} up || true`,
    ...(vlans ? vlanCommands(name, vlans, config).map(lenient) : []),
  ];
}

/** Keeps a link that is only a part of the bridge from having an address of its own. */
export function noLinkLocal(name: string): string {
  return `ip link set dev ${name} addrgenmode none || true`;
}

/** What puts a NIC into a bond, unless it is there. It has to be down for that, and ip(8) would set it up first. */
export function bondPortCommands(port: string, { name }: Bond): string[] {
  return [
    `[ -e /sys/class/net/${port}/master ] || { ip link set dev ${port} down && ip link set dev ${port} master ${name}; } || true`,
    `ip link set dev ${port} up || true`,
  ];
}

function deviceCommands(uplink: Uplink, config: BridgeConfig): string[] {
  switch (uplink.kind) {
    case "nic":
      return [];
    case "bond":
      return bondCommands(uplink);
    case "vlan":
      return vlanDeviceCommands(uplink, config);
  }
}

function bondCommands(bond: Bond): string[] {
  const { name, mode, miimon, primary, lacpRate, hashPolicy, ports } = bond;
  const options = [
    `mode ${mode} miimon ${miimon}`,
    lacpRate && `lacp_rate ${lacpRate}`,
    hashPolicy && `xmit_hash_policy ${hashPolicy}`,
  ];
  return [
    // By itself the module comes with a bond0 of its own.
    "modprobe -q bonding max_bonds=0 || true",
    make(name, `type bond ${options.filter(Boolean).join(" ")}`),
    ...ports.flatMap((port) => [noLinkLocal(port), ...bondPortCommands(port, bond)]),
    ...(primary === undefined ? [] : [`ip link set dev ${name} type bond primary ${primary} || true`]),
  ];
}

function vlanDeviceCommands({ name, link, id }: Vlan, { mtu }: BridgeConfig): string[] {
  return [
    // A VLAN interface carries no more than what is below it.
    ...(mtu === undefined
      ? []
      : [`[ "$(cat /sys/class/net/${link}/mtu)" -ge ${mtu} ] || ip link set dev ${link} mtu ${mtu} || true`]),
    `ip link set dev ${link} up || true`,
    `${make(name, `link ${link} type vlan id ${id}`)} || true`,
  ];
}

/** Beside the guests' VLAN, in which Linux begins every port of the bridge and the bridge itself. */
function vlanCommands(device: string, vlans: PortVlans, { name, guestVlan }: BridgeConfig): string[] {
  const { untagged, tagged } = vlans;
  const command = (action: "add" | "del", vlan: string | number) =>
    `bridge vlan ${action} dev ${device} vid ${vlan}${device === name ? " self" : ""}`;
  return [
    ...(untagged === undefined ? [] : [command("add", `${untagged} pvid untagged`)]),
    ...tagged.map((id) => command("add", id)),
    // Where it is gone already, as at a second ifup, all is well.
    ...(guestVlan === undefined || passes(vlans, guestVlan) ? [] : [`${command("del", guestVlan)} || true`]),
  ];
}

/** 2, because a host of guests forwards: 1 holds only while it does not (ip-sysctl.rst). */
function acceptRa(name: string, accept: boolean): string[] {
  return [
    `sysctl -q -e -w net/ipv6/conf/${name}/accept_ra=${accept ? 2 : 0} net/ipv6/conf/${name}/autoconf=${accept ? 1 : 0} || true`,
  ];
}

function lenient(command: string): string {
  return command.endsWith(" || true") ? command : `${command} || true`;
}

function make(name: string, what: string): string {
  return `ip link show dev ${name} >/dev/null 2>&1 || ip link add name ${name} ${what}`;
}
