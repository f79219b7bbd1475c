import type { Problem } from "../dynamic/contract";
import { cidr, isAutomatic, usesDevice, type Link, type Route } from "../host-network/kernel";
import type { HostNetwork } from "../host-network/look";
import type { BridgeConfig, Uplink } from "../host-network/model";
import { affected, aliasOf, plan, type Plan } from "../host-network/plan";
import { resolve } from "../host-network/resolve";
import { canonicalAddress, overlap, parsePrefix, prefix } from "../schema/address";
import { gatewayComplaints, type LinuxBridgeInputs } from "../schema/linux-bridge";
import { existsProblem } from "./adopt";

/** What a host has against a bridge. Nothing is changed. */
export function bridgeProblems(
  host: HostNetwork,
  news: LinuxBridgeInputs,
  earlier: BridgeConfig | undefined,
): Problem[] {
  const first = [...nameProblems(host, news, earlier !== undefined), ...uplinkProblems(host, news, earlier)];
  // What follows is computed from links that are there.
  if (first.length > 0) return first;
  const config = resolve(news, host, earlier);
  const planned = plan(host, config, earlier);
  return [
    ...kernelProblems(host, config),
    ...macProblems(host, news, config),
    ...addressProblems(host, config),
    ...gatewayProblems(news, config),
    ...mtuProblems(news, config),
    ...lockoutProblems(host, planned),
    ...routeProblems(planned),
  ];
}

function nameProblems(host: HostNetwork, { name, adopt, owner }: LinuxBridgeInputs, known: boolean): Problem[] {
  if (!host.root)
    return [{ field: "machine", reason: "only root can change the network. Fix: connect as root, or set sudo: true" }];
  if (known) return [];
  const there = host.links.find((link) => link.name === name);
  if (adopt !== undefined && adopt !== name)
    return [
      {
        field: "adopt",
        reason: `the bridge to adopt is ${JSON.stringify(adopt)}. Fix: set name: ${JSON.stringify(adopt)}`,
      },
    ];
  if (!there)
    return adopt === undefined
      ? []
      : [
          {
            field: "adopt",
            reason: `there is no bridge ${JSON.stringify(adopt)} to adopt. Fix: leave adopt out to make a new one`,
          },
        ];
  if (there.kind !== "bridge")
    return [
      {
        field: "name",
        reason: `there is an interface ${name}, which is no bridge${there.kind ? ` (${there.kind})` : ""}. Fix: choose another name`,
      },
    ];
  const network = host.networks.find(({ bridge }) => bridge === name);
  if (network)
    return [
      { field: "name", reason: `${name} is the bridge of libvirt's network ${network.name}. Fix: choose another name` },
    ];
  if (adopt !== undefined || there.alias === aliasOf(owner ?? name)) return [];
  return [{ field: "name", reason: existsProblem("bridge", name) }];
}

function uplinkProblems(host: HostNetwork, news: LinuxBridgeInputs, earlier?: BridgeConfig): Problem[] {
  return news.uplink
    .flatMap((uplink) => [
      ...nicsOf(uplink).flatMap((nic) => nicProblem(host, nic, uplink, news.name)),
      ...madeProblem(host, uplink, earlier, news),
    ])
    .map((reason) => ({ field: "uplink", reason }));
}

function nicsOf(uplink: Uplink): string[] {
  if (uplink.kind === "bond") return uplink.ports;
  return [uplink.kind === "vlan" ? uplink.link : uplink.name];
}

function nicProblem(host: HostNetwork, nic: string, uplink: Uplink, bridge: string): string[] {
  const link = host.links.find(({ name }) => name === nic);
  if (!link) return [`there is no interface ${nic}. Those that exist: ${usable(host).join(", ") || "none"}`];
  if (link.kind === "bridge") return [`${nic} is a bridge itself. Fix: name the interface under it`];
  if (nic === "lo") return ["lo is the loopback interface. Fix: name one of hardware"];
  if (uplink.kind === "vlan") return [];
  const riders = host.links.filter(({ kind, parent }) => parent === nic && (kind === "macvlan" || kind === "macvtap"));
  if (riders.length > 0)
    return [
      `${nic} carries ${riders.map(({ name, kind }) => `${name} (${kind})`).join(", ")}, and Linux allows no bridge beside. Fix: remove them`,
    ];
  const { master } = link;
  if (master === undefined || master === bridge || (uplink.kind === "bond" && master === uplink.name)) return [];
  const kind = host.links.find(({ name }) => name === master)?.kind ?? "device";
  const fix = kind === "bond" ? `name the bond: uplink: "${master}"` : "take it out there, or name another interface";
  return [`${nic} is already in ${kind} ${master}. Fix: ${fix}`];
}

