import { isAutomatic, isLent, isLinkLocal, type Kernel, type Route } from "./kernel";
import { addressKey, routeWords } from "./words";

/**
 * What of `to` is not there, one line each, where a network manager has taken over: it has ways of its own for all but ports,
 * addresses and where routes lead.
 */
export function lacks(now: Kernel, from: Kernel, to: Kernel): string[] {
  const there = new Map(now.links.map((link) => [link.name, link]));
  const wanted = new Set(to.links.map(({ name }) => name));
  const leads = (route: Route) =>
    JSON.stringify([route.family, route.to, route.table, route.hops.map(({ via, device }) => [via, device])]);
  const known = new Set(now.routes.map(leads));
  return [
    ...from.links
      .filter(({ name }) => !wanted.has(name) && there.has(name))
      .map(({ name }) => `${name} is still there`),
    ...to.links.flatMap(({ name, master, addresses }) => {
      const link = there.get(name);
      if (!link) return [`link ${name}`];
      const has = new Set(link.addresses.map(addressKey));
      return [
        ...(link.master === master ? [] : [`${name} in ${master ?? "no bridge"}`]),
        ...addresses
          .filter((address) => !isLent(address) && !isLinkLocal(address) && !has.has(addressKey(address)))
          .map((address) => `address ${addressKey(address)} on ${name}`),
      ];
    }),
    ...to.routes
      .filter((route) => !isAutomatic(route) && route.protocol !== "kernel" && route.expires === undefined)
      .filter((route) => !known.has(leads(route)))
      .map((route) => `route ${routeWords(route).join(" ")}`),
  ];
}

/**
 * What two looks at the same links differ in, one line each. Lives that run down, carriers, and the routes that Linux
 * itself makes of every address are no difference.
 */
export function differences(before: Kernel, now: Kernel): string[] {
  const told = (kernel: Kernel) =>
    new Set([
      ...kernel.links.flatMap((link) => [
        `link ${link.name}: ${JSON.stringify([link.kind, link.up, link.mtu, link.mac, link.master, link.generation, link.acceptRa, link.bridge, link.bond, link.vlan, link.vlans])}`,
        ...link.addresses.map(
          (address) =>
            `${addressKey(address)} on ${link.name}: ${JSON.stringify([address.broadcast, address.scope, address.label, address.metric, address.valid !== undefined, address.flags])}`,
        ),
        `order on ${link.name}: ${link.addresses
          .filter(({ family }) => family === 4)
          .map(addressKey)
          .join(" ")}`,
      ]),
      ...kernel.routes
        .filter(({ table }) => table !== "local")
        .map((route) => `route ${routeWords({ ...route, expires: undefined }).join(" ")}`),
    ]);
  const [old, present] = [told(before), told(now)];
  return [
    ...[...old].filter((line) => !present.has(line)).map((line) => `- ${line}`),
    ...[...present].filter((line) => !old.has(line)).map((line) => `+ ${line}`),
  ];
}
