import { attribute, child, children, element, replaceChild, type Element } from "./document";
import type { NicModel } from "./domain-nic";
import { adopt } from "./edit";

type Addressing = Pick<NicModel, "guest" | "addresses" | "routes">;

/** Makes the interface of a container say its name inside, its addresses and its routes. */
export function editAddressing(at: Element, { guest, addresses = [], routes = [] }: Addressing): void {
  replaceChild(at, "guest", guest === undefined ? undefined : element("guest", { dev: guest }));
  for (const name of ["ip", "route"]) for (const old of children(at, name)) at.removeChild(old);
  for (const address of addresses) adopt(at, element("ip", whole(address)));
  for (const { to, via } of routes) adopt(at, element("route", { ...whole(to), gateway: via }));
}

function whole(cidr: string): { family: string; address: string; prefix: string } {
  const [address, prefix] = cidr.split("/") as [string, string];
  return { family: address.includes(":") ? "ipv6" : "ipv4", address, prefix };
}

/** What an interface says of it; nothing where it says nothing. */
export function parseAddressing(at: Element): Addressing {
  const guest = attribute(child(at, "guest"), "dev");
  const addresses = children(at, "ip").map(cidr);
  const routes = children(at, "route").map((route) => ({ to: cidr(route), via: attribute(route, "gateway") ?? "" }));
  return {
    ...(guest !== undefined && { guest }),
    ...(addresses.length > 0 && { addresses }),
    ...(routes.length > 0 && { routes }),
  };
}

function cidr(at: Element): string {
  const address = attribute(at, "address") ?? "";
  return `${address}/${attribute(at, "prefix") ?? (address.includes(":") ? 128 : 32)}`;
}
