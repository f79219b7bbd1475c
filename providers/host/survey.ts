import * as v from "valibot";
import type { Machine } from "../machine/machine";
import { parsePrefix, type Prefix } from "../schema/address";
import { PROBE } from "./probe-script";

/** A network interface and what it is reached by. */
export interface Interface {
  name: string;
  /** "bridge", "veth", ...; undefined for hardware. */
  kind?: string;
  /** Its addresses with the length of their subnets. */
  addresses: { text: string; prefix: Prefix }[];
}

export interface Route {
  /** Undefined for the default route. */
  destination?: Prefix;
  text: string;
  /** Undefined where there are several next hops, and for blackholes. */
  device?: string;
  gateway?: string;
  /** Who made it: "kernel", "static", "ra", "dhcp". */
  protocol?: string;
  /** "unicast", "blackhole", "unreachable", ... */
  type: string;
}

/** A base chain of nftables; iptables-nft's are among them. */
export interface Chain {
  family: string;
  table: string;
  name: string;
  /** Undefined for chains that others jump to. */
  hook?: string;
  policy?: string;
}

/** A file or folder and who may do what with it. */
export interface Entry {
  path: string;
  /** "drwxr-x---", with "+" at its end where an access control list says more. */
  mode: string;
  uid: number;
  gid: number;
}

export interface User {
  name: string;
  uid: number;
  /** The numbers of all its groups. */
  groups: number[];
}

/** A folder where disks will live. Folders that do not exist yet are told by the nearest one that does. */
export interface Folder {
  /** As it was given. */
  path: string;
  /** Without symbolic links, every existing folder on the way: "/" first. */
  steps: Entry[];
  /** Bytes of its file system. */
  size?: number;
  /** Bytes that are free for everybody. */
  available?: number;
  /** Its SELinux context, where there is SELinux. */
  label?: string;
}

/** What a machine told of itself. A part that it could not tell is undefined. */
export interface Survey {
  root: boolean;
  /** The user that QEMU usually runs as on this distribution. */
  qemuUser?: User;
  /** /dev/kvm, where it exists. */
  kvm?: Entry;
  interfaces?: Interface[];
  routes?: Route[];
  programs: Set<string>;
  /** Small files of /proc and /etc by path. */
  files: Map<string, string>;
  chains?: Chain[];
  /** `iptables -S` of the old, separate iptables, where that holds rules. */
  legacyRules?: string;
  /** Whether IP forwarding can be switched on. */
  forwardingWritable: boolean;
  /** The mounts of control groups, as lines of /proc/self/mounts, and "systemd" where one keeps them. */
  groups?: string[];
  /** The address that the operator's ssh session comes from. */
  client?: string;
  folders: Folder[];
}

/** Looks at the machine with one command. Rejects with UnreachableError or CommandError. */
export async function survey(machine: Machine, directories: readonly string[], signal?: AbortSignal): Promise<Survey> {
  // Over standard input, so that no limit of a command line applies to the script.
  const { stdout } = await machine.run(["sh", "-s", "--", ...directories], { stdin: PROBE, timeout: 60_000, signal });
  return parseSurvey(stdout);
}

/** Reads what PROBE prints. */
export function parseSurvey(printed: string): Survey {
  const sections = new Map<string, { text: string; ok: boolean }>();
  for (const section of printed.split("\x1e").slice(1)) {
    const [, name, text, exitCode] = /^(.*)\n([^]*)\x1f(\d+)\s*$/.exec(section) ?? [];
    if (name !== undefined) sections.set(name, { text: text!, ok: exitCode === "0" });
  }
  const text = (name: string) => (sections.get(name)?.ok ? sections.get(name)!.text : undefined);
  const routes = [text("routes4"), text("routes6")].map((family) => json(v.array(rawRoute), family));
  return {
    root: text("user")?.trim() === "0",
    qemuUser: parseUser(text("qemu")),
    kvm: parseEntry(text("kvm")?.trim() ?? ""),
    interfaces: json(v.array(rawInterface), text("addresses"))?.map(parseInterface),
    routes: routes.every((family) => family === undefined)
      ? undefined
      : routes.flatMap((family) => family ?? []).map(parseRoute),
    programs: new Set(lines(text("programs"))),
    files: parseFiles(text("files")),
    chains: json(rawChains, text("chains"))?.nftables.flatMap(({ chain }) => chain ?? []),
    legacyRules: text("legacy"),
    forwardingWritable: text("writable") !== undefined,
    groups: text("groups") === undefined ? undefined : lines(text("groups")),
    client: text("client")?.split(" ")[0],
    folders: [...sections].flatMap(([name, { text }]) =>
      name.startsWith("folder ") ? parseFolder(name.slice("folder ".length), text) : [],
    ),
  };
}

