import * as v from "valibot";
import type { StateResource } from "./state";

// What the picture reads of each kind of resource. Whatever is missing, a secret, or of another shape is left out of the
// picture: a state may come from another version of the product.

const text = v.fallback(v.optional(v.pipe(v.string(), v.nonEmpty())), undefined);
const number = v.fallback(v.optional(v.number()), undefined);
const flag = v.fallback(v.optional(v.boolean()), undefined);

function listOf<Item>(item: v.GenericSchema<unknown, Item>) {
  return v.optional(
    v.pipe(
      v.unknown(),
      v.transform((value): Item[] =>
        (Array.isArray(value) ? value : []).flatMap((each) => {
          const parsed = v.safeParse(item, each);
          return parsed.success ? [parsed.output] : [];
        }),
      ),
    ),
    [],
  );
}

const texts = listOf(v.string());

/** One text is a list of it. */
const textOrTexts = v.pipe(
  v.optional(v.unknown(), []),
  v.transform((value) => (typeof value === "string" ? [value] : value)),
  texts,
);

function part<Entries extends v.ObjectEntries>(entries: Entries) {
  return v.fallback(v.optional(v.object(entries)), undefined);
}

export const machineShape = part({ kind: text, host: text, port: number, uri: text });

export const hostShape = v.object({
  connection: text,
  libvirtVersion: text,
  cpus: number,
  memory: number,
  accelerator: text,
});

const vlans = part({ untagged: number, tagged: listOf(v.number()) });

/** As the state has an uplink; a preview of a new bridge still has it as the program wrote it. */
const uplinkShape = v.union([
  v.pipe(
    v.string(),
    v.transform((name) => ({ name })),
  ),
  v.pipe(
    v.object({ nic: v.string() }),
    v.transform(({ nic }) => ({ name: nic })),
  ),
  v.pipe(
    v.object({ bond: v.object({ name: v.optional(v.string(), "bond0"), ports: texts, mode: text }) }),
    v.transform(({ bond }) => bond),
  ),
  v.pipe(
    v.object({ vlan: v.object({ name: text, link: v.string(), id: v.number() }) }),
    v.transform(({ vlan }) => ({ ...vlan, name: vlan.name ?? `${vlan.link}.${vlan.id}` })),
  ),
  v.object({ name: v.string(), ports: texts, mode: text, link: text, id: number, vlans }),
]);

export interface UplinkShape {
  name: string;
  /** Of a bond. */
  ports?: string[];
  mode?: string;
  /** Of a VLAN interface. */
  link?: string;
  id?: number;
  vlans?: VlansShape;
}

export type VlansShape = v.InferOutput<typeof vlans>;

export const linuxBridgeShape = v.object({
  name: text,
  mac: text,
  /** One, or a list. */
  uplink: v.pipe(
    v.optional(v.unknown(), []),
    v.transform((value) => (Array.isArray(value) ? value : [value])),
    listOf<UplinkShape>(uplinkShape),
  ),
  addresses: texts,
  assigned: v.fallback(v.optional(v.array(v.string())), undefined),
  gateway: textOrTexts,
  dhcp: v.fallback(v.optional(v.union([v.boolean(), v.string()])), undefined),
  acceptRa: flag,
  vlanFiltering: v.fallback(v.optional(v.object({})), undefined),
  /** What everything that was left out came to. */
  config: part({
    addressing: part({ gateway4: text, gateway6: text, dhcp4: flag, dhcp6: flag, acceptRa: flag, addresses: texts }),
  }),
});

export const networkShape = v.object({
  connection: text,
  name: text,
  mode: text,
  bridge: text,
  uplink: text,
  uplinks: texts,
  active: flag,
  domain: part({ name: text }),
  ipv4: text,
  ipv4Address: text,
  ipv6: text,
  ipv6Address: text,
  hosts: listOf(v.object({ ip: v.string(), mac: text, name: text })),
  vlans,
  isolatedPorts: flag,
  portGroups: listOf(v.object({ name: v.string(), default: flag, vlans })),
});

export const portForwardShape = v.object({
  name: text,
  to: texts,
  active: flag,
  ports: listOf(
    v.pipe(
      v.object({
        host: v.union([v.number(), v.string()]),
        guest: v.optional(v.union([v.number(), v.string()])),
        protocol: v.optional(v.string(), "tcp"),
        address: text,
        interface: text,
      }),
      v.transform(({ guest, ...port }) => ({ ...port, guest: guest ?? port.host })),
    ),
  ),
});

export const domainShape = v.object({
  connection: text,
  name: text,
  kind: text,
  adopt: text,
  title: text,
  memory: v.fallback(v.optional(v.union([v.string(), v.number()])), undefined),
  vcpus: number,
  state: text,
  power: text,
  acceleratorInUse: text,
  nics: listOf(
    v.object({ network: text, bridge: text, mac: text, portGroup: text, linkState: text, isolated: flag, vlans }),
  ),
  addresses: listOf(v.object({ nic: v.number(), ipv4: texts, ipv6: texts })),
});

/** The properties of a resource in the shape of its kind. */
export function shaped<Output>(shape: v.GenericSchema<unknown, Output>, resource: StateResource): Output {
  return v.parse(shape, resource.properties);
}
