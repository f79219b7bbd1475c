import { isDeepStrictEqual } from "node:util";
import {
  VIR_NETWORK_SECTION_DNS_HOST,
  VIR_NETWORK_SECTION_DNS_SRV,
  VIR_NETWORK_SECTION_DNS_TXT,
  VIR_NETWORK_SECTION_IP_DHCP_HOST,
  VIR_NETWORK_SECTION_FORWARD_INTERFACE,
  VIR_NETWORK_SECTION_IP_DHCP_RANGE,
  VIR_NETWORK_SECTION_PORTGROUP,
  VIR_NETWORK_UPDATE_COMMAND_ADD_LAST,
  VIR_NETWORK_UPDATE_COMMAND_DELETE,
  VIR_NETWORK_UPDATE_COMMAND_MODIFY,
} from "../constants";
import { child, children, parse, serialize, type Element } from "./document";
import type { RecordKind } from "./edit";
import { parseNetwork, type NetworkModel } from "./network";
import { ipElement, ipIndex } from "./network-ip";
import { forwardInterface, parseForward } from "./network-forward";
import { dhcpHost, dhcpRange, dnsHost, dnsSrv, dnsTxt, portGroup } from "./network-records";

/** One call of networkUpdate: a record to add or delete while the network runs. */
export interface SectionUpdate {
  command: number;
  section: number;
  /** Which <ip> the record belongs to; -1 where libvirt does not ask. */
  parentIndex: number;
  xml: string;
}

/** What brings a running network from one document to another. */
export interface LiveChange {
  /** The fields that libvirt changes only when it starts the network. */
  restart: (keyof NetworkModel)[];
  /** What can be changed while it runs. */
  updates: SectionUpdate[];
}

const updatable: ReadonlySet<string> = new Set(
  ["dhcp", "dhcp6", "dhcpRange", "dhcp6Range", "hosts"].concat("dnsHosts", "dnsTxt", "dnsSrv", "portGroups", "uplinks"),
);

/** Compares the document of the running network with the one that it shall have. */
export function liveChange(liveXml: string, wantedXml: string): LiveChange {
  const [live, wanted] = [parseNetwork(liveXml), parseNetwork(wantedXml)];
  const fields = new Set([...Object.keys(live), ...Object.keys(wanted)]) as Set<keyof NetworkModel>;
  const restart = [...fields].filter(
    (field) => !updatable.has(field) && !isDeepStrictEqual(live[field], wanted[field]),
  );
  const [from, to] = [parse(liveXml), parse(wantedXml)];
  const [dns, wantedDns] = [child(from, "dns"), child(to, "dns")];
  const updates = [
    ...recordUpdates(VIR_NETWORK_SECTION_DNS_HOST, -1, dnsHost, dns, wantedDns),
    ...recordUpdates(VIR_NETWORK_SECTION_DNS_TXT, -1, dnsTxt, dns, wantedDns),
    ...recordUpdates(VIR_NETWORK_SECTION_DNS_SRV, -1, dnsSrv, dns, wantedDns),
  ];
  updates.push(
    ...recordUpdates(VIR_NETWORK_SECTION_PORTGROUP, -1, portGroup, from, to),
    ...recordUpdates(
      VIR_NETWORK_SECTION_FORWARD_INTERFACE,
      -1,
      forwardInterface,
      ...([from, to].map((root) => (parseForward(root).mode === "macvtap" ? child(root, "forward") : undefined)) as [
        Element | undefined,
        Element | undefined,
      ]),
    ),
  );
  for (const family of ["ipv4", "ipv6"] as const) {
    const index = ipIndex(from, family);
    const [dhcp, wantedDhcp] = [from, to].map((root) => child(ipElement(root, family), "dhcp"));
    updates.push(
      ...recordUpdates(VIR_NETWORK_SECTION_IP_DHCP_RANGE, index, dhcpRange, dhcp, wantedDhcp),
      ...hostUpdates(recordUpdates(VIR_NETWORK_SECTION_IP_DHCP_HOST, index, dhcpHost, dhcp, wantedDhcp)),
    );
  }
  return { restart, updates };
}

/** Deletions first: libvirt refuses a record that shares a key (ip, mac, name) with one that is still there. */
function recordUpdates<T>(
  section: number,
  parentIndex: number,
  kind: RecordKind<T>,
  from: Element | undefined,
  to: Element | undefined,
): SectionUpdate[] {
  const [olds, news] = [children(from, kind.element), children(to, kind.element)];
  const without = (some: Element[], others: Element[]) =>
    some.map(kind.parse).filter((one) => !others.some((other) => isDeepStrictEqual(kind.parse(other), one)));
  const update = (command: number) => (record: T) => ({
    command,
    section,
    parentIndex,
    xml: serialize(kind.make(record)),
  });
  return [
    ...without(olds, news).map(update(VIR_NETWORK_UPDATE_COMMAND_DELETE)),
    ...without(news, olds).map(update(VIR_NETWORK_UPDATE_COMMAND_ADD_LAST)),
  ];
}

/**
 * A lease that is deleted and one that is added are one modification where they share a key with each other and no
 * further one: for every call libvirt rebuilds the network's firewall rules.
 */
function hostUpdates(updates: SectionUpdate[]): SectionUpdate[] {
  const lease = ({ xml }: SectionUpdate) => dhcpHost.parse(parse(xml));
  const akin = (one: SectionUpdate, other: SectionUpdate) => {
    const [a, b] = [lease(one), lease(other)];
    return a.ip === b.ip || (a.mac !== undefined && a.mac === b.mac) || (a.name !== undefined && a.name === b.name);
  };
  const deleted = updates.filter(({ command }) => command === VIR_NETWORK_UPDATE_COMMAND_DELETE);
  const added = updates.filter(({ command }) => command === VIR_NETWORK_UPDATE_COMMAND_ADD_LAST);
  const replaced = new Map<SectionUpdate, SectionUpdate>();
  for (const one of added) {
    const olds = deleted.filter((other) => akin(one, other));
    if (olds.length === 1 && added.filter((other) => akin(other, olds[0]!)).length === 1) replaced.set(one, olds[0]!);
  }
  const gone = new Set(replaced.values());
  return updates
    .filter((update) => !gone.has(update))
    .map((update) => (replaced.has(update) ? { ...update, command: VIR_NETWORK_UPDATE_COMMAND_MODIFY } : update));
}
