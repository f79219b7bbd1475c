import { canonicalAddress, firstAddress, parsePrefix } from "../../providers/schema/address";
import type { Segment, VirtualSwitch } from "./model";

/** The end of an uplink that is in a host. */
export interface UplinkEnd {
  /** The host's name. */
  host: string;
  switch: VirtualSwitch;
  /** The interface that has the cable: "eth0". */
  device: string;
  gateways: string[];
}

/** What an operator calls a segment: by one of its subnets, or by bridges on it, as "kvm1/br1". */
export interface SegmentName {
  name: string;
  members: string[];
}

/**
 * Which uplinks end on the same wire: those of bridges with addresses in one subnet, with one gateway, or of one name
 * that the operator gave. Fills in `uplink.segment` of each switch.
 */
export function connectUplinks(ends: readonly UplinkEnd[], names: readonly SegmentName[], oneHost: boolean): Segment[] {
  const groups: { keys: Set<string>; ends: UplinkEnd[] }[] = [];
  for (const end of ends) {
    const keys = new Set(keysOf(end, names));
    const same = groups.filter((group) => [...keys].some((key) => group.keys.has(key)));
    const merged = {
      keys: new Set([...same.flatMap((group) => [...group.keys]), ...keys]),
      ends: [...same.flatMap((group) => group.ends), end],
    };
    groups.splice(0, groups.length, ...groups.filter((group) => !same.includes(group)), merged);
  }
  return groups.map((group) => segment(group.ends, names, oneHost));
}

function keysOf(end: UplinkEnd, names: readonly SegmentName[]): string[] {
  const own = [`${end.host}/${end.switch.name}`, ...subnetsOf(end.switch)];
  return [...own, ...end.gateways, ...names.filter(({ members }) => includesAny(members, own)).map(({ name }) => name)];
}

function segment(ends: readonly UplinkEnd[], names: readonly SegmentName[], oneHost: boolean): Segment {
  const { host, switch: first, device } = ends[0]!;
  const subnets = unique(ends.flatMap((end) => subnetsOf(end.switch)));
  const members = [...subnets, ...ends.map((end) => `${end.host}/${end.switch.name}`)];
  const given = names.find((each) => includesAny(each.members, members))?.name;
  const addressed = ends.some((end) => end.switch.routed);
  const id = `segment ${first.id}`;
  for (const end of ends) end.switch.uplink!.segment = id;
  return {
    id,
    name: given ?? (addressed ? "LAN" : `behind ${device}${oneHost ? "" : ` of ${host}`}`),
    subnets,
    gateways: unique(ends.flatMap((end) => end.gateways)),
    declared: true,
  };
}

/** Without link-local ones, which every wire has. */
function subnetsOf({ addresses }: VirtualSwitch): string[] {
  return addresses.flatMap((text) => {
    const prefix = parsePrefix(text);
    if (!prefix || prefix.address.range() === "linkLocal") return [];
    return [`${canonicalAddress(firstAddress(prefix).toString())}/${prefix.length}`];
  });
}

function includesAny(some: readonly string[], others: readonly string[]): boolean {
  return some.some((each) => others.includes(each));
}

export function unique<T>(list: readonly T[]): T[] {
  return [...new Set(list)];
}

/**
 * Segments in the order in which they are drawn, the highest first: those that hosts have addresses on above the others,
 * and those of several hosts above those of one. A host's leftmost uplink goes to the highest, so that none cross.
 */
export function byHeight(segments: readonly Segment[], switches: readonly VirtualSwitch[]): Segment[] {
  const rank = ({ id, declared }: Segment) => {
    if (!declared) return -1;
    const ends = switches.filter(({ uplink }) => uplink?.segment === id);
    return (ends.some(({ routed }) => routed) ? 0 : 2) + (ends.length > 1 ? 0 : 1);
  };
  return segments
    .map((each, at) => ({ each, at, rank: rank(each) }))
    .sort((one, other) => one.rank - other.rank || one.at - other.at)
    .map(({ each }) => each);
}
