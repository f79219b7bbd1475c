import { parseAddress } from "../../schema/address";
import { sorted } from "../../schema/record";
import { attribute, child, children, element, parse, replaceChild, serialize, text, type Element } from "./document";
import { ensureChild, setAttribute, setRecords } from "./edit";
import { parseIp, setIp, type Family } from "./network-ip";
import { dnsForwarder, dnsHost, dnsSrv, dnsTxt } from "./network-records";
import type { DhcpHost, DhcpRange, DnsForwarder, DnsHost, DnsSrv, DnsTxt } from "./network-records";

/** The parts of libvirt's network document that the product sets (https://libvirt.org/formatnetwork.html). */
export interface NetworkModel {
  name: string;
  uuid?: string;
  /** The forward mode; "isolated" is a document without one. */
  mode: string;
  /** The only host interface that traffic leaves by. */
  uplink?: string;
  natIpv6?: boolean;
  bridge?: string;
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
  const forward = child(root, "forward");
  const dns = child(root, "dns");
  const domain = child(root, "domain");
  const nat = attribute(child(forward, "nat"), "ipv6");
  const mtu = attribute(child(root, "mtu"), "size");
  const model: NetworkModel = {
    name: text(root, "name") ?? "",
    uuid: text(root, "uuid"),
    mode: forward ? (attribute(forward, "mode") ?? "nat") : "isolated",
    uplink: attribute(forward, "dev") ?? attribute(child(forward, "interface"), "dev"),
    natIpv6: nat === undefined ? undefined : nat === "yes",
    bridge: attribute(child(root, "bridge"), "name"),
    mtu: mtu === undefined ? undefined : Number(mtu),
    domain: domain && {
      name: attribute(domain, "name") ?? "",
      localOnly: attribute(domain, "localOnly") === "yes",
    },
    dnsHosts: some(sorted(children(dns, "host").map(dnsHost.parse))),
    dnsTxt: some(sorted(children(dns, "txt").map(dnsTxt.parse))),
    dnsSrv: some(sorted(children(dns, "srv").map(dnsSrv.parse))),
    dnsForwarders: some(children(dns, "forwarder").map(dnsForwarder.parse)),
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
 * it is, like everything that the model does not know (bandwidth, port groups, dnsmasq options).
 */
export function editNetwork(xml: string, news: NetworkModel, olds: Partial<NetworkModel> = {}): string {
  const root = parse(xml);
  edit(root, news, olds);
  return serialize(root);
}

function edit(root: Element, news: NetworkModel, olds: Partial<NetworkModel>): void {
  const set = (field: keyof NetworkModel) => news[field] !== undefined || olds[field] !== undefined;
  editForward(root, news, set);
  if (news.bridge !== undefined) setAttribute(ensureChild(root, "bridge"), "name", news.bridge);
  if (set("mtu")) replaceChild(root, "mtu", news.mtu === undefined ? undefined : element("mtu", { size: news.mtu }));
  if (set("domain")) replaceChild(root, "domain", news.domain && domainElement(news.domain));
  if (set("dnsForwarders")) setRecords(root, "dns", dnsForwarder, news.dnsForwarders ?? []);
  if (set("dnsTxt")) setRecords(root, "dns", dnsTxt, news.dnsTxt ?? []);
  if (set("dnsHosts")) setRecords(root, "dns", dnsHost, news.dnsHosts ?? []);
  if (set("dnsSrv")) setRecords(root, "dns", dnsSrv, news.dnsSrv ?? []);
  for (const { family, address, dhcp, range } of families) {
    if (!set(family)) continue;
    const subnet = news[family];
    const ranges = set(dhcp) ? (news[dhcp] && news[range] ? [news[range]] : []) : undefined;
    const hosts = set("hosts") ? hostsOf(news, family) : undefined;
    setIp(root, family, subnet === undefined ? undefined : { subnet, address: news[address]!, ranges, hosts });
  }
}

function editForward(root: Element, news: NetworkModel, set: (field: keyof NetworkModel) => boolean): void {
  if (news.mode === "isolated") return replaceChild(root, "forward", undefined);
  const forward = ensureChild(root, "forward");
  setAttribute(forward, "mode", news.mode);
  if (set("uplink")) {
    for (const old of children(forward, "interface")) forward.removeChild(old);
    setAttribute(forward, "dev", news.uplink);
  }
  if (news.mode !== "nat") return replaceChild(forward, "nat", undefined);
  if (!set("natIpv6")) return;
  const nat = ensureChild(forward, "nat");
  setAttribute(nat, "ipv6", news.natIpv6 ? "yes" : undefined);
  if (children(nat).length === 0 && nat.attributes.length === 0) forward.removeChild(nat);
}

function domainElement({ name, localOnly }: { name: string; localOnly: boolean }): Element {
  return element("domain", { name, localOnly: localOnly ? "yes" : undefined });
}

/** The fixed leases of one address family. */
export function hostsOf(model: { hosts?: DhcpHost[] }, family: Family): DhcpHost[] {
  return (model.hosts ?? []).filter((host) => parseAddress(host.ip)?.kind() === family);
}
