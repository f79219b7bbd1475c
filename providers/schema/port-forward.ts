import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { address, canonicalAddress, firstAddress, overlap, parseAddress, parsePrefix, prefix } from "./address";
import { connectionUri } from "./connection";
import { machineSpec } from "./machine";
import { objectName } from "./name";
import { strict } from "./strict";

/** One port of the host, or several in a row, and where they lead. */
export interface PublishedPort {
  /** 8080, or "8000-8010". */
  host: number | string;
  /** As many as `host`. */
  guest: number | string;
  protocol: "tcp" | "udp";
  /** The host's address that is listened on; every one when it is left out. */
  address?: string;
  /** The host's interface that connections come in by; any when it is left out. */
  interface?: string;
  /** CIDR notation, canonical and sorted. Everybody when it is left out. */
  sources?: string[];
}

export interface PortForwardInputs {
  machine: MachineSpec;
  /** The libvirt of the same host, which tells what kind of network a guest is on. */
  connection?: string;
  name: string;
  /** The resource that declares it. Set by the resource class. */
  owner?: string;
  /** The guest's addresses, at most one of each family. */
  to: string[];
  ports: PublishedPort[];
  active: boolean;
}

/** The first and the last port. */
export function span(ports: number | string): [number, number] {
  const [first, last = first] = String(ports).split("-").map(Number) as [number, number?];
  return [first, last];
}

export function isIpv6(text: string): boolean {
  return text.includes(":");
}

/** Ports of a range whose two ends have other numbers are listed one by one in the host's rules. */
export const longestShift = 1000;

const ports = v.pipe(
  v.union([v.number(), v.string()]),
  v.rawTransform(({ dataset, addIssue, NEVER }): number | string => {
    const text = String(dataset.value);
    const [first, last] = span(text);
    const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65535;
    const given = JSON.stringify(dataset.value);
    if (!/^\d+(-\d+)?$/.test(text) || !isPort(first) || !isPort(last)) {
      addIssue({ message: `${given} is not a port. Allowed: 1 to 65535, or a range as in "8000-8010"` });
      return NEVER;
    }
    if (last < first) {
      addIssue({ message: `${given} ends before it begins. Allowed: a range as in "8000-8010"` });
      return NEVER;
    }
    return first === last ? first : `${first}-${last}`;
  }),
);

const listening = v.pipe(
  address,
  v.check(
    (text) => v.is(address, text) && parseAddress(text)!.range() !== "unspecified",
    (issue) => `${JSON.stringify(issue.input)} stands for every address. Fix: leave address out`,
  ),
  v.check(
    (text) => v.is(address, text) && parseAddress(text)!.range() !== "loopback",
    (issue) =>
      `${JSON.stringify(issue.input)} is the host's own loopback: forwarding from there would let guests reach what listens on it (net.ipv4.conf.*.route_localnet). Allowed: an address of the host's interfaces; the host reaches its guests there, too`,
  ),
);

const source = v.pipe(
  v.string(),
  v.transform((text) => (parseAddress(text) ? `${text}/${isIpv6(text) ? 128 : 32}` : text)),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const parsed = parsePrefix(dataset.value);
    const first = parsed && firstAddress(parsed);
    if (parsed && first!.toString() === parsed.address.toString())
      return `${canonicalAddress(first!.toString())}/${parsed.length}`;
    addIssue({
      message: parsed
        ? `${JSON.stringify(dataset.value)} has host bits set: the subnet is "${canonicalAddress(first!.toString())}/${parsed.length}"`
        : `${JSON.stringify(dataset.value)} is not a source. Allowed: an address or CIDR notation, e.g. "192.168.155.0/24" or "2001:db8::/32"`,
    });
    return NEVER;
  }),
);

/** Without those that lie in another one: nft refuses sets with such. */
function widest(sources: readonly string[]): string[] {
  const each = [...new Set(sources)].map((text) => ({ text, subnet: prefix(text) }));
  return each
    .filter(
      (one) => !each.some((other) => other.subnet.length < one.subnet.length && overlap(one.subnet, other.subnet)),
    )
    .map(({ text }) => text);
}

