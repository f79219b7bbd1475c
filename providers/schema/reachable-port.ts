import * as v from "valibot";
import { addressOrSubnet, ipProtocol, ports } from "./network-filter-values";
import { strict } from "./strict";

/** Something that others may reach in a guest. */
export interface Reachable {
  /** "tcp", "udp", "sctp", or an IP protocol without ports by name or number: "vrrp" is 112. */
  protocol: string;
  /** 80 or "8000-8080"; none for all, or a protocol without ports. */
  port?: number | string;
  /** Address or subnet of those who may. Default: everybody. */
  from?: string;
}

/** IP protocols that iproute2 and operators know by names which libvirt does not (RFC 790 and IANA's registry). */
const protocolNumbers: { [name: string]: number } = { gre: 47, ospf: 89, pim: 103, vrrp: 112, l2tp: 115 };

const withPorts = ["tcp", "udp", "sctp"];

/** 22 and "53/udp" (services(5)), "vrrp" (protocols(5)), or all written out. */
export type ReachableArg = number | string | Reachable;

/** The long form; undefined for what is none. */
export function reachable(given: ReachableArg): Reachable | undefined {
  if (typeof given === "number") return { protocol: "tcp", port: given };
  if (typeof given === "object") return given;
  const [, port, protocol] = /^(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?$/.exec(given) ?? [];
  if (port !== undefined) return { protocol: protocol ?? "tcp", port };
  return /^[a-z][a-z0-9-]*$/.test(given) ? { protocol: given } : undefined;
}

/** What is wrong with one entry of an allow-list; undefined when nothing is. */
export function reachableProblem(given: ReachableArg): string | undefined {
  const one = reachable(given);
  if (!one)
    return `got ${JSON.stringify(given)}. Allowed: 22, "8000-8080", "53/udp", "vrrp", or { protocol, port, from }`;
  if (one.port !== undefined && !withPorts.includes(one.protocol)) return withoutPorts(one.protocol);
  return undefined;
}

function withoutPorts(protocol: string): string {
  return `${protocol} has no ports. Allowed: with ${withPorts.join(", ")}`;
}

const protocol = v.lazy((input) =>
  typeof input === "string" && Object.hasOwn(protocolNumbers, input)
    ? v.pipe(
        v.string(),
        v.transform((name) => String(protocolNumbers[name])),
      )
    : ipProtocol,
) as v.GenericSchema<unknown, string>;

const written = strict({ protocol, port: v.optional(ports), from: v.optional(addressOrSubnet) });

/** All written out, with libvirt's name or number of the protocol. */
export const reachablePort = v.pipe(
  v.unknown(),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }): unknown => {
    if (typeof value === "object") return value;
    const problem = reachableProblem(value as ReachableArg);
    if (problem === undefined) return reachable(value as ReachableArg);
    addIssue({ message: problem });
    return NEVER;
  }),
  written,
  v.check(
    ({ protocol: named, port }) => port === undefined || withPorts.includes(named),
    ({ input }) => withoutPorts(input.protocol),
  ),
);
