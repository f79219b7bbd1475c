import { OperatorError } from "../../dynamic/errors";
import type { BridgeConfig, Route } from "../model";
import { isIpv6 } from "./links";
import { readText } from "./own-file";
import type { HostFiles } from "./renderer";

/** Tables that Linux knows by name (rtnetlink(7)); all other names are the host's. */
const tables = new Map([
  ["default", "253"],
  ["main", "254"],
  ["local", "255"],
]);

/** The bridge with its routes in the words that every renderer has: no "default" for a destination, no name of a table. */
export async function withPlainRoutes(config: BridgeConfig, host: HostFiles): Promise<BridgeConfig> {
  const { addressing } = config;
  const routes: Route[] = [];
  for (const route of addressing.routes) {
    const { table, ...rest } = route;
    const number = table === undefined ? undefined : await tableNumber(table, host);
    routes.push({
      ...rest,
      ...(route.to === "default" && { to: isIpv6(route.via ?? "") ? "::/0" : "0.0.0.0/0" }),
      ...(number !== undefined && number !== tables.get("main") && { table: number }),
    });
  }
  return { ...config, addressing: { ...addressing, routes } };
}

async function tableNumber(name: string, host: HostFiles): Promise<string> {
  if (/^\d+$/.test(name)) return name;
  const known = tables.get(name) ?? (await hostTables(host)).get(name);
  if (known === undefined)
    throw new OperatorError(`this host knows no routing table ${name}`, {
      fix: `give its number, or add "NUMBER ${name}" to /etc/iproute2/rt_tables`,
    });
  return known;
}

async function hostTables(host: HostFiles): Promise<Map<string, string>> {
  const paths = ["/usr/share/iproute2/rt_tables", "/usr/lib/iproute2/rt_tables", "/etc/iproute2/rt_tables"];
  for (const name of await host.list("/etc/iproute2/rt_tables.d"))
    if (name.endsWith(".conf")) paths.push(`/etc/iproute2/rt_tables.d/${name}`);
  const found = new Map<string, string>();
  for (const path of paths)
    for (const line of ((await readText(host, path)) ?? "").split("\n")) {
      const [, number, name] = /^\s*(\d+)\s+(\S+)/.exec(line) ?? [];
      if (name !== undefined) found.set(name, number!);
    }
  return found;
}

/** The words of ip(8) for a route on a device. */
export function routeWords({ to, via, metric, table, source, onlink, mtu }: Route, device: string): string {
  return [
    to,
    via !== undefined && `via ${via}`,
    `dev ${device}`,
    metric !== undefined && `metric ${metric}`,
    table !== undefined && `table ${table}`,
    source !== undefined && `src ${source}`,
    onlink && "onlink",
    mtu !== undefined && `mtu ${mtu}`,
  ]
    .filter(Boolean)
    .join(" ");
}
