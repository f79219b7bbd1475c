import * as v from "valibot";
import type { PortVlans, Route, Uplink } from "../host-network/model";
import type { MachineSpec } from "../machine/machine";
import {
  address,
  canonicalAddress,
  contains,
  firstAddress,
  interfaceAddress,
  mac,
  parsePrefix,
  prefix,
} from "./address";
import { duration, milliseconds } from "./duration";
import { machineSpec } from "./machine";
import { hostName, interfaceName } from "./name";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

/** How a host's own configuration is written; the same names as host-network/persist's. */
export const persistences = [
  ...["auto", "none"],
  ...["networkd", "networkmanager", "ifupdown", "netplan", "ifcfg"],
] as const;

export interface LinuxBridgeInputs {
  machine: MachineSpec;
  name: string;
  adopt?: string;
  owner?: string;
  uplink: Uplink[];
  addresses: "keep" | string[];
  dhcp?: boolean | "ipv4" | "ipv6";
  gateway?: string[];
  dns?: string[];
  search?: string[];
  routes?: Route[];
  acceptRa?: boolean;
  mtu?: number;
  mac?: string;
  stp: boolean;
  forwardDelay?: number;
  vlanFiltering?: { host?: number; guests?: number };
  persist: "auto" | "none" | "networkd" | "networkmanager" | "ifupdown" | "netplan" | "ifcfg";
  confirmTimeout: string;
  confirm: { gateway?: boolean; ping: string[]; tcp: string[] };
  disruption: "live" | "reboot" | "replace";
}