/** NICs, bonds and VLAN interfaces: not the ports of guests and containers, and not bridges. */
function usable(host: HostNetwork): string[] {
  const nics = host.links.filter(
    ({ name, kind }) => name !== "lo" && (kind === undefined || kind === "bond" || kind === "vlan"),
  );
  const others = host.links.filter(({ name, kind }) => name !== "lo" && kind !== "bridge" && kind !== "tun");
  return (nics.length > 0 ? nics : others).map(({ name }) => name);
}

/** A bond or VLAN interface that is to be made is not there yet, unless it is ours. */
function madeProblem(
  host: HostNetwork,
  uplink: Uplink,
  earlier: BridgeConfig | undefined,
  { name, owner }: LinuxBridgeInputs,
): string[] {
  const there = uplink.kind === "nic" ? undefined : host.links.find((link) => link.name === uplink.name);
  if (!there || uplink.kind === "nic") return [];
  const before = earlier?.uplinks.find((one) => one.name === uplink.name && one.kind === uplink.kind);
  const bridge = host.links.find((link) => link.name === name);
  const leftOver = there.master === name && bridge?.alias === aliasOf(owner ?? name);
  if (!before && !leftOver)
    return [
      `there is an interface ${uplink.name} already. Fix: name it as it is, uplink: "${uplink.name}", or choose another name`,
    ];
  if (uplink.kind === "bond" && there.bond && there.bond.mode !== uplink.mode)
    return [
      `the mode of ${uplink.name} cannot change from ${there.bond.mode} to ${uplink.mode} while it has ports. Fix: give the bond another name`,
    ];
  if (uplink.kind === "vlan" && there.vlan && (there.vlan.id !== uplink.id || there.vlan.link !== uplink.link))
    return [`${uplink.name} is VLAN ${there.vlan.id} of ${there.vlan.link}. Fix: give the VLAN interface another name`];
  return [];
}

function kernelProblems(host: HostNetwork, config: BridgeConfig): Problem[] {
  const lacks = (field: string, kind: "bond" | "vlan", what: string) =>
    host.kinds.has(kind) ? [] : [{ field, reason: `the host's kernel has no ${what}` }];
  return [
    ...(config.uplinks.some(({ kind }) => kind === "bond") ? lacks("uplink", "bond", "bonds (module bonding)") : []),
    ...(config.uplinks.some(({ kind }) => kind === "vlan")
      ? lacks("uplink", "vlan", "VLAN interfaces (module 8021q)")
      : []),
    ...(config.vlans ? lacks("vlanFiltering", "vlan", "VLAN filtering (it comes with 8021q)") : []),
    ...(config.vlans && !host.programs.has("bridge")
      ? [{ field: "vlanFiltering", reason: "the host has no program bridge. Fix: install iproute2 there" }]
      : []),
  ];
}

function macProblems(host: HostNetwork, { mac }: LinuxBridgeInputs, config: BridgeConfig): Problem[] {
  if (mac === undefined) return [];
  const ours = affected(config);
  const other = host.links.find((link) => link.mac === mac && !ours.includes(link.name) && link.master !== config.name);
  return other
    ? [{ field: "mac", reason: `${mac} is the address of ${other.name}. Fix: choose another one, or leave it out` }]
    : [];
}

/** Addresses that are new to the host must lie in a network that it does not reach in another way. */
function addressProblems(host: HostNetwork, config: BridgeConfig): Problem[] {
  const ours = affected(config);
  const own = host.links.filter(({ name }) => ours.includes(name)).flatMap(({ addresses }) => addresses.map(cidr));
  return config.addressing.addresses
    .filter((address) => !own.includes(address))
    .flatMap((address) => {
      const taken = takenBy(host, address, ours, config.name);
      return taken === undefined
        ? []
        : [
            {
              field: "addresses",
              reason: `${address} overlaps ${taken}. Fix: choose an address of a network that is free on the host`,
            },
          ];
    });
}

