import * as v from "valibot";
import { address, ipv4, mac, nth, prefix, subnet4, subnet6 } from "./address";
import { bandwidth } from "./bandwidth";
import { connectionUri } from "./connection";
import { clientId } from "./dhcp-client-id";
import { duration, milliseconds } from "./duration";
import { machineSpec } from "./machine";
import { hostName, interfaceName, objectName } from "./name";
import { partComplaints, wholeComplaints, type Complaint } from "./network-rules";
import { portVlans } from "./port-vlans";
import { canonicalLease, defaultRange } from "./range";
import { sorted } from "./record";
import { shorthand } from "./shorthand";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

export const networkModes = ["nat", "route", "isolated", "open", "bridge", "macvtap"] as const;

export const macvtapModes = ["bridge", "private", "vepa", "passthrough"] as const;

/** The range of one family: what is left out follows from the subnet. */
const range = strict({
  start: v.optional(address),
  end: v.optional(address),
  leaseTime: v.optional(
    v.pipe(
      duration,
      v.check(
        (text) => !v.is(duration, text) || milliseconds(text) >= 120_000,
        (issue) => `${JSON.stringify(issue.input)} is too short. Allowed: at least "2m"`,
      ),
      v.transform(canonicalLease),
    ),
  ),
});

const host = strict({
  ip: address,
  mac: v.optional(mac),
  id: v.optional(clientId),
  name: v.optional(hostName),
});

const dnsText = v.pipe(
  v.string(),
  v.regex(
    /^[^\p{Cc}]+$/u,
    (issue) => `${JSON.stringify(issue.input)} is not a text. Allowed: at least one character, no control characters`,
  ),
);

const recordName = v.pipe(
  v.string(),
  v.regex(
    /^[^\s,\p{Cc}]+$/u,
    (issue) => `${JSON.stringify(issue.input)} is not a record name. Allowed: characters other than blanks and commas`,
  ),
);

const srvLabel = v.pipe(
  v.string(),
  v.regex(
    /^_?[A-Za-z0-9]([A-Za-z0-9_.+/-]*[A-Za-z0-9])?$/,
    (issue) => `${JSON.stringify(issue.input)} is not a service or protocol. Allowed: e.g. "ldap" or "tcp"`,
  ),
);

function records<Output>(record: v.GenericSchema<unknown, Output>) {
  return v.optional(
    v.pipe(
      v.array(record),
      v.transform((list: Output[]) => sorted(list)),
    ),
  );
}

const fields = {
  connection: v.optional(connectionUri, "qemu:///system"),
  machine: v.optional(machineSpec),
  name: objectName,
  adopt: v.optional(v.string()),
  /** The resource that declares it, as project/stack/name. Set by the resource class, written into the network. */
  owner: v.optional(v.string()),
  mode: v.optional(v.picklist(networkModes), "nat"),
  macvtapMode: v.optional(v.picklist(macvtapModes)),
  uplink: v.optional(interfaceName),
  uplinks: v.optional(
    v.pipe(
      v.array(interfaceName),
      v.minLength(1, "is empty. Allowed: at least one interface of the host"),
      v.transform((names) => [...names].sort()),
    ),
  ),
  natIpv6: v.optional(v.boolean()),
  natAddresses: v.optional(strict({ start: ipv4, end: ipv4 })),
  natPorts: v.optional(strict({ start: wholeNumber(1, 65535), end: wholeNumber(1, 65535) })),
  bridge: v.optional(interfaceName),
  stp: v.optional(v.boolean()),
  mtu: v.optional(wholeNumber(68, 65535)),
  domain: v.optional(
    shorthand<{ name: string; localOnly: boolean }>(
      v.pipe(
        hostName,
        v.transform((name) => ({ name, localOnly: true })),
      ),
      strict({ name: hostName, localOnly: v.optional(v.boolean(), true) }),
    ),
  ),
  ipv4: v.optional(subnet4),
  ipv4Address: v.optional(address),
  dhcp: v.optional(v.boolean()),
  dhcpRange: v.optional(range),
  ipv6: v.optional(subnet6),
  ipv6Address: v.optional(address),
  dhcp6: v.optional(v.boolean()),
  dhcp6Range: v.optional(range),
  hosts: records(host),
  dnsHosts: records(strict({ ip: address, hostnames: v.pipe(v.array(hostName), v.minLength(1)) })),
  dnsTxt: records(strict({ name: recordName, value: dnsText })),
  dnsSrv: records(
    strict({
      service: srvLabel,
      protocol: srvLabel,
      domain: v.optional(hostName),
      target: v.optional(hostName),
      port: v.optional(wholeNumber(1, 65535)),
      priority: v.optional(wholeNumber(0, 65535)),
      weight: v.optional(wholeNumber(0, 65535)),
    }),
  ),
  dnsForwarders: v.optional(v.array(strict({ address: v.optional(address), domain: v.optional(hostName) }))),
  routes: records(
    strict({
      to: v.lazy((text) => (typeof text === "string" && text.includes(":") ? subnet6 : subnet4)),
      via: address,
      metric: v.optional(wholeNumber(1, 2 ** 31 - 1)),
    }),
  ),
  bandwidth: v.optional(bandwidth),
  portGroups: records(
    strict({
      name: objectName,
      default: v.optional(
        v.pipe(
          v.boolean(),
          v.transform((value) => value || undefined),
        ),
      ),
      bandwidth: v.optional(bandwidth),
      vlans: v.optional(portVlans),
    }),
  ),
  vlans: v.optional(portVlans),
  isolatedPorts: v.optional(v.boolean()),
  autostart: v.optional(v.boolean(), true),
  active: v.optional(v.boolean(), true),
  disruption: v.optional(v.picklist(["live", "reboot", "replace"])),
};

