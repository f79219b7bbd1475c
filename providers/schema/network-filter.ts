import * as v from "valibot";
import { connectionUri } from "./connection";
import { objectName } from "./name";
import { filterRule } from "./network-filter-rule";
import { addressOrSubnet } from "./network-filter-values";
import { reachablePort } from "./reachable-port";
import { shorthand } from "./shorthand";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

/** A variable's values: each makes a rule of its own. */
const values = v.lazy((input) =>
  Array.isArray(input)
    ? v.pipe(v.array(value), v.minLength(1, "got none. Allowed: at least one value"))
    : v.pipe(
        value,
        v.transform((one) => [one]),
      ),
) as v.GenericSchema<unknown, string[]>;

const value = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9.:]+$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not a value of a filter's variable. Allowed: letters, digits, "." and ":"`,
  ),
);

const parameters = v.pipe(
  v.record(
    v.pipe(
      v.string(),
      v.regex(
        /^[A-Za-z0-9_]+$/,
        (issue) => `${JSON.stringify(issue.input)} is not a variable's name. Allowed: letters, digits and "_"`,
      ),
    ),
    values,
  ),
  v.transform((given) => {
    const sorted = Object.entries(given).sort(([one], [other]) => (one < other ? -1 : 1));
    return sorted.length > 0 ? Object.fromEntries(sorted) : undefined;
  }),
);

/** A filter by its name, with values for its variables. */
export const filterReference = shorthand<{ name: string; parameters?: { [name: string]: string[] } }>(
  v.pipe(
    objectName,
    v.transform((name) => ({ name })),
  ),
  strict({ name: objectName, parameters: v.optional(parameters) }),
);

const chain = v.pipe(
  v.string(),
  v.regex(
    /^(root|(mac|vlan|stp|arp|rarp|ipv4|ipv6)[A-Za-z0-9_.:-]*)$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not a chain. Allowed: "root", or a name that begins with mac, vlan, stp, arp, rarp, ipv4 or ipv6`,
  ),
  v.maxLength(12, (issue) => `${JSON.stringify(issue.input)} has ${issue.received} characters. Allowed: at most 12`),
);

function sources(family: "IPv4" | "IPv6") {
  const ofFamily = v.pipe(
    addressOrSubnet,
    v.check(
      (text) => text.includes(":") === (family === "IPv6"),
      (issue) => `${issue.input} is no ${family} address`,
    ),
  );
  return strict({ allowed: v.array(ofFamily), gateway: v.optional(ofFamily) });
}

const antiSpoofing = strict({
  ipv4: v.optional(sources("IPv4")),
  ipv6: v.optional(sources("IPv6")),
  tagged: v.optional(v.boolean()),
});

/** One place for a network filter's types, defaults and errors. */
export const networkFilterSchema = strict({
  connection: v.optional(connectionUri, "qemu:///system"),
  name: objectName,
  adopt: v.optional(v.string()),
  /** Who makes it; put in by the resource. */
  owner: v.optional(v.string()),
  chain: v.optional(chain),
  priority: v.optional(wholeNumber(-1000, 1000)),
  antiSpoofing: v.optional(antiSpoofing),
  allow: v.optional(v.array(reachablePort)),
  rules: v.optional(v.array(filterRule)),
  filters: v.optional(v.array(filterReference)),
});

export type AntiSpoofing = v.InferOutput<typeof antiSpoofing>;

export type NetworkFilterInputs = v.InferOutput<typeof networkFilterSchema>;
