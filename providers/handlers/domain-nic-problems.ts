import { allDeclared, declaredInputs, isDeclared } from "../dynamic/declared";
import type { Problem } from "../dynamic/contract";
import type { Connection } from "../libvirt/connection";
import { parse, child } from "../libvirt/xml/document";
import { nicsByMac } from "../libvirt/xml/domain-nic";
import { parseNetwork, type NetworkModel } from "../libvirt/xml/network";
import type { DomainInputs } from "../schema/domain";
import { macsOf, type NicInputs } from "../schema/domain-nic";
import type { NetworkInputs } from "../schema/network";
import { found } from "./adopt";
import { addressProblems } from "./domain-address-problems";
import { guestDocuments } from "./guest-documents";
import { hostUris, sameHost, type Connect } from "./guest-drivers";
import { missingProblem } from "./missing";
import { missingFilter } from "./network-filter";

/** What keeps a guest's interfaces from being as declared: what they name is not there, or their addresses are taken. */
export async function nicProblems(
  connection: Connection,
  news: DomainInputs,
  olds: Partial<DomainInputs> | undefined,
  connect?: Connect,
): Promise<Problem[]> {
  const problems = await Promise.all([
    networkProblems(connection, news, olds),
    filterProblems(connection, news, olds),
    vlanProblems(connection, news),
    macProblems(connection, news, olds, connect),
    addressProblems(news),
  ]);
  return problems.flat();
}

/** Networks and port groups that no NIC had before, and that neither the host nor the program knows. */
async function networkProblems(
  connection: Connection,
  { connection: uri, nics = [] }: DomainInputs,
  olds: Partial<DomainInputs> | undefined,
): Promise<Problem[]> {
  const key = ({ network, portGroup }: NicInputs) => JSON.stringify([network, portGroup]);
  const before = new Set(olds?.nics?.map(key));
  const asked = nics.map(async (nic, at): Promise<Problem[]> => {
    const { network, portGroup } = nic;
    if (network === undefined || before.has(key(nic))) return [];
    const inputs = declaredNetwork(uri, network);
    const there = inputs ? undefined : await found(connection.networkLookupByName(network));
    if (!inputs && !there) {
      const known = (await connection.connectListAllNetworks()).map(({ name }) => name);
      return [{ field: `nics.${at}.network`, reason: missingProblem("network", network, known, "Network") }];
    }
    if (portGroup === undefined) return [];
    const model: Partial<NetworkModel> = inputs ?? parseNetwork(await connection.networkGetXMLDesc(there!));
    return portGroupProblems(model, network, portGroup, `nics.${at}.portGroup`);
  });
  return (await Promise.all(asked)).flat();
}

/** The host's networks are one for all its drivers, by whichever of them the program declares them. */
function declaredNetwork(uri: string, name: string) {
  const found = hostUris(uri).map((connection) => declaredInputs<NetworkInputs>("Network", { connection, name }));
  return found.find((inputs) => inputs !== undefined);
}

/** libvirt takes a port group that is not there for none. */
function portGroupProblems(model: Partial<NetworkModel>, network: string, wanted: string, field: string): Problem[] {
  if (model.portGroups !== undefined && !Array.isArray(model.portGroups)) return [];
  const names = (model.portGroups ?? []).map(({ name }) => name);
  if (names.includes(wanted)) return [];
  const known = names.length > 0 ? names.map((name) => JSON.stringify(name)).join(", ") : "none";
  return [
    {
      field,
      reason: `network ${network} has no port group ${JSON.stringify(wanted)}. It has: ${known}. Fix: declare it in the network's portGroups, or correct the name`,
    },
  ];
}

