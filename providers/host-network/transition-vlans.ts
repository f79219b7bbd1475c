import type { Link, PortVlan } from "./kernel";
import type { Words } from "./words";

type OfBridge = Link["bridge"];

export function vlanGains(old: Link, link: Link, was: OfBridge, becomes: OfBridge): Words[] {
  const there = new Set(vlansAtFirst(old, link, was ?? becomes).map(vlanKey));
  return (link.vlans ?? [])
    .filter((vlan) => changesDefault(was, becomes) || !there.has(vlanKey(vlan)))
    .map(({ id, pvid, untagged }) => [
      ...["vlan", "add", "dev", link.name, "vid", String(id)],
      ...[...(pvid ? ["pvid"] : []), ...(untagged ? ["untagged"] : []), ...self(link)],
    ]);
}

export function vlanLosses(old: Link, link: Link, was: OfBridge, becomes: OfBridge): Words[] {
  if (link.vlans === undefined) return [];
  const wanted = new Set(link.vlans.map(({ id }) => id));
  const defaults = changesDefault(was, becomes) ? [was?.defaultVlan, becomes?.defaultVlan] : [];
  const there = new Set([...vlansAtFirst(old, link, was ?? becomes).map(({ id }) => id), ...defaults]);
  return [...there]
    .filter((id) => id !== undefined && id !== 0 && !wanted.has(id))
    .map((id) => ["vlan", "del", "dev", link.name, "vid", String(id), ...self(link)]);
}

function vlanKey({ id, pvid, untagged }: PortVlan): string {
  return `${id} ${pvid} ${untagged}`;
}

function self({ kind }: Link): Words {
  return kind === "bridge" ? ["self"] : [];
}

/** What joins a bridge, and a new bridge itself, begins in the bridge's default VLAN. */
function vlansAtFirst(old: Link, link: Link, bridge: OfBridge): PortVlan[] {
  if (old.vlans !== undefined && old.master === link.master) return old.vlans;
  const id = bridge?.defaultVlan ?? 1;
  return id === 0 ? [] : [{ id, pvid: true, untagged: true }];
}

/** Linux takes another one only while the bridge does not filter, and moves ports that are in it along. */
export function defaultVlan({ bridge: old }: Link, { bridge }: Link): Words[] {
  if (!changesDefault(old, bridge)) return [];
  return [...(old!.vlanFiltering ? [["vlan_filtering", "0"]] : []), ["vlan_default_pvid", String(bridge!.defaultVlan)]];
}

export function changesDefault(old: Link["bridge"], bridge: Link["bridge"]): boolean {
  return bridge?.defaultVlan !== undefined && old !== undefined && old.defaultVlan !== bridge.defaultVlan;
}

/** Switched on last, when every port has its VLANs. */
export function filtering({ bridge: old }: Link, { name, bridge }: Link): Words[] {
  if (!bridge) return [];
  const now = old?.vlanFiltering && !changesDefault(old, bridge);
  if (Boolean(now) === bridge.vlanFiltering) return [];
  return [["link", "set", "dev", name, "type", "bridge", "vlan_filtering", bridge.vlanFiltering ? "1" : "0"]];
}
