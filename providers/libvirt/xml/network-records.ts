import { canonicalAddress, firstAddress, parseAddress, prefix } from "../../schema/address";
import { milliseconds } from "../../schema/duration";
import { canonicalLease } from "../../schema/range";
import { bandwidthElement, parseBandwidth, type BandwidthModel } from "./bandwidth";
import { attribute, child, children, element, type Element } from "./document";
import type { RecordKind } from "./edit";
import { maskLength } from "./mask-length";
import { parseVlans, vlanElement, type VlansModel } from "./port-vlans";

/** First and last address that DHCP hands out, and for how long where that is not libvirt's hour. */
export interface DhcpRange {
  start: string;
  end: string;
  leaseTime?: string;
}

/** A fixed lease. IPv4 knows the guest by `mac` or `name`, IPv6 by `id` (its DUID) or `name`. */
export interface DhcpHost {
  ip: string;
  mac?: string;
  id?: string;
  name?: string;
}

/** Names that the network's DNS server answers with `ip`. */
export interface DnsHost {
  ip: string;
  hostnames: string[];
}

export interface DnsTxt {
  name: string;
  value: string;
}

/** A service record (RFC 2782); `port`, `priority` and `weight` need a `target`. */
export interface DnsSrv {
  service: string;
  protocol: string;
  domain?: string;
  target?: string;
  port?: number;
  priority?: number;
  weight?: number;
}

/** Where names are asked: those of `domain` or all, at `address` or (none given) nowhere. */
export interface DnsForwarder {
  address?: string;
  domain?: string;
}

/** A subnet behind a guest: the host's route to it leads into the network. */
export interface StaticRoute {
  /** CIDR notation. */
  to: string;
  via: string;
  metric?: number;
}

/** Settings that the NICs which name it have in common. */
export interface PortGroup {
  name: string;
  /** Whether NICs that name none have it. */
  default?: boolean;
  bandwidth?: BandwidthModel;
  vlans?: VlansModel;
}

/** The record without absent members, so that equal records compare equal. */
function record<T extends object>(members: T): T {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
}

function address(text: string | undefined): string | undefined {
  return text !== undefined && parseAddress(text) ? canonicalAddress(text) : text;
}

function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

const leaseUnits: { [unit: string]: "s" | "m" | "h" } = { seconds: "s", minutes: "m", hours: "h" };

/** The lease time in its largest exact unit: "90m", "12h". libvirt's unit is minutes where none is written. */
function parseLease(lease: Element | undefined): string | undefined {
  const expiry = attribute(lease, "expiry");
  return expiry === undefined
    ? undefined
    : canonicalLease(`${expiry}${leaseUnits[attribute(lease, "unit") ?? "minutes"]}`);
}

export const dhcpRange: RecordKind<DhcpRange> = {
  element: "range",
  parse: (from) =>
    record({
      start: address(attribute(from, "start")) ?? "",
      end: address(attribute(from, "end")) ?? "",
      leaseTime: parseLease(child(from, "lease")),
    }),
  make: ({ start, end, leaseTime }) =>
    element(
      "range",
      { start, end },
      leaseTime !== undefined && element("lease", { expiry: milliseconds(leaseTime) / 1000, unit: "seconds" }),
    ),
};

export const dhcpHost: RecordKind<DhcpHost> = {
  element: "host",
  parse: (from) =>
    record({
      ip: address(attribute(from, "ip")) ?? "",
      mac: attribute(from, "mac")?.toLowerCase(),
      id: attribute(from, "id")?.toLowerCase(),
      name: attribute(from, "name"),
    }),
  make: ({ mac, id, name, ip }) => element("host", { mac, id, name, ip }),
};

export const dnsHost: RecordKind<DnsHost> = {
  element: "host",
  parse: (from) => ({
    ip: address(attribute(from, "ip")) ?? "",
    hostnames: children(from, "hostname").map((name) => name.textContent?.trim() ?? ""),
  }),
  make: ({ ip, hostnames }) =>
    element(
      "host",
      { ip },
      hostnames.map((name) => element("hostname", {}, name)),
    ),
};

export const dnsTxt: RecordKind<DnsTxt> = {
  element: "txt",
  parse: (from) => ({ name: attribute(from, "name") ?? "", value: attribute(from, "value") ?? "" }),
  make: ({ name, value }) => element("txt", { name, value }),
};

export const dnsSrv: RecordKind<DnsSrv> = {
  element: "srv",
  parse: (from) =>
    record({
      service: attribute(from, "service") ?? "",
      protocol: attribute(from, "protocol") ?? "",
      domain: attribute(from, "domain"),
      target: attribute(from, "target"),
      port: number(attribute(from, "port")),
      priority: number(attribute(from, "priority")),
      weight: number(attribute(from, "weight")),
    }),
  make: (srv) => element("srv", { ...srv }),
};

export const dnsForwarder: RecordKind<DnsForwarder> = {
  element: "forwarder",
  parse: (from) => record({ address: address(attribute(from, "addr")), domain: attribute(from, "domain") }),
  make: (forwarder) => element("forwarder", { domain: forwarder.domain, addr: forwarder.address }),
};

export const staticRoute: RecordKind<StaticRoute> = {
  element: "route",
  parse: (from) => {
    const base = attribute(from, "address") ?? "";
    const length = attribute(from, "prefix") ?? maskLength(base, attribute(from, "netmask"));
    const first = parseAddress(base) && firstAddress(prefix(`${base}/${length}`)).toString();
    return record({
      to: `${first === undefined ? base : canonicalAddress(first)}/${length}`,
      via: address(attribute(from, "gateway")) ?? "",
      metric: number(attribute(from, "metric")),
    });
  },
  make: ({ to, via, metric }) => {
    const [base, length] = to.split("/");
    return element("route", {
      family: base!.includes(":") ? "ipv6" : undefined,
      address: base,
      prefix: length,
      gateway: via,
      metric,
    });
  },
};

export const portGroup: RecordKind<PortGroup> = {
  element: "portgroup",
  parse: (from) =>
    record({
      name: attribute(from, "name") ?? "",
      default: attribute(from, "default") === "yes" || undefined,
      bandwidth: parseBandwidth(child(from, "bandwidth")),
      vlans: parseVlans(child(from, "vlan")),
    }),
  make: (group) =>
    element(
      "portgroup",
      { name: group.name, default: group.default ? "yes" : undefined },
      vlanElement(group.vlans),
      bandwidthElement(group.bandwidth),
    ),
};
