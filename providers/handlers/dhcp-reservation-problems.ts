import { isDeepStrictEqual } from "node:util";
import { allDeclared, declaredInputs } from "../dynamic/declared";
import type { Problem } from "../dynamic/contract";
import { containsUnknown } from "../dynamic/unknown";
import type { Connection } from "../libvirt/connection";
import { parseNetwork, type NetworkModel } from "../libvirt/xml/network";
import { akin } from "../libvirt/xml/network-hosts";
import type { DhcpHost } from "../libvirt/xml/network-records";
import type { DhcpReservationInputs } from "../schema/dhcp-reservation";
import type { NetworkInputs } from "../schema/network";
import { hostComplaint } from "../schema/network-rules";
import { found } from "./adopt";
import { missingProblem } from "./missing";

/** The network's records of a reservation. IPv4 knows the guest by its MAC address, IPv6 by its DUID or name. */
export function leasesOf({ mac, ipv4, ipv6, name, duid: id }: Partial<DhcpReservationInputs>): DhcpHost[] {
  const named = name !== undefined && { name };
  return [
    ...(ipv4 === undefined ? [] : [{ ip: ipv4, mac, ...named }]),
    ...(ipv6 === undefined ? [] : [{ ip: ipv6, ...(id !== undefined && { id }), ...named }]),
  ];
}

/** What keeps the network from reserving the addresses: no such subnet, or somebody else has them. */
export async function reservationProblems(
  connection: Connection,
  news: DhcpReservationInputs,
  olds: Partial<DhcpReservationInputs> | undefined,
): Promise<Problem[]> {
  const { connection: uri, network: name } = news;
  const declared = declaredInputs<NetworkInputs>("Network", { connection: uri, name });
  const there = await found(connection.networkLookupByName(name));
  if (!declared && !there) {
    const known = (await connection.connectListAllNetworks()).map((network) => network.name);
    return [{ field: "network", reason: missingProblem("network", name, known, "Network") }];
  }
  const live = there && parseNetwork(await connection.networkGetXMLDesc(there));
  const model: Partial<NetworkModel> | undefined = declared && !containsUnknown(declared) ? declared : live;
  if (!model) return [];
  return [
    ...leasesOf(news).flatMap((lease) => subnetProblems(lease, model, name)),
    ...takenProblems(news, olds, declared, live),
  ];
}

function fieldOf({ ip }: DhcpHost): "ipv4" | "ipv6" {
  return ip.includes(":") ? "ipv6" : "ipv4";
}

function subnetProblems(lease: DhcpHost, model: Partial<NetworkModel>, network: string): Problem[] {
  const field = fieldOf(lease);
  const subnet = model[field];
  if (subnet === undefined)
    return [
      {
        field,
        reason: `network ${network} has no ${field === "ipv4" ? "IPv4" : "IPv6"} subnet for ${lease.ip}. Fix: give it one, or leave the address out`,
      },
    ];
  const own = model[field === "ipv4" ? "ipv4Address" : "ipv6Address"];
  if (lease.ip === own)
    return [{ field, reason: `${lease.ip} is the bridge's own address. Fix: choose another of ${subnet}` }];
  return hostComplaint(field, lease.ip, subnet).map(({ message }) => ({ field, reason: message }));
}

/** Leases that the network's own resource, other reservations, or somebody by hand has given. */
function takenProblems(
  news: DhcpReservationInputs,
  olds: Partial<DhcpReservationInputs> | undefined,
  declared: Partial<NetworkInputs> | undefined,
  live: NetworkModel | undefined,
): Problem[] {
  const others = allDeclared<DhcpReservationInputs>("DhcpReservation")
    .filter((one) => one.connection === news.connection && one.network === news.network && one.mac !== news.mac)
    .flatMap((one) => leasesOf(one).map((lease) => ({ lease, owner: `the reservation of ${one.mac}` })));
  const own = Array.isArray(declared?.hosts) ? declared.hosts : [];
  const ours = [...leasesOf(olds ?? {}), ...leasesOf(news)];
  const taken = [
    ...own.map((lease) => ({ lease, owner: `hosts of network ${news.network}` })),
    ...others,
    ...(live?.hosts ?? [])
      .filter((lease) => ![...ours, ...own].some((one) => isDeepStrictEqual(one, lease)))
      .filter((lease) => !others.some((other) => akin(other.lease, lease)))
      .map((lease) => ({ lease, owner: `a lease that network ${news.network} has already` })),
  ];
  return leasesOf(news).flatMap((lease) => {
    const other = taken.find((one) => akin(one.lease, lease));
    if (!other) return [];
    const { ip, mac, name } = other.lease;
    const who = [ip, mac, name].filter((part) => part !== undefined).join(" ");
    return [
      {
        field: fieldOf(lease),
        reason: `${lease.ip} is in the way of ${other.owner} (${who}). Fix: give each guest one address, and each address to one guest`,
      },
    ];
  });
}
