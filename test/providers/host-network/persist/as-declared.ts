import assert from "node:assert/strict";
import type { BridgeConfig, PortVlans } from "../../../../providers/host-network/model";
import { routeWords, seenLinks } from "./seen-link";
import { macOf, type SmallHost } from "./small-host";

/** What DHCP and router advertisements gave. */
export interface Given {
  addresses: RegExp[];
  routes: RegExp[];
}

/** Whether the host has the bridge as it is declared, and nothing that is not declared. */
export function assertAsDeclared(host: SmallHost, config: BridgeConfig, given: Given = { addresses: [], routes: [] }) {
  const { name, mac, mtu = 1500, uplinks, addressing } = config;
  const { dhcp4, dhcp6, acceptRa, gateway4, gateway6, routes } = addressing;
  const links = seenLinks(host);
  const seen = links[name];
  assert.ok(seen, `${name} is missing: ${Object.keys(links).join(" ")}`);
  const addresses = taken(seen.addresses, given.addresses);
  const declared = [
    ...(gateway4 === undefined ? [] : [`default via ${gateway4}`]),
    ...(gateway6 === undefined ? [] : [`default via ${gateway6}`]),
    ...routes.map(routeWords),
  ];
  // What no metric was declared for has the manager's own.
  const free = taken(seen.routes, given.routes).map((route) =>
    declared.includes(route) ? route : route.replace(/ metric \d+/, ""),
  );
  const anyAddress = addressing.addresses.length > 0 || dhcp4 || dhcp6 || acceptRa;
  assert.deepEqual(
    { ...seen, addresses, routes: free.sort(), mac: mac && seen.mac, vlans: withoutGuests(seen.vlans, config) },
    {
      mac,
      mtu,
      up: true,
      addresses: [...addressing.addresses].sort(),
      // Nor before it has a carrier.
      linkLocal: anyAddress && (seen.linkLocal || uplinks.length > 0),
      routes: declared.sort(),
      vlans: vlanTexts(config.vlans),
      // Linux does not look at the delay while there is no spanning tree, and NetworkManager does not set it then.
      bridge: {
        stp: config.stp,
        forwardDelay: config.stp ? config.forwardDelay : seen.bridge?.forwardDelay,
        filtering: config.vlans !== undefined,
      },
    },
  );
  for (const uplink of uplinks) {
    const port = (link: string, master: string, vlans?: PortVlans) => ({
      mac: uplink.kind === "bond" ? links[uplink.name]!.mac : macOf[uplink.kind === "vlan" ? uplink.link : link],
      mtu,
      up: true,
      master,
      addresses: [],
      linkLocal: false,
      routes: [],
      vlans: vlanTexts(vlans),
    });
    const { bond, vlan, ...own } = links[uplink.name]!;
    assert.deepEqual(own, port(uplink.name, name, uplink.vlans));
    assert.deepEqual(vlan, uplink.kind === "vlan" ? { id: uplink.id, link: uplink.link } : undefined);
    if (uplink.kind !== "bond") continue;
    const { mode, miimon, lacpRate, hashPolicy, primary, ports } = uplink;
    assert.deepEqual(
      JSON.parse(JSON.stringify(bond)),
      JSON.parse(JSON.stringify({ mode, miimon, lacpRate, hashPolicy, primary })),
    );
    for (const link of ports) assert.deepEqual(links[link], port(link, uplink.name));
  }
}

function vlanTexts(vlans: PortVlans | undefined): string[] {
  const { untagged, tagged = [] } = vlans ?? {};
  const all = [...(untagged === undefined ? [] : [`${untagged} PVID Egress Untagged`]), ...tagged.map(String)];
  return all.sort((a, b) => parseInt(a, 10) - parseInt(b, 10));
}

/** Managers that only add VLANs leave the guests' on the bridge itself, with a tag, which reaches nothing there. */
function withoutGuests(vlans: string[], { guestVlan }: BridgeConfig): string[] {
  return vlans.filter((text) => text !== String(guestVlan));
}

/** What is left of `all` when each pattern has taken one; every pattern has to find one. */
function taken(all: string[], patterns: RegExp[]): string[] {
  const left = [...all];
  for (const pattern of patterns) {
    const index = left.findIndex((one) => pattern.test(one));
    assert.ok(index >= 0, `${pattern} is not among: ${all.join(", ")}`);
    left.splice(index, 1);
  }
  return left;
}
