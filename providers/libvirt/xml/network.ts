import { sorted } from "../../schema/record";
import { bandwidthElement, parseBandwidth, type BandwidthModel } from "./bandwidth";
import { attribute, child, children, element, parse, replaceChild, serialize, text, type Element } from "./document";
import { ensureChild, setAttribute, setChildren, setRecords } from "./edit";
import { editForward, parseForward, type ForwardModel } from "./network-forward";
import { hostsOf, mergedHosts } from "./network-hosts";
import { parseIp, setIp } from "./network-ip";
import { dnsForwarder, dnsHost, dnsSrv, dnsTxt, portGroup, staticRoute } from "./network-records";
import type {
  DhcpHost,
  DhcpRange,
  DnsForwarder,
  DnsHost,
  DnsSrv,
  DnsTxt,
  PortGroup,
  StaticRoute,
} from "./network-records";
import { parseVlans, vlanElement, type VlansModel } from "./port-vlans";

/** The parts of libvirt's network document that the product sets (https://libvirt.org/formatnetwork.html). */
export interface NetworkModel extends ForwardModel {
  name: string;
  uuid?: string;
  bridge?: string;
  /** Spanning tree on its bridge. */
  stp?: boolean;
  mtu?: number;
  domain?: { name: string; localOnly: boolean };
  /** The subnet in CIDR notation; `ipv4Address` is the bridge's own address in it. */
  ipv4?: string;
  ipv4Address?: string;
  dhcp?: boolean;
  dhcpRange?: DhcpRange;
  ipv6?: string;
  ipv6Address?: string;
  dhcp6?: boolean;
  dhcp6Range?: DhcpRange;
  /** Fixed leases of both families. */
  hosts?: DhcpHost[];
  dnsHosts?: DnsHost[];
  dnsTxt?: DnsTxt[];
  dnsSrv?: DnsSrv[];
  dnsForwarders?: DnsForwarder[];
  routes?: StaticRoute[];
  /** Limits of the whole network. */
  bandwidth?: BandwidthModel;
  portGroups?: PortGroup[];
  /** VLANs of the ports that say none themselves. */
  vlans?: VlansModel;
  /** Whether its guests reach no other guest of it. */
  isolatedPorts?: boolean;
}

const families = [
  { family: "ipv4", address: "ipv4Address", dhcp: "dhcp", range: "dhcpRange" },
  { family: "ipv6", address: "ipv6Address", dhcp: "dhcp6", range: "dhcp6Range" },
] as const;

/** Our part of the document's metadata; the namespace is a name, nothing is fetched from it. */
const ownerTag = "kvm:owner";

/** The document of a new network. `owner` is who made it, kept in the document's metadata. */
export function networkXML(model: NetworkModel, owner?: string): string {
  const mark = owner !== undefined && element(ownerTag, { "xmlns:kvm": "urn:pulumi-kvm:1" }, owner);
  const root = element("network", {}, element("name", {}, model.name), mark && element("metadata", {}, mark));
  edit(root, model, {});
  return serialize(root);
}

/** Who made the network, when it was one of us. */
export function networkOwner(xml: string): string | undefined {
  return text(parse(xml), "metadata", ownerTag);
}

