import type { Address, Link, Route } from "../../../providers/host-network/kernel";
import type { LinuxBridgeInputs } from "../../../providers/schema/linux-bridge";

/** A bridge br0 over eth0, as its schema writes it out. */
export function inputs(more: Partial<LinuxBridgeInputs> = {}): LinuxBridgeInputs {
  return {
    machine: { kind: "local" },
    name: "br0",
    uplink: [{ kind: "nic", name: "eth0" }],
    addresses: "keep",
    stp: false,
    persist: "none",
    confirmTimeout: "60s",
    confirm: { ping: [], tcp: [] },
    disruption: "live",
    ...more,
  };
}

/** "eth0" that is on, with these addresses. */
export function nic(name: string, addresses: Address[] = [], more: Partial<Link> = {}): Link {
  const mac = macOf(name);
  return { name, up: true, carrier: true, mtu: 1500, mac, generation: "eui64", acceptRa: 1, addresses, ...more };
}

/** The MAC address of a NIC by its name. */
export function macOf(name: string): string {
  return `02:00:00:00:00:0${name.at(-1)}`;
}

/** "192.168.155.32/24" */
export function ip(text: string, more: Partial<Address> = {}): Address {
  const [local, length] = text.split("/") as [string, string];
  const family = local.includes(":") ? 6 : 4;
  return {
    family,
    local,
    length: Number(length),
    scope: local.startsWith("fe80") ? "link" : "global",
    flags: [],
    ...more,
  };
}

/** A route by `device`, through `via` where it is given. */
export function route(to: string, via: string | undefined, device: string, more: Partial<Route> = {}): Route {
  const family = (via ?? to).includes(":") ? 6 : 4;
  return {
    family,
    type: "unicast",
    to,
    table: "main",
    protocol: "static",
    ...(family === 4 ? { scope: via === undefined ? "link" : "global" } : { metric: 1024 }),
    hops: [{ via, device, weight: 1, onlink: false }],
    metrics: [],
    unknown: [],
    ...more,
  };
}
