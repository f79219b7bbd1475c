import type { Finding } from "../finding";
import { ofMachine, type LibvirtSide } from "../inspection";
import type { Interface, Route, Survey } from "../survey";
import type { DeclaredSubnet } from "../target";
import {
  canonicalAddress,
  contains,
  firstAddress,
  overlap,
  parsePrefix,
  prefix,
  type Prefix,
} from "../../schema/address";

/** A subnet that is taken on the host. */
interface Taken {
  prefix: Prefix;
  by: string;
}

/**
 * The declared subnets are free: no address of the host, no route, no other declared subnet and not the operator's own
 * address lies in them. The bridges of the declared networks are theirs.
 */
export const subnets = ofMachine("subnets", ({ survey }, libvirt, { target }) => {
  const declared = target.subnets.map((one) => ({ ...one, prefix: prefix(one.subnet) }));
  if (declared.length === 0) return { skipped: "no subnet is declared" };
  const findings = declared.flatMap((one, index) =>
    declared
      .slice(0, index)
      .filter((other) => overlap(one.prefix, other.prefix))
      .map((other) => clash(one, `${other.subnet} of network ${other.name}`, survey, target.subnets)),
  );
  if (!survey.interfaces || !survey.routes) return findings;

  const own = ownBridges(survey, libvirt, target.subnets);
  const foreign = <T extends { device?: string }>({ device }: T) => device === undefined || !own.has(device);
  const interfaces = survey.interfaces.filter(({ name }) => !own.has(name));
  const routes = survey.routes.filter(foreign).filter(specific);
  for (const one of declared) {
    const taken = [...takenByAddress(one.prefix, interfaces, libvirt), ...takenByRoute(one.prefix, routes)];
    for (const { by } of taken) findings.push(clash(one, by, survey, target.subnets));
    if (taken.length > 0) continue;
    findings.push(...lockout(one, survey, own), ...hidden(one, routes));
  }
  return findings;
});

/** Without libvirt nobody can say whose a bridge is: none is looked at then. */
function ownBridges(
  survey: Survey,
  libvirt: LibvirtSide | undefined,
  declared: readonly DeclaredSubnet[],
): Set<string> {
  const names = new Set(declared.map(({ name }) => name));
  if (libvirt)
    return new Set(libvirt.report.networks.flatMap(({ name, bridge }) => (names.has(name) ? (bridge ?? []) : [])));
  return new Set(survey.interfaces!.filter(({ kind }) => kind === "bridge").map(({ name }) => name));
}

/** Default routes, also those in halves that VPNs make, and 2000::/3, cover everything: nothing clashes with them. */
function specific({ destination }: Route): boolean {
  return destination !== undefined && destination.length > 3;
}

function takenByAddress(wanted: Prefix, interfaces: Interface[], libvirt?: LibvirtSide): Taken[] {
  return interfaces.flatMap(({ name, addresses }) => {
    const network = libvirt?.report.networks.find(({ bridge }) => bridge === name);
    const owner = network ? `${name}, the bridge of network ${network.name}` : `interface ${name}`;
    return addresses
      .filter((address) => overlap(address.prefix, wanted))
      .map(({ prefix, text }) => ({ prefix, by: `${text} of ${owner}` }));
  });
}

/** A route into a part of the subnet would take that part's traffic away. The kernel's follow from addresses. */
function takenByRoute(wanted: Prefix, routes: Route[]): Taken[] {
  return routes
    .filter(({ destination, protocol }) => protocol !== "kernel" && destination!.length >= wanted.length)
    .filter(({ destination }) => overlap(destination!, wanted))
    .map((route) => ({ prefix: route.destination!, by: describeRoute(route) }));
}

function describeRoute({ text, gateway, device, type }: Route): string {
  const kind = type === "unicast" ? "the route" : `the ${type} route`;
  return `${kind} to ${text}${gateway ? ` via ${gateway}` : ""}${device ? ` on ${device}` : ""}`;
}

function clash(one: DeclaredSubnet, by: string, survey: Survey, declared: readonly DeclaredSubnet[]): Finding {
  const free = freeSubnet(prefix(one.subnet), survey, declared);
  return {
    level: "error",
    field: "subnets",
    problem: `subnet ${one.subnet} of network ${one.name} overlaps ${by}`,
    fix: `choose another subnet${free ? `; ${free} is free` : ""}`,
  };
}

/** The operator's address in the new subnet: answers to it would stay on the host. */
function lockout(
  one: DeclaredSubnet & { prefix: Prefix },
  { client, interfaces }: Survey,
  own: Set<string>,
): Finding[] {
  if (client === undefined || !contains(one.prefix, client)) return [];
  const there = interfaces!.some(
    ({ name, addresses }) => own.has(name) && addresses.some(({ prefix }) => contains(prefix, client)),
  );
  if (there) return [];
  return [
    {
      level: "error",
      field: "subnets",
      problem: `subnet ${one.subnet} of network ${one.name} holds your own address ${client}: the host would not answer you any more`,
      fix: "choose another subnet",
    },
  ];
}

/** A wider route loses the hosts that have the same addresses as guests. */
function hidden(one: DeclaredSubnet & { prefix: Prefix }, routes: Route[]): Finding[] {
  return routes
    .filter(({ type, protocol }) => type === "unicast" && protocol !== "kernel")
    .filter(({ destination }) => destination!.length < one.prefix.length && overlap(destination!, one.prefix))
    .map((route) => ({
      level: "warning",
      field: "subnets",
      problem: `subnet ${one.subnet} of network ${one.name} hides a part of what ${describeRoute(route)} leads to`,
      fix: "choose another subnet if anybody there has to be reached",
    }));
}

/** A subnet of the same length where nothing is, in the private ranges (RFC 1918, RFC 4193). */
function freeSubnet(wanted: Prefix, survey: Survey, declared: readonly DeclaredSubnet[]): string | undefined {
  const taken = [
    ...(survey.interfaces ?? []).flatMap(({ addresses }) => addresses.map(({ prefix }) => prefix)),
    ...(survey.routes ?? []).filter(specific).map(({ destination }) => destination!),
    ...declared.map(({ subnet }) => prefix(subnet)),
  ];
  const v4 = wanted.address.kind() === "ipv4";
  if (v4 ? wanted.length < 16 : wanted.length < 48) return undefined;
  for (let number = 100; number < 255; number++) {
    const base = v4 && wanted.length < 24 ? `10.${number}.0.0` : v4 ? `192.168.${number}.0` : `fd00:${number}::`;
    const candidate = parsePrefix(`${base}/${wanted.length}`)!;
    if (!taken.some((one) => overlap(one, candidate)))
      return `${canonicalAddress(firstAddress(candidate).toString())}/${wanted.length}`;
  }
  return undefined;
}