function takenBy(host: HostNetwork, address: string, ours: string[], bridge: string): string | undefined {
  const wanted = prefix(address);
  const network = host.networks.find(
    (one) => one.bridge !== bridge && one.subnets.some((subnet) => clashes(wanted, subnet)),
  );
  if (network)
    return `libvirt's network ${network.name} (${network.subnets.find((subnet) => clashes(wanted, subnet))})`;
  for (const link of host.links.filter(({ name }) => !ours.includes(name) && name !== "lo")) {
    const one = link.addresses.find(
      ({ local, length, scope }) => scope !== "link" && clashes(wanted, `${local}/${length}`),
    );
    if (one) return `${cidr(one)} of interface ${link.name}`;
  }
  const route = host.routes.find(
    (one) =>
      one.to !== "default" &&
      !isAutomatic(one) &&
      one.hops.length > 0 &&
      !ours.some((device) => usesDevice(one, device)) &&
      parsePrefix(one.to)!.length > 3 &&
      clashes(wanted, one.to),
  );
  return route && `the host's route to ${route.to} by ${route.hops[0]!.device}`;
}

function clashes(wanted: ReturnType<typeof prefix>, subnet: string): boolean {
  const other = parsePrefix(subnet);
  return other !== undefined && overlap(wanted, other);
}

/** Of the addresses that are kept, which the schema does not know. */
function gatewayProblems({ gateway, addresses, dhcp }: LinuxBridgeInputs, { addressing }: BridgeConfig): Problem[] {
  if (addresses !== "keep" || !gateway) return [];
  const lent = dhcp ?? (addressing.dhcp4 ? "ipv4" : undefined);
  return gatewayComplaints(gateway, addressing.addresses, lent).map((reason) => ({ field: "gateway", reason }));
}

/** As the schema's, for addresses that are kept. */
function mtuProblems({ mtu, addresses }: LinuxBridgeInputs, { addressing }: BridgeConfig): Problem[] {
  const six = addressing.addresses.find((one) => one.includes(":"));
  if (mtu === undefined || mtu >= 1280 || addresses !== "keep" || six === undefined) return [];
  return [{ field: "mtu", reason: `got ${mtu}. Allowed: at least 1280, which IPv6 needs (RFC 8200): ${six}` }];
}

/** The address by which the controller itself came in stays. */
function lockoutProblems({ entrance }: HostNetwork, { from, to }: Plan): Problem[] {
  if (entrance === undefined) return [];
  const address = canonicalAddress(entrance.replace(/%.*/, ""));
  const has = (links: readonly Link[]) =>
    links.some(({ addresses }) => addresses.some(({ local }) => local === address));
  if (!has(from.links) || has(to.links)) return [];
  const subnet = from.links.flatMap(({ addresses }) => addresses).find(({ local }) => local === address)!;
  return [
    {
      field: "addresses",
      reason: `your own connection to the host came in by ${address}, which would leave it. Fix: keep "${cidr(subnet)}" among the addresses; it can go when you connect by another one`,
    },
  ];
}

/** What could not be put back exactly, and what would be lost, is not touched. */
function routeProblems({ from, to }: Plan): Problem[] {
  const ours = from.routes.filter((route) => !isAutomatic(route));
  const lost = ours.filter(
    ({ hops, to: destination, table }) =>
      hops.length > 1 &&
      !to.routes.some((route) => route.hops.length > 1 && route.to === destination && route.table === table),
  );
  const described = (route: Route) =>
    `the route to ${route.to} by ${[...new Set(route.hops.map(({ device }) => device))].join(" and ")}`;
  return [
    ...ours
      .filter(({ unknown }) => unknown.length > 0)
      .map(
        (route) =>
          `${described(route)} has ${route.unknown.join(", ")}, which could not be put back as it was if the change failed. Fix: remove the route, or make it without`,
      ),
    ...lost.map(
      (route) =>
        `${described(route)} would be lost: not all its gateways are in subnets of the bridge's addresses. Fix: remove the route, or keep the addresses`,
    ),
  ].map((reason) => ({ field: "uplink", reason }));
}
