import * as v from "valibot";
import { address, canonicalAddress, contains, firstAddress, interfaceAddress, parsePrefix, prefix } from "./address";
import { shorthand } from "./shorthand";
import { strict } from "./strict";

const destination = v.pipe(
  v.string(),
  v.check(
    (text) => parsePrefix(text) !== undefined,
    (issue) => `${JSON.stringify(issue.input)} is not a destination. Allowed: CIDR notation, e.g. "10.1.0.0/16"`,
  ),
  v.transform((text) => {
    const parsed = prefix(text);
    return `${canonicalAddress(firstAddress(parsed).toString())}/${parsed.length}`;
  }),
);

/** The addresses that a container's NIC has without asking anybody. */
export const nicAddressing = {
  addresses: v.optional(v.array(interfaceAddress)),
  gateway: v.optional(
    v.pipe(
      shorthand<string | string[]>(address, v.array(address)),
      v.transform((given) => [given].flat()),
    ),
  ),
  routes: v.optional(v.array(strict({ to: destination, via: address }))),
};

interface Addressing {
  addresses?: string[];
  gateway?: string[];
  routes?: { to: string; via: string }[];
}

/** What is wrong with a NIC's own addresses: [field, message]. */
export function addressingComplaints({
  addresses = [],
  gateway = [],
  routes = [],
}: Addressing): [keyof Addressing, string][] {
  const found: [keyof Addressing, string][] = [];
  const reachable = (via: string) => addresses.some((own) => contains(prefix(own), via));
  const subnets = () => addresses.join(", ") || "none";
  for (const via of gateway)
    if (!reachable(via)) found.push(["gateway", `${via} is in no subnet of the NIC's addresses (${subnets()})`]);
  for (const { to, via } of routes)
    if (!reachable(via))
      found.push(["routes", `to ${to}: ${via} is in no subnet of the NIC's addresses (${subnets()})`]);
  const families = gateway.map((via) => via.includes(":"));
  if (new Set(families).size < families.length)
    found.push(["gateway", `${gateway.join(", ")}: one of each family is the most. Fix: say the others in routes`]);
  return found;
}

/** The routes of a NIC with its gateways among them, in CIDR notation. */
export function allRoutes({ gateway = [], routes = [] }: Addressing): { to: string; via: string }[] {
  return [...gateway.map((via) => ({ to: via.includes(":") ? "::/0" : "0.0.0.0/0", via })), ...routes];
}
