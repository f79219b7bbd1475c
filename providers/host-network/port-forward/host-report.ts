import { createHash } from "node:crypto";
import * as v from "valibot";
import { contains, parsePrefix, prefix, type Prefix } from "../../schema/address";
import { isIpv6, type PublishedPort, span } from "../../schema/port-forward";
import type { Forward } from "./forward";
import { forwardFile, parseForwardFile } from "./ruleset";

/** An address of the host, and the subnet that comes with it. */
export interface HostAddress {
  device: string;
  address: string;
  subnet: Prefix;
}

/** A listening socket. */
export interface Socket {
  protocol: "tcp" | "udp";
  /** "*" for every address of both families, "0.0.0.0" and "::" for those of one. */
  address: string;
  device?: string;
  port: number;
  /** "nginx (pid 12)", where it is told. */
  program?: string;
}

/** What `look` of the host script told: what port forwards depend on, those that are there, and the rules in force. */
export interface HostReport {
  root: boolean;
  programs: Set<string>;
  /** "9.0.0"; undefined where no libvirtd is installed. */
  libvirt?: string;
  interfaces: Set<string>;
  addresses: HostAddress[];
  /** The interfaces of default routes. */
  uplinks: Set<string>;
  sockets: Socket[];
  /** Whether packets are forwarded, by family; undefined where the host does not tell. */
  forwarding: { ipv4?: boolean; ipv6?: boolean };
  firewalld?: { backend: "nftables" | "iptables"; strict: boolean };
  /** Whether libvirt will restore the rules at the host's boot. */
  hook: boolean;
  /** The places with rules of libvirt's before which ours do not stand: "iptables", "nftables-ip6". */
  behind: string[];
  /** The files by the forwards' ids. */
  files: Map<string, string>;
  /** Of all files together: what a change is made for. */
  generation: string;
  /** The digests and rules as they were when the rules were made, and as they are. */
  applied: string;
  now: string;
}

const interfaces = v.array(
  v.object({
    ifname: v.string(),
    addr_info: v.optional(
      v.array(v.object({ local: v.optional(v.string()), prefixlen: v.number(), scope: v.optional(v.string()) })),
      [],
    ),
  }),
);
const routes = v.array(v.object({ dev: v.optional(v.string()) }));

export function parseHostReport(printed: string): HostReport {
  const sections = new Map<string, { text: string; ok: boolean }>();
  for (const section of printed.split("\x1e").slice(1)) {
    const [, name, text, exitCode] = /^(.*)\n([^]*)\x1f(\d+)\s*$/.exec(section) ?? [];
    if (name !== undefined) sections.set(name, { text: text!, ok: exitCode === "0" });
  }
  const text = (name: string) => (sections.get(name)?.ok ? sections.get(name)!.text : undefined);
  const lines = (name: string) => (text(name) ?? "").split("\n").filter((line) => line !== "");
  const found = json(interfaces, text("addresses") ?? "[]");
  const [backend, ...settings] = lines("firewalld");
  return {
    root: text("user")?.trim() === "0",
    programs: new Set(lines("programs")),
    libvirt: /\d+(\.\d+)+/.exec(text("libvirt") ?? "")?.[0],
    interfaces: new Set(found.map(({ ifname }) => ifname)),
    addresses: found.flatMap(({ ifname, addr_info }) =>
      addr_info.flatMap(({ local, prefixlen, scope }) =>
        local === undefined || scope === "link" || scope === "host"
          ? []
          : [{ device: ifname, address: local, subnet: prefix(`${local}/${prefixlen}`) }],
      ),
    ),
    uplinks: new Set(
      lines("defaults").flatMap((line) => json(routes, line).flatMap(({ dev }) => (dev === undefined ? [] : [dev]))),
    ),
    sockets: lines("sockets").flatMap((line) => parseSocket(line) ?? []),
    forwarding: { ipv4: knob(lines("knobs"), "/ipv4/"), ipv6: knob(lines("knobs"), "/ipv6/") },
    ...(backend && { firewalld: { backend: backend as "nftables" | "iptables", strict: settings.length > 0 } }),
    hook: sections.get("hook")?.ok === true,
    behind: lines("places").flatMap((line) => /^(\S+) behind$/.exec(line)?.[1] ?? []),
    files: new Map(
      [...sections].flatMap(([name, section]) => {
        const id = /^file (.+)\.nft$/.exec(name)?.[1];
        return id === undefined ? [] : [[id, section.text] as const];
      }),
    ),
    generation: createHash("sha256")
      .update(text("digests") ?? "")
      .digest("hex"),
    applied: text("applied") ?? "",
    now: (text("digests") ?? "") + (text("rules") ?? ""),
  };
}

