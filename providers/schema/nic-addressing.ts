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

/** The addresses that a NIC has without asking anybody. */
export const nicAddressing = {
  addresses: v.optional(v.array(interfaceAddress)),
  gateway: v.optional(
    v.pipe(
      shorthand<string | string[]>(address, v.array(address)),
      v.transform((given) => [given].flat()),
    ),
  ),
  routes: v.optional(v.array(strict({ to: destination, via: address }))),
  dns: v.optional(v.array(address)),
};

/** What a NIC is given of its own, in canonical form. */
export interface Addressing {
  addresses?: string[];
  gateway?: string[];
  routes?: { to: string; via: string }[];
  dns?: string[];
}

/** The fields of a NIC that say what it is given of its own. */
export const addressingFields = ["addresses", "gateway", "routes", "dns"] as const;

/** Whether a NIC is given anything of its own. */
export function isAddressed(nic: Addressing): boolean {
  return addressingFields.some((field) => nic[field] !== undefined);
}

/** What a NIC is given of its own, without what else it is. */
export function addressingOf({ addresses, gateway, routes, dns }: Addressing): Addressing {
  return { addresses, gateway, routes, dns };
}

/** What is wrong with a NIC's own addresses: [field, message]. */
export function addressingComplaints({
  addresses = [],
  gateway = [],
  routes = [],
  dns = [],
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
  if (dns.length > 0 && addresses.length === 0)
    found.push(["dns", "goes with addresses; a NIC without any is told of name servers by DHCP. Fix: leave it out"]);
  return found;
}

/** The routes of a NIC with its gateways among them, in CIDR notation. */
export function allRoutes({ gateway = [], routes = [] }: Addressing): { to: string; via: string }[] {
  return [...gateway.map((via) => ({ to: via.includes(":") ? "::/0" : "0.0.0.0/0", via })), ...routes];
}