/** A name that also fits into file names of the host's configuration. */
const bridgeName = v.pipe(
  interfaceName,
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]*$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not a bridge name. Allowed: 1 to 15 letters, digits, "_", "." and "-", e.g. "br0"`,
  ),
);

const vlanId = wholeNumber(1, 4094);

const portFields = {
  /** The VLAN of a port that carries one, without a tag. */
  access: v.optional(vlanId),
  /** The VLANs that a port carries with their tags. */
  trunk: v.optional(v.array(vlanId)),
  /** The VLAN of a trunk's frames without a tag. */
  native: v.optional(vlanId),
};

interface PortFields {
  access?: number;
  trunk?: number[];
  native?: number;
}

function portVlans({ access, trunk, native }: PortFields): { vlans?: PortVlans } {
  if (access !== undefined) return { vlans: { untagged: access, tagged: [] } };
  if (trunk === undefined && native === undefined) return {};
  const tagged = [...new Set(trunk ?? [])].filter((id) => id !== native).sort((a, b) => a - b);
  return { vlans: { ...(native !== undefined && { untagged: native }), tagged } };
}

const nic = v.pipe(
  strict({ nic: interfaceName, ...portFields }),
  v.transform(({ nic, ...port }): Uplink => ({ kind: "nic", name: nic, ...portVlans(port) })),
);

const bond = v.pipe(
  strict({
    bond: strict({
      name: v.optional(interfaceName, "bond0"),
      ports: v.pipe(
        v.array(interfaceName),
        v.minLength(1, 'got []. Allowed: the NICs of the bond, e.g. ["eth0", "eth1"]'),
      ),
      mode: v.optional(v.picklist(["802.3ad", "active-backup"]), "active-backup"),
      miimon: v.optional(wholeNumber(1, 60_000), 100),
      primary: v.optional(interfaceName),
      lacpRate: v.optional(v.picklist(["slow", "fast"])),
      hashPolicy: v.optional(v.picklist(["layer2", "layer2+3", "layer3+4"])),
    }),
    ...portFields,
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { mode, ports, primary, lacpRate, hashPolicy } = dataset.value.bond;
    const only = (field: string, of: string) => addIssue({ message: `bond.${field} goes with mode "${of}" only` });
    if (primary !== undefined && mode !== "active-backup") only("primary", "active-backup");
    if (primary !== undefined && !ports.includes(primary))
      addIssue({ message: `bond.primary ${primary} is not in the bond. Allowed: ${ports.join(", ")}` });
    if (lacpRate !== undefined && mode !== "802.3ad") only("lacpRate", "802.3ad");
    if (hashPolicy !== undefined && mode !== "802.3ad") only("hashPolicy", "802.3ad");
  }),
  v.transform(({ bond, ...port }): Uplink => ({ kind: "bond", ...bond, ...portVlans(port) })),
);

const vlan = v.pipe(
  strict({ vlan: strict({ name: v.optional(interfaceName), link: interfaceName, id: vlanId }), ...portFields }),
  v.transform(({ vlan: { link, id, name }, ...port }): Uplink => ({
    kind: "vlan",
    name: name ?? `${link}.${id}`,
    link,
    id,
    ...portVlans(port),
  })),
);

const uplink: v.GenericSchema<unknown, Uplink> = v.pipe(
  v.lazy((input) => {
    if (typeof input === "string")
      return v.pipe(
        interfaceName,
        v.transform((name): Uplink => ({ kind: "nic", name })),
      );
    // What was parsed before comes back from the state.
    const given = (input ?? {}) as { bond?: unknown; vlan?: unknown };
    return given.bond !== undefined ? bond : given.vlan !== undefined ? vlan : nic;
  }),
  v.check(
    ({ name }) => v.is(interfaceName, name),
    (issue) =>
      `${JSON.stringify(issue.input.name)} is no name for a VLAN interface: it has over 15 characters. Fix: give vlan.name`,
  ),
);

/** One, or a list of them; a list either way. */
function oneOrMore<Output>(schema: v.GenericSchema<unknown, Output>): v.GenericSchema<unknown, Output[]> {
  const one = v.pipe(
    schema,
    v.transform((single: Output) => [single]),
  );
  return v.lazy((input) => (Array.isArray(input) ? v.array(schema) : one));
}

const route = v.pipe(
  strict({
    to: v.pipe(
      v.string(),
      v.check(
        (to) => to === "default" || parsePrefix(to) !== undefined,
        (issue) => `${JSON.stringify(issue.input)} is not a destination. Allowed: CIDR notation, e.g. "10.0.0.0/8"`,
      ),
      v.transform((to) => {
        const parsed = parsePrefix(to);
        return parsed ? `${canonicalAddress(firstAddress(parsed).toString())}/${parsed.length}` : to;
      }),
    ),
    via: v.optional(address),
    metric: v.optional(wholeNumber(0, 4294967295)),
    table: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]+$/, "is not a routing table's name or number"))),
    source: v.optional(address),
    onlink: v.optional(v.boolean()),
    mtu: v.optional(wholeNumber(68, 65535)),
  }),
  v.check(
    ({ to, via }) => to !== "default" || via !== undefined,
    'via is required where to is "default". Allowed: the gateway\'s address',
  ),
);

const gateways = v.pipe(
  oneOrMore(address),
  v.check(
    (list) => ["v4", "v6"].every((family) => list.filter((one) => (family === "v6") === one.includes(":")).length < 2),
    (issue) => `got ${JSON.stringify(issue.input)}. Allowed: one gateway of each family; further ones are routes`,
  ),
);

const forwardDelay = v.pipe(
  v.lazy((input) =>
    typeof input === "string"
      ? v.pipe(
          duration,
          v.transform((text) => milliseconds(text) / 1000),
        )
      : v.number(),
  ),
  v.check(
    (seconds) => seconds >= 0 && seconds <= 30,
    (issue) => `got ${issue.input} s. Allowed: 0 to 30 seconds`,
  ),
);

const timeout = v.pipe(
  duration,
  v.check(
    (text) => !v.is(duration, text) || (milliseconds(text) >= 3000 && milliseconds(text) <= 3_600_000),
    (issue) => `got ${JSON.stringify(issue.input)}. Allowed: "3s" to "1h"`,
  ),
);

const endpoint = v.pipe(
  v.string(),
  v.check(
    (text) => {
      const [, host, port] = /^(?:\[([^\]]+)\]|[^:\s]+):(\d{1,5})$/.exec(text) ?? [];
      return (
        port !== undefined && Number(port) > 0 && Number(port) < 65536 && (host === undefined || host.includes(":"))
      );
    },
    (issue) =>
      `${JSON.stringify(issue.input)} is not a host and port. Allowed: e.g. "192.168.155.40:443" or "[fd00::40]:443"`,
  ),
);

/** `true` is one VLAN for all that says nothing. */
const vlanFiltering = v.pipe(
  v.lazy((input) =>
    typeof input === "boolean" ? v.boolean() : strict({ host: v.optional(vlanId), guests: v.optional(vlanId) }),
  ),
  v.transform((given) => (typeof given === "boolean" ? (given ? { host: 1, guests: 1 } : undefined) : given)),
);

const fields = {
  machine: machineSpec,
  name: bridgeName,
  adopt: v.optional(v.string()),
  owner: v.optional(v.string()),
  uplink: v.optional(oneOrMore(uplink), []),
  addresses: v.optional(
    v.lazy((input) =>
      typeof input === "string"
        ? v.literal("keep", (issue) => `got ${JSON.stringify(issue.input)}. Allowed: "keep", or a list of addresses`)
        : v.array(interfaceAddress),
    ),
    "keep",
  ),
  dhcp: v.optional(
    v.union(
      [v.boolean(), v.picklist(["ipv4", "ipv6"])],
      (issue) => `got ${JSON.stringify(issue.input)}. Allowed: true, false, "ipv4" or "ipv6"`,
    ),
  ),
  gateway: v.optional(gateways),
  dns: v.optional(v.array(address)),
  search: v.optional(v.array(hostName)),
  routes: v.optional(v.array(route)),
  acceptRa: v.optional(v.boolean()),
  mtu: v.optional(wholeNumber(68, 65535)),
  mac: v.optional(mac),
  stp: v.optional(v.boolean(), false),
  forwardDelay: v.optional(forwardDelay),
  vlanFiltering: v.optional(vlanFiltering),
  persist: v.optional(v.picklist(persistences), "auto"),
  confirmTimeout: v.optional(timeout, "60s"),
  confirm: v.optional(
    strict({
      gateway: v.optional(v.boolean()),
      ping: v.optional(v.array(address), []),
      tcp: v.optional(v.array(endpoint), []),
    }),
    {},
  ),
  disruption: v.optional(v.picklist(["live", "reboot", "replace"]), "live"),
};

type Parsed = Omit<v.InferOutput<ReturnType<typeof strict<typeof fields>>>, "confirm"> & {
  confirm: LinuxBridgeInputs["confirm"];
};

interface Complaint {
  field: keyof Parsed;
  message: string;
}

/** What fields have against each other. */
function complaints(inputs: Parsed): Complaint[] {
  return [...uplinkComplaints(inputs), ...addressComplaints(inputs), ...optionComplaints(inputs)];
}

function uplinkComplaints({ name, uplink: uplinks, vlanFiltering, dhcp }: Parsed): Complaint[] {
  const field = "uplink" as const;
  const names = uplinks.flatMap((one) => [one.name, ...(one.kind === "bond" ? one.ports : [])]);
  const twice = names.find((one, at) => names.indexOf(one) < at);
  const filtered = uplinks.find(({ vlans }) => vlans !== undefined);
  return [
    ...(twice === undefined ? [] : [{ field, message: `${twice} is named more than once` }]),
    ...(names.includes(name) ? [{ field, message: `${name} is the bridge itself` }] : []),
    ...(filtered && !vlanFiltering
      ? [
          {
            field,
            message: `${filtered.name}: access, trunk and native go with a bridge that filters. Fix: set vlanFiltering: true`,
          },
        ]
      : []),
    ...(dhcp && uplinks.length === 0
      ? [
          {
            field: "dhcp" as const,
            message: "without an uplink nobody answers. Fix: name an uplink, or give addresses",
          },
        ]
      : []),
  ];
}

function addressComplaints({ addresses, gateway, dhcp, mtu, acceptRa }: Parsed): Complaint[] {
  const found: Complaint[] = [];
  const list = addresses === "keep" ? [] : addresses;
  const twice = list.find((one, at) => list.findIndex((other) => bare(other) === bare(one)) < at);
  if (twice !== undefined) found.push({ field: "addresses", message: `${bare(twice)} is given more than once` });
  if (addresses !== "keep")
    found.push(
      ...gatewayComplaints(gateway ?? [], list, dhcp).map((message) => ({ field: "gateway" as const, message })),
    );
  const six = list.some((one) => one.includes(":")) || acceptRa === true || dhcp === true || dhcp === "ipv6";
  if (mtu !== undefined && mtu < 1280 && six)
    found.push({ field: "mtu", message: `got ${mtu}. Allowed: at least 1280, which IPv6 needs (RFC 8200)` });
  return found;
}

/** What is wrong with gateways of these addresses; nothing of those whose family gets its addresses by DHCP. */
export function gatewayComplaints(
  gateways: readonly string[],
  addresses: readonly string[],
  dhcp: LinuxBridgeInputs["dhcp"],
): string[] {
  return gateways.flatMap((gateway) => {
    const six = gateway.includes(":");
    if (dhcp === true || dhcp === (six ? "ipv6" : "ipv4") || /^fe[89ab]/i.test(gateway)) return [];
    const family = addresses.filter((one) => one.includes(":") === six);
    if (family.some((one) => bare(one) === gateway)) return [`${gateway} is the bridge's own address`];
    if (family.some((one) => contains(prefix(one), gateway))) return [];
    const has = family.length === 0 ? `it has none of ${six ? "IPv6" : "IPv4"}` : family.join(", ");
    return [
      `${gateway} lies in no subnet of the bridge's addresses (${has}). Fix: correct one of them; an on-link gateway is a route with onlink: true`,
    ];
  });
}

function bare(cidr: string): string {
  return cidr.slice(0, cidr.indexOf("/"));
}

function optionComplaints({ stp, forwardDelay }: Parsed): Complaint[] {
  if (!stp || forwardDelay === undefined || forwardDelay >= 2) return [];
  return [{ field: "forwardDelay", message: `got ${forwardDelay} s. Allowed with stp: 2 to 30 seconds (IEEE 802.1D)` }];
}

/** One place for a bridge's types, defaults and errors. */
export const linuxBridgeSchema = v.pipe(
  strict(fields),
  v.rawTransform(({ dataset, addIssue, NEVER }): LinuxBridgeInputs => {
    const given = dataset.value as Parsed;
    const found = complaints(given);
    for (const { field, message } of found)
      addIssue({ message, path: [{ type: "object", origin: "value", input: given, key: field, value: given[field] }] });
    return found.length > 0 ? NEVER : given;
  }),
);
