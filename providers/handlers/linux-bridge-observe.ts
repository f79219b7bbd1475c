import { addressKey } from "../host-network/words";
import { cidr, isLinkLocal, usesDevice, type Link } from "../host-network/kernel";
import type { HostNetwork } from "../host-network/look";
import type { BridgeConfig, Uplink } from "../host-network/model";
import type { Machine } from "../machine/machine";
import type { LinuxBridgeState } from "./linux-bridge";
import { changedFiles } from "./linux-bridge-persist";

export interface BridgeOutputs {
  mac?: string;
  mtu?: number;
  /** In CIDR notation, without link-local ones. */
  assigned: string[];
  ipv4?: string;
  ipv6?: string;
  /** The uplinks that are plugged in. */
  ports: string[];
}

/** What others can build on. */
export function outputs(host: HostNetwork, { name, uplinks }: BridgeConfig): BridgeOutputs {
  const bridge = host.links.find((link) => link.name === name);
  const addresses = (bridge?.addresses ?? []).filter((address) => !isLinkLocal(address));
  const first = (family: 4 | 6) => addresses.find((address) => address.family === family)?.local;
  return {
    mac: bridge?.mac,
    mtu: bridge?.mtu,
    assigned: addresses.map(cidr),
    ipv4: first(4),
    ipv6: first(6),
    ports: uplinks.filter((uplink) => isPort(host, uplink, name)).map((uplink) => uplink.name),
  };
}

function isPort(host: HostNetwork, { name }: Uplink, bridge: string): boolean {
  return host.links.some((link) => link.name === name && link.master === bridge);
}

/** The state as it is there, in the fields that the program set. */
export async function observed(
  host: HostNetwork,
  state: LinuxBridgeState,
  machine: Machine,
): Promise<LinuxBridgeState> {
  const { config, name } = state;
  const bridge = host.links.find((link) => link.name === name)!;
  const changed = await changedFiles(machine, state.files);
  return {
    ...state,
    ...outputs(host, config),
    uplink: state.uplink.flatMap((uplink) => uplinkNow(host, uplink, name)),
    addresses: addressesNow(host, state, bridge),
    ...(state.gateway && { gateway: gatewaysNow(host, state.gateway, name) }),
    ...(state.routes && { routes: state.routes.filter((route) => hasRoute(host, name, route)) }),
    ...(state.acceptRa !== undefined && { acceptRa: (bridge.acceptRa ?? 0) > 0 }),
    stp: bridge.bridge!.stp,
    ...(state.forwardDelay !== undefined && { forwardDelay: bridge.bridge!.forwardDelay / 100 }),
    ...(state.vlanFiltering && !bridge.bridge!.vlanFiltering && { vlanFiltering: undefined }),
    ...(changed.length > 0 && { persist: `changed: ${changed.join(", ")}` as LinuxBridgeState["persist"] }),
  };
}

/** The uplink where it is plugged in as declared, with the VLANs that it has. */
function uplinkNow(host: HostNetwork, uplink: Uplink, bridge: string): Uplink[] {
  if (!isPort(host, uplink, bridge)) return [];
  const link = host.links.find(({ name }) => name === uplink.name)!;
  const vlans = uplink.vlans && link.vlans ? { vlans: portVlans(link) } : {};
  if (uplink.kind !== "bond") return [{ ...uplink, ...vlans }];
  const ports = uplink.ports.filter((port) =>
    host.links.some(({ name, master }) => name === port && master === uplink.name),
  );
  return [{ ...uplink, ports, ...vlans }];
}

function portVlans({ vlans = [] }: Link): Uplink["vlans"] {
  const untagged = vlans.find(({ pvid }) => pvid)?.id;
  const tagged = vlans.filter(({ pvid, untagged }) => !pvid && !untagged).map(({ id }) => id);
  return { ...(untagged !== undefined && { untagged }), tagged };
}

/** Those of ours that are there, and those that somebody has put back onto an uplink. */
function addressesNow(host: HostNetwork, { addresses, config }: LinuxBridgeState, bridge: Link): "keep" | string[] {
  const ours = config.addressing.addresses;
  const there = new Set(bridge.addresses.map(cidr));
  const present = ours.filter((one) => there.has(one));
  const astray = host.links
    .filter(({ name }) => config.uplinks.some((uplink) => uplink.name === name))
    .flatMap((link) =>
      link.addresses.filter((one) => ours.includes(cidr(one))).map((one) => `${addressKey(one)} on ${link.name}`),
    );
  if (present.length === ours.length && astray.length === 0) return addresses;
  return [...present, ...astray];
}

function gatewaysNow(host: HostNetwork, gateways: string[], bridge: string): string[] {
  return gateways.filter((via) => hasRoute(host, bridge, { to: "default", via }));
}

function hasRoute(
  host: HostNetwork,
  device: string,
  { to, via, table = "main", metric }: { to: string; via?: string; table?: string; metric?: number },
): boolean {
  return host.routes.some(
    (route) =>
      route.to === to &&
      route.table === table &&
      usesDevice(route, device) &&
      route.hops[0]?.via === via &&
      (metric === undefined || (route.metric ?? 0) === metric),
  );
}
