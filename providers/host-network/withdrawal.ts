import { isAutomatic, isLent, usesDevice, type Kernel, type Link } from "./kernel";
import type { BridgeConfig } from "./model";
import { affected, moved, names, part, unique, withClients, withOwnMac, type Plan, type PlanOptions } from "./plan";
import { isLentRoute } from "./resolve";

/** What was before the bridge: its uplinks with their addresses and routes, without the bridge and what we made below it. */
export function withdrawal(
  host: Kernel,
  config: BridgeConfig,
  earlier: Kernel | undefined,
  { clients = false }: PlanOptions = {},
): Plan {
  const from = withClients(part(host, affected(config)), clients);
  const before = earlier && withClients(earlier, clients);
  const find = (name: string) => from.links.find((link) => link.name === name);
  const bridge = find(config.name);
  const [first] = config.uplinks.flatMap((uplink) => (uplink.kind === "bond" ? uplink.ports : [uplink.name]));
  const ours = new Set([
    config.name,
    ...config.uplinks.flatMap((uplink) => (uplink.kind === "nic" ? [] : [uplink.name])),
  ]);
  const lent = bridge?.addresses.filter(isLent) ?? [];
  const back = (link: Link): Link => {
    const old = before?.links.find(({ name }) => name === link.name);
    if (old) {
      const kept = old.addresses.filter((address) => !isLent(address));
      return { ...old, carrier: link.carrier, addresses: [...kept, ...(old.addresses.some(isLent) ? lent : [])] };
    }
    const addresses = link.name === first ? (bridge?.addresses ?? link.addresses) : link.addresses;
    return { ...withOwnMac(link, from), master: undefined, generation: "eui64", addresses };
  };
  const links = from.links.filter(({ name }) => !ours.has(name)).map(back);
  const renamed = first === undefined ? [] : from.routes.flatMap((route) => moved(route, [config.name], first));
  const lentNow = renamed.filter((route) => bridge && isLentRoute(route, [bridge]));
  const routes = before
    ? [
        ...before.routes.filter(
          (route) => route.hops.every(({ device }) => names(links).has(device)) && route.expires === undefined,
        ),
        ...(links.some(({ addresses }) => addresses.some(isLent)) ? lentNow : []),
      ]
    : renamed;
  const others = from.routes.filter((route) => !usesDevice(route, config.name));
  return { from, to: { links, routes: unique([...others, ...routes.filter((route) => !isAutomatic(route))]) } };
}