async function filterProblems(
  connection: Connection,
  { connection: uri, nics = [] }: DomainInputs,
  olds: Partial<DomainInputs> | undefined,
): Promise<Problem[]> {
  const before = new Set(olds?.nics?.map(({ filter }) => filter?.name));
  const asked = nics.map(async ({ filter, network }, at): Promise<(Problem | undefined)[]> => {
    if (!filter) return [];
    const field = `nics.${at}.filter`;
    const macvtap = await isMacvtap(connection, uri, network);
    if (macvtap)
      return [
        {
          field,
          reason: `network ${network} is of mode macvtap, whose frames pass no filter of the host. Fix: leave filter out (of a Guest: antiSpoofing: false), or use another network`,
        },
      ];
    return before.has(filter.name) ? [] : [await missingFilter(connection, uri, filter.name, field)];
  });
  return (await Promise.all(asked)).flat().filter((problem) => problem !== undefined);
}

async function isMacvtap(connection: Connection, uri: string, network: string | undefined): Promise<boolean> {
  if (network === undefined) return false;
  const declared = declaredNetwork(uri, network);
  if (declared) return declared.mode === "macvtap";
  const there = await found(connection.networkLookupByName(network));
  return there !== undefined && parseNetwork(await connection.networkGetXMLDesc(there)).mode === "macvtap";
}

const vlanSince = 11_000_000;

/** libvirt sets the VLANs of a Linux bridge's port since 11.0, and refuses to start the guest before. */
async function vlanProblems(connection: Connection, { nics = [] }: DomainInputs): Promise<Problem[]> {
  const fields = nics.flatMap(({ vlans }, at) => (vlans ? [`nics.${at}.vlans`] : []));
  if (fields.length === 0) return [];
  const reason = vlanObstacle(await connection.connectGetLibVersion());
  return reason === undefined ? [] : fields.map((field) => ({ field, reason }));
}

/** Why this libvirt sets no VLANs on a Linux bridge; undefined when it does. */
export function vlanObstacle(version: number): string | undefined {
  if (version >= vlanSince) return undefined;
  const [major, minor] = [Math.floor(version / 1_000_000), Math.floor(version / 1_000) % 1_000];
  return `the host's libvirt ${major}.${minor} cannot put ports of a Linux bridge into VLANs. Allowed: from 11.0 on. Fix: upgrade it, or use a bridge of its own for each VLAN (an uplink such as eth0.100)`;
}

/** A MAC address that another guest of the host has: both would lose frames. */
async function macProblems(
  connection: Connection,
  news: DomainInputs,
  olds: Partial<DomainInputs> | undefined,
  connect?: Connect,
): Promise<Problem[]> {
  const before = olds ? macsOf(olds.name ?? news.name, olds.nics ?? []) : [];
  const macs = macsOf(news.name, news.nics ?? []);
  if (macs.every((mac) => before.includes(mac))) return [];
  const owners = new Map([...(await runningOwners(connection, news, connect)), ...declaredOwners(news)]);
  return macs.flatMap((mac, at) => {
    const owner = before.includes(mac) ? undefined : owners.get(mac);
    if (owner === undefined) return [];
    return [
      {
        field: `nics.${at}.mac`,
        reason: `${mac} is the address of guest ${owner} on this host too. Fix: give one of them another mac`,
      },
    ];
  });
}

/** The addresses that other guests of the program have. */
function declaredOwners({ connection, name }: DomainInputs): Map<string, string> {
  const others = allDeclared<DomainInputs>("Domain").filter(
    (other) => sameHost(other.connection, connection) && (other.name !== name || other.connection !== connection),
  );
  return new Map(
    others.flatMap((other) =>
      typeof other.name === "string" && Array.isArray(other.nics)
        ? macsOf(other.name, other.nics).map((mac) => [mac, other.name!] as const)
        : [],
    ),
  );
}

/** The addresses that guests of the host have of which the program says nothing. */
async function runningOwners(
  connection: Connection,
  news: DomainInputs,
  connect?: Connect,
): Promise<Map<string, string>> {
  const owners = new Map<string, string>();
  for (const { connection: driver, domain, live, config } of await guestDocuments(connection, connect)) {
    if (domain.name === news.name || domain.uuid === news.uuid) continue;
    if (isDeclared("Domain", { connection: driver.uri, name: domain.name })) continue;
    for (const xml of [live, config])
      if (xml !== undefined)
        for (const mac of nicsByMac(child(parse(xml), "devices")).keys()) owners.set(mac, domain.name);
  }
  return owners;
}