type Parsed = v.InferOutput<ReturnType<typeof strict<typeof fields>>>;

/** A network's canonical inputs: sorted records, and everything that follows from the subnets written out. */
export type NetworkInputs = Omit<Parsed, "dhcpRange" | "dhcp6Range"> & {
  dhcpRange?: { start: string; end: string; leaseTime?: string };
  dhcp6Range?: { start: string; end: string; leaseTime?: string };
};

/** Writes out what the subnets imply: the bridge's address is the first host, DHCP is on and hands out the others. */
function complete(inputs: Parsed): NetworkInputs {
  const { ipv4, ipv6, uplink, ...rest } = inputs;
  const made = { ...rest } as NetworkInputs;
  if (inputs.mode !== "macvtap") made.uplink = uplink;
  else Object.assign(made, { macvtapMode: inputs.macvtapMode ?? "bridge", uplinks: inputs.uplinks ?? [uplink] });
  if (made.uplink === undefined) delete made.uplink;
  if (ipv4 !== undefined)
    Object.assign(made, { ipv4, ...implied(ipv4, inputs.ipv4Address, inputs.dhcp, inputs.dhcpRange, "ipv4") });
  if (ipv6 !== undefined)
    Object.assign(made, { ipv6, ...implied(ipv6, inputs.ipv6Address, inputs.dhcp6, inputs.dhcp6Range, "ipv6") });
  if (ipv6 !== undefined && inputs.mode === "nat") made.natIpv6 ??= /^f[cd]/i.test(ipv6);
  return made;
}

function implied(
  subnet: string,
  address: string | undefined,
  dhcp = true,
  given: { start?: string; end?: string; leaseTime?: string } | undefined,
  family: "ipv4" | "ipv6",
) {
  const network = prefix(subnet);
  const bridge = address ?? nth(network, 1);
  const range = dhcp ? { ...defaultRange(network, bridge), ...given } : undefined;
  return family === "ipv4"
    ? { ipv4Address: bridge, dhcp, dhcpRange: range }
    : { ipv6Address: bridge, dhcp6: dhcp, dhcp6Range: range };
}

/** One place for a network's types, defaults and errors. */
export const networkSchema = v.pipe(
  strict(fields),
  v.rawTransform(({ dataset, addIssue, NEVER }): NetworkInputs => {
    const given = dataset.value;
    const complain = (complaints: Complaint[]) => {
      for (const { field, message } of complaints)
        addIssue({
          message,
          path: [{ type: "object", origin: "value", input: given, key: field, value: given[field as keyof Parsed] }],
        });
      return complaints.length > 0;
    };
    if (complain(partComplaints(given))) return NEVER;
    const made = complete(given);
    return complain(wholeComplaints(made)) ? NEVER : made;
  }),
);
