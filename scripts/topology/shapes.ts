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

/** A NIC by its name, or a bond or VLAN interface on some. */
const uplinkShape = v.union([
  v.pipe(
    v.string(),
    v.transform((name) => ({ name, label: name })),
  ),
  v.pipe(
    v.object({ name: v.string(), ports: texts, mode: text, link: text, id: number }),
    v.transform(({ name, ports, mode, link, id }) => {
      const of = [ports.join(" + "), mode, link && `VLAN ${id} on ${link}`].filter(Boolean);
      return { name, label: of.length > 0 ? `${name}: ${of.join(", ")}` : name };
    }),
  ),
]);

export const linuxBridgeShape = v.object({
  name: text,
  mac: text,
  uplink: v.fallback(v.optional(uplinkShape), undefined),
  uplinks: listOf(uplinkShape),
  addresses: texts,
  gateway: text,
  gateway6: text,
  dhcp: flag,
  dhcp4: flag,
  dhcp6: flag,
  acceptRa: flag,
});

export const networkShape = v.object({
  connection: text,
  name: text,
  mode: text,
  bridge: text,
  uplink: text,
  active: flag,
  domain: part({ name: text }),
  ipv4: text,
  ipv4Address: text,
  ipv6: text,
  ipv6Address: text,
  hosts: listOf(v.object({ ip: v.string(), mac: text, name: text })),
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
  acceleratorInUse: text,
  nics: listOf(v.object({ network: text, bridge: text, mac: text, portGroup: text, linkState: text })),
  addresses: listOf(v.object({ nic: v.number(), ipv4: texts, ipv6: texts })),
});

/** The properties of a resource in the shape of its kind. */
export function shaped<Output>(shape: v.GenericSchema<unknown, Output>, resource: StateResource): Output {
  return v.parse(shape, resource.properties);
}