/** As in the host's rules, where "*" stands for any end. */
const ingress = v.pipe(
  v.string(),
  v.regex(
    /^(?!\.{1,2}$)[A-Za-z0-9_.@-]{1,15}$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not an interface name. Allowed: 1 to 15 letters, digits, "_", ".", "@" and "-"`,
  ),
);

const publishedPort = v.pipe(
  strict({
    host: ports,
    guest: v.optional(ports),
    protocol: v.optional(v.picklist(["tcp", "udp"]), "tcp"),
    address: v.optional(listening),
    interface: v.optional(ingress),
    sources: v.optional(
      v.pipe(
        v.array(source),
        v.minLength(1, "is empty: nobody could connect. Fix: leave it out for everybody, or name who may"),
        v.transform((list) => widest(list).sort()),
      ),
    ),
  }),
  v.rawTransform(({ dataset, addIssue, NEVER }): PublishedPort => {
    const { host, guest = host, ...rest } = dataset.value;
    const complain = (field: "guest" | "sources", message: string) => {
      const value = dataset.value[field];
      addIssue({ message, path: [{ type: "object", origin: "value", input: dataset.value, key: field, value }] });
      return NEVER;
    };
    const size = ([first, last]: [number, number]) => last - first + 1;
    const [outer, inner] = [size(span(host)), size(span(guest))];
    if (outer !== inner)
      return complain(
        "guest",
        `${JSON.stringify(guest)} is ${count(inner)}, host ${JSON.stringify(host)} is ${count(outer)}. Allowed: as many on both sides`,
      );
    if (outer > longestShift && host !== guest)
      return complain(
        "guest",
        `${JSON.stringify(guest)} for host ${JSON.stringify(host)} gives ${outer} ports other numbers. Allowed: at most ${longestShift}, or the same numbers on both sides`,
      );
    const { address, sources } = rest;
    if (address !== undefined && sources && !sources.some((each) => isIpv6(each) === isIpv6(address)))
      return complain("sources", `has none of the family of address ${address}: nobody could connect`);
    return { host, guest, ...rest };
  }),
);

function count(ports: number): string {
  return ports === 1 ? "1 port" : `${ports} ports`;
}

const target = v.pipe(
  address,
  v.check(
    (text) =>
      v.is(address, text) &&
      !["unspecified", "loopback", "multicast", "linkLocal", "broadcast"].includes(parseAddress(text)!.range()),
    (issue) =>
      `${JSON.stringify(issue.input)} is no address of a guest. Allowed: e.g. "192.168.122.10" or "fd00:122::10"`,
  ),
);

const fields = {
  machine: machineSpec,
  connection: v.optional(connectionUri),
  name: objectName,
  owner: v.optional(v.string()),
  to: v.pipe(
    v.array(target),
    v.minLength(
      1,
      "the guest has no address that libvirt knows. Fix: ready: { addresses: true } on the guest lets it wait for one; a fixed lease (hosts of its network) keeps it the same",
    ),
    v.check(
      (list) => list.filter(isIpv6).length <= 1 && list.filter((each) => !isIpv6(each)).length <= 1,
      (issue) =>
        `got ${JSON.stringify(issue.input)}. Allowed: one address, or one IPv4 and one IPv6 address of a guest`,
    ),
    v.transform((list) => [...list].sort((a, b) => Number(isIpv6(a)) - Number(isIpv6(b)))),
  ),
  ports: v.pipe(
    v.array(publishedPort),
    v.minLength(1, "is empty. Allowed: at least one port, e.g. [{ host: 8080, guest: 80 }]"),
    v.transform((list) => [...list].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      for (const [at, port] of dataset.value.entries()) {
        const twice = dataset.value.slice(at + 1).find((other) => clash(port, other));
        if (twice) addIssue({ message: `${label(port)} and ${label(twice)} are the same place. Fix: leave one out` });
      }
    }),
  ),
  active: v.optional(v.boolean(), true),
};

function sortKey({ protocol, host, address = "", interface: via = "" }: PublishedPort): string {
  return JSON.stringify([protocol, String(span(host)[0]).padStart(5, "0"), address, via, String(host)]);
}

/** Whether a packet could be meant for both. */
export function clash(
  one: Pick<PublishedPort, "protocol" | "host" | "address" | "interface">,
  other: Pick<PublishedPort, "protocol" | "host" | "address" | "interface">,
): boolean {
  const [first, last] = span(one.host);
  const [otherFirst, otherLast] = span(other.host);
  const apart = (a: string | undefined, b: string | undefined) => a !== undefined && b !== undefined && a !== b;
  return (
    one.protocol === other.protocol &&
    first <= otherLast &&
    otherFirst <= last &&
    !apart(one.address, other.address) &&
    !apart(one.interface, other.interface)
  );
}

/** "8080/tcp", "192.168.155.32:8080/tcp", "8080/tcp on eth1". */
export function label({ host, protocol, address, interface: via }: PublishedPort): string {
  const place = address === undefined ? "" : isIpv6(address) ? `[${address}]:` : `${address}:`;
  return `${place}${host}/${protocol}${via === undefined ? "" : ` on ${via}`}`;
}

/** Whether the port leads to an address of that family. */
export function serves({ address, sources }: PublishedPort, ipv6: boolean): boolean {
  return (
    (address === undefined || isIpv6(address) === ipv6) && (!sources || sources.some((one) => isIpv6(one) === ipv6))
  );
}

/** One place for a port forward's types, defaults and errors. */
export const portForwardSchema: v.GenericSchema<unknown, PortForwardInputs> = v.pipe(
  strict(fields),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { to, ports } = dataset.value;
    for (const [at, port] of ports.entries())
      if (!to.some((each) => serves(port, isIpv6(each))))
        addIssue({
          message: `${label(port)} leads nowhere: the guest is ${to.join(" and ")}, and ${port.address !== undefined ? `address is ${port.address}` : `sources are ${port.sources!.join(", ")}`}. Fix: use one family on both sides`,
          path: [
            { type: "object", origin: "value", input: dataset.value, key: "ports", value: ports },
            { type: "array", origin: "value", input: ports, key: at, value: port },
          ],
        });
  }),
);