/** The network that a document describes: every part that it has, and no more. */
export function parseNetwork(xml: string): NetworkModel {
  const root = parse(xml);
  const dns = child(root, "dns");
  const domain = child(root, "domain");
  const stp = attribute(child(root, "bridge"), "stp");
  const mtu = attribute(child(root, "mtu"), "size");
  const model: NetworkModel = {
    name: text(root, "name") ?? "",
    uuid: text(root, "uuid"),
    ...parseForward(root),
    bridge: attribute(child(root, "bridge"), "name"),
    stp: stp === undefined ? undefined : stp === "on",
    mtu: mtu === undefined ? undefined : Number(mtu),
    domain: domain && {
      name: attribute(domain, "name") ?? "",
      localOnly: attribute(domain, "localOnly") === "yes",
    },
    dnsHosts: some(sorted(children(dns, "host").map(dnsHost.parse))),
    dnsTxt: some(sorted(children(dns, "txt").map(dnsTxt.parse))),
    dnsSrv: some(sorted(children(dns, "srv").map(dnsSrv.parse))),
    dnsForwarders: some(children(dns, "forwarder").map(dnsForwarder.parse)),
    routes: some(sorted(children(root, "route").map(staticRoute.parse))),
    bandwidth: parseBandwidth(child(root, "bandwidth")),
    portGroups: some(sorted(children(root, "portgroup").map(portGroup.parse))),
    vlans: parseVlans(child(root, "vlan")),
    isolatedPorts: attribute(child(root, "port"), "isolated") === "yes" || undefined,
  };
  for (const { family, address, dhcp, range } of families) {
    const ip = parseIp(root, family);
    if (!ip) continue;
    model[family] = ip.subnet;
    model[address] = ip.address;
    model[dhcp] = ip.ranges.length > 0;
    // One that was added behind our back comes after the declared one, and so shows as a change.
    model[range] = ip.ranges.at(-1);
    if (ip.hosts.length > 0) model.hosts = sorted([...(model.hosts ?? []), ...ip.hosts]);
  }
  for (const field of Object.keys(model) as (keyof NetworkModel)[]) if (model[field] === undefined) delete model[field];
  return model;
}

function some<T>(records: T[]): T[] | undefined {
  return records.length > 0 ? records : undefined;
}

/**
 * The document `xml` brought to `news`. A part that `news` leaves out is removed when `olds` had set it, and else left as
 * it is, like everything that the model does not know (dnsmasq options, TFTP, virtual ports).
 */
export function editNetwork(xml: string, news: NetworkModel, olds: Partial<NetworkModel> = {}): string {
  const root = parse(xml);
  edit(root, news, olds);
  return serialize(root);
}

function edit(root: Element, news: NetworkModel, olds: Partial<NetworkModel>): void {
  const set = (field: keyof NetworkModel): boolean => news[field] !== undefined || olds[field] !== undefined;
  editForward(root, news, set);
  if (news.bridge !== undefined) setAttribute(ensureChild(root, "bridge"), "name", news.bridge);
  // The host's bridge is not the network's own.
  else if (olds.mode === "bridge" && news.mode !== "bridge") replaceChild(root, "bridge", undefined);
  if (set("stp") && news.mode !== "macvtap") setAttribute(ensureChild(root, "bridge"), "stp", news.stp ? "on" : "off");
  if (set("mtu")) replaceChild(root, "mtu", news.mtu === undefined ? undefined : element("mtu", { size: news.mtu }));
  if (set("domain")) replaceChild(root, "domain", news.domain && domainElement(news.domain));
  if (set("dnsForwarders")) setRecords(root, "dns", dnsForwarder, news.dnsForwarders ?? []);
  if (set("dnsTxt")) setRecords(root, "dns", dnsTxt, news.dnsTxt ?? []);
  if (set("dnsHosts")) setRecords(root, "dns", dnsHost, news.dnsHosts ?? []);
  if (set("dnsSrv")) setRecords(root, "dns", dnsSrv, news.dnsSrv ?? []);
  if (set("routes")) setChildren(root, staticRoute, news.routes ?? []);
  if (set("bandwidth")) replaceChild(root, "bandwidth", bandwidthElement(news.bandwidth));
  if (set("portGroups")) setChildren(root, portGroup, news.portGroups ?? []);
  if (set("vlans")) replaceChild(root, "vlan", vlanElement(news.vlans));
  if (set("isolatedPorts"))
    replaceChild(root, "port", news.isolatedPorts ? element("port", { isolated: "yes" }) : undefined);
  for (const { family, address, dhcp, range } of families) {
    if (!set(family)) continue;
    const subnet = news[family];
    const ranges = set(dhcp) ? (news[dhcp] && news[range] ? [news[range]] : []) : undefined;
    const there = parseIp(root, family)?.hosts ?? [];
    const hosts = subnet === undefined ? [] : mergedHosts(there, hostsOf(olds, family), hostsOf(news, family), subnet);
    setIp(root, family, subnet === undefined ? undefined : { subnet, address: news[address]!, ranges, hosts });
  }
}

function domainElement({ name, localOnly }: { name: string; localOnly: boolean }): Element {
  return element("domain", { name, localOnly: localOnly ? "yes" : undefined });
}