/** `ip -j -d addr` */
const rawInterface = v.object({
  ifname: v.string(),
  linkinfo: v.optional(v.object({ info_kind: v.optional(v.string()) })),
  addr_info: v.optional(
    v.array(
      v.object({
        family: v.string(),
        local: v.optional(v.string()),
        address: v.optional(v.string()),
        prefixlen: v.number(),
        scope: v.optional(v.string()),
      }),
    ),
    [],
  ),
});

/** `ip -j route` */
const rawRoute = v.object({
  type: v.optional(v.string(), "unicast"),
  dst: v.string(),
  dev: v.optional(v.string()),
  gateway: v.optional(v.string()),
  protocol: v.optional(v.string()),
});

/** `nft -j list chains` */
const rawChains = v.object({
  nftables: v.array(
    v.object({
      chain: v.optional(
        v.object({
          family: v.string(),
          table: v.string(),
          name: v.string(),
          hook: v.optional(v.string()),
          policy: v.optional(v.string()),
        }),
      ),
    }),
  ),
});

function parseInterface({ ifname, linkinfo, addr_info }: v.InferOutput<typeof rawInterface>): Interface {
  // Link-local IPv6 addresses are on every interface. `address` is the other end of a point-to-point link.
  const texts = addr_info
    .filter(({ family, scope }) => family !== "inet6" || scope !== "link")
    .flatMap(({ local, address, prefixlen }) =>
      address === undefined || address === local
        ? [`${local}/${prefixlen}`]
        : [`${address}/${prefixlen}`, ...(local === undefined ? [] : [`${local}/${local.includes(":") ? 128 : 32}`])],
    );
  return { name: ifname, kind: linkinfo?.info_kind, addresses: texts.flatMap(withPrefix) };
}

function withPrefix(text: string): { text: string; prefix: Prefix }[] {
  const prefix = parsePrefix(text);
  return prefix ? [{ text, prefix }] : [];
}

function parseRoute({ dst, dev, gateway, protocol, type }: v.InferOutput<typeof rawRoute>): Route {
  const full = dst === "default" || dst.includes("/") ? dst : `${dst}/${dst.includes(":") ? 128 : 32}`;
  return { destination: parsePrefix(full), text: full, device: dev, gateway, protocol, type };
}

function parseFiles(text: string | undefined): Map<string, string> {
  const files = new Map<string, string>();
  for (const line of lines(text)) {
    const colon = line.indexOf(":");
    const path = line.slice(0, colon);
    const before = files.get(path);
    files.set(path, (before === undefined ? "" : `${before}\n`) + line.slice(colon + 1));
  }
  return files;
}

/** A line of `id`. */
function parseUser(text = ""): User | undefined {
  const [, uid, name, groups] = /^uid=(\d+)\((.*?)\) .*\bgroups=(.*)$/m.exec(text) ?? [];
  return name === undefined
    ? undefined
    : { name, uid: Number(uid), groups: groups!.split(",").map((group) => parseInt(group, 10)) };
}

/** A line of `ls -ln`. */
function parseEntry(line: string): Entry | undefined {
  const [, mode, uid, gid, path] = /^(\S{10}[+.@]?)\s+\d+\s+(\d+)\s+(\d+)\s.*?\s(\/.*)$/.exec(line) ?? [];
  return mode === undefined ? undefined : { path: path!, mode, uid: Number(uid), gid: Number(gid) };
}

/** Reads the lines of ls, df and stat. */
function parseFolder(path: string, text: string): Folder {
  const steps = lines(text).flatMap((line) => parseEntry(line) ?? []);
  const [, size, available] = /\s(\d+)\s+\d+\s+(\d+)\s+\d+%\s/.exec(text) ?? [];
  const [, label] = /^context (\S+)$/m.exec(text) ?? [];
  return {
    path,
    steps,
    ...(size !== undefined && { size: Number(size) * 1024, available: Number(available) * 1024 }),
    ...(label !== undefined && { label }),
  };
}

function lines(text: string | undefined): string[] {
  return (text ?? "").split("\n").filter((line) => line !== "");
}

/** Undefined where the text is not what was asked for. */
function json<const Schema extends v.GenericSchema>(schema: Schema, text = ""): v.InferOutput<Schema> | undefined {
  try {
    return v.parse(schema, JSON.parse(text));
  } catch {
    return undefined;
  }
}