function json<const Schema extends v.GenericSchema>(schema: Schema, text: string): v.InferOutput<Schema> {
  return v.parse(schema, JSON.parse(text));
}

function knob(lines: readonly string[], family: string): boolean | undefined {
  const line = lines.find((each) => each.includes(family));
  return line === undefined ? undefined : line.endsWith(":1");
}

/** A line of `ss -Hltunp`. */
function parseSocket(line: string): Socket | undefined {
  const [protocol, , , , local = "", , program] = line.trim().split(/\s+/);
  const [, place, port] = /^(.*):(\d+)$/.exec(local) ?? [];
  if (place === undefined || (protocol !== "tcp" && protocol !== "udp")) return undefined;
  const [bound = "", device] = place.split("%");
  const [, name, pid] = /\(\("([^"]*)",pid=(\d+)/.exec(program ?? "") ?? [];
  return {
    protocol,
    address: bound.replace(/^\[|\]$/g, ""),
    ...(device !== undefined && { device }),
    port: Number(port),
    ...(name !== undefined && { program: `${name} (pid ${pid})` }),
  };
}

/** The forwards of the host; files that are none of ours are left out. */
export function forwardsOf({ files }: HostReport): Forward[] {
  return [...files.values()].flatMap((text) => parseForwardFile(text) ?? []);
}

/** The host's own network that an address is in: the one with the longest prefix. */
export function networkOf({ addresses }: HostReport, address: string): HostAddress | undefined {
  return addresses
    .filter(({ subnet }) => contains(subnet, address))
    .sort((a, b) => b.subnet.length - a.subnet.length)[0];
}

/** The socket that would not be reached any more. */
export function socketBehind({ sockets }: HostReport, port: PublishedPort): Socket | undefined {
  const [first, last] = span(port.host);
  return sockets.find(
    (socket) =>
      socket.protocol === port.protocol &&
      first <= socket.port &&
      socket.port <= last &&
      sameAddress(socket.address, port.address) &&
      !(socket.device !== undefined && port.interface !== undefined && socket.device !== port.interface),
  );
}

function sameAddress(bound: string, address: string | undefined): boolean {
  if (parsePrefix(`${bound}/${isIpv6(bound) ? 128 : 32}`)?.address.range() === "loopback") return false;
  if (bound === "*" || address === undefined) return true;
  // A socket on :: answers IPv4 too, unless it was told not to.
  if (bound === "::") return true;
  return bound === "0.0.0.0" ? !isIpv6(address) : bound === address;
}

const placesOf = { ipv4: ["iptables", "nftables-ip"], ipv6: ["ip6tables", "nftables-ip6"] };

/** What keeps a forward that should be there from working, in words; undefined when it works. */
export function fault(report: HostReport, forward: Forward): string | undefined {
  if (report.files.get(forward.id) !== forwardFile(forward)) return "its file was changed";
  if (!report.hook) return "libvirt's hook is gone: it would not survive a reboot";
  if (!isInForce(report, forward.id)) return "its rules are not in force";
  const places = forward.to.flatMap(({ address }) => placesOf[isIpv6(address) ? "ipv6" : "ipv4"]);
  const place = report.behind.find((each) => places.includes(each));
  return place === undefined ? undefined : `libvirt's rules (${place}) come before ours`;
}

/** Whether everything that concerns the forward, and everything that concerns all of them, is as it was made. */
function isInForce({ applied, now }: HostReport, id: string): boolean {
  const concerning = (text: string) =>
    text
      .split("\n")
      .filter((line) => line.includes(`"${id}"`) || line.endsWith(`  ${id}.nft`) || !/ comment "|\.nft$/.test(line))
      .join("\n");
  return concerning(applied).includes(`  ${id}.nft`) && concerning(applied) === concerning(now);
}
