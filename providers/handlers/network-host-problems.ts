import { allDeclared } from "../dynamic/declared";
import type { Change, Problem } from "../dynamic/contract";
import type { Survey } from "../host/survey";
import type { Connection } from "../libvirt/connection";
import type { NetworkInputs } from "../schema/network";
import { vlanObstacle } from "./domain-nic-problems";
import { otherNetworks, subnetOwner } from "./host-subnets";
import { missingProblem } from "./missing";

/** What of the host is in a network's way: subnets, bridges and interfaces that are taken or missing. */
export async function hostProblems(
  connection: Connection,
  news: NetworkInputs,
  olds: Partial<NetworkInputs> | undefined,
  changes: readonly Change[],
  look: () => Promise<Survey | undefined>,
): Promise<Problem[]> {
  const changed = (field: keyof NetworkInputs) =>
    news[field] !== undefined && (!olds || changes.some((change) => change.field === field || change.field === "mode"));
  const asked = (["ipv4", "ipv6", "bridge", "uplink", "uplinks"] as const).filter(changed);
  const vlans = [news, ...(news.portGroups ?? [])].some((one) => one.vlans !== undefined);
  const problems = vlans && (changed("vlans") || changed("portGroups")) ? await vlanProblems(connection) : [];
  if (asked.length === 0) return problems;
  const [networks, survey] = await Promise.all([otherNetworks(connection, news.name), look()]);
  for (const field of ["ipv4", "ipv6"] as const) {
    if (!asked.includes(field)) continue;
    const owner = subnetOwner(news[field]!, networks, survey, olds?.bridge ?? news.bridge);
    if (owner !== undefined)
      problems.push({
        field,
        reason: `${news[field]} overlaps ${owner}. Fix: choose a subnet that is free on the host`,
      });
  }
  if (asked.includes("bridge")) problems.push(...bridgeProblems(news, networks, survey));
  if (asked.includes("uplink")) problems.push(...interfaceProblems("uplink", [news.uplink!], survey));
  if (asked.includes("uplinks")) problems.push(...interfaceProblems("uplinks", news.uplinks!, survey));
  return problems;
}

async function vlanProblems(connection: Connection): Promise<Problem[]> {
  const reason = vlanObstacle(await connection.connectGetLibVersion());
  return reason === undefined ? [] : [{ field: "vlans", reason }];
}

function bridgeProblems(
  { mode, bridge }: NetworkInputs,
  networks: readonly { name: string; mode: string; bridge?: string }[],
  survey: Survey | undefined,
): Problem[] {
  if (mode !== "bridge") {
    const owner = networks.find((network) => network.mode !== "bridge" && network.bridge === bridge);
    if (!owner) return [];
    return [{ field: "bridge", reason: `${bridge} is the bridge of network ${owner.name}. Fix: choose another name` }];
  }
  const reason = missingBridge(bridge!, survey);
  return reason === undefined ? [] : [{ field: "bridge", reason }];
}

/** Why nothing can be plugged into a bridge of the host; undefined when it is there, will be, or cannot be known. */
export function missingBridge(bridge: string, survey: Survey | undefined): string | undefined {
  if (!survey?.interfaces || allDeclared<{ name: string }>("LinuxBridge").some(({ name }) => name === bridge))
    return undefined;
  const bridges = survey.interfaces.filter(({ kind }) => kind === "bridge" || kind === "openvswitch");
  if (bridges.some(({ name }) => name === bridge)) return undefined;
  const other = survey.interfaces.find(({ name }) => name === bridge);
  if (other) return `${bridge} of the host is no bridge. Fix: make a bridge over it (LinuxBridge), and name that one`;
  return missingProblem(
    "bridge",
    bridge,
    bridges.map(({ name }) => name),
    "LinuxBridge",
  );
}

function interfaceProblems(
  field: "uplink" | "uplinks",
  names: readonly string[],
  survey: Survey | undefined,
): Problem[] {
  if (!survey?.interfaces) return [];
  const there = survey.interfaces.map(({ name }) => name).filter((name) => name !== "lo");
  const declared = allDeclared<{ name: string }>("LinuxBridge").map(({ name }) => name);
  return names
    .filter((name) => !there.includes(name) && !declared.includes(name))
    .map((name) => ({
      field,
      reason: `the host has no interface ${JSON.stringify(name)}. On the host: ${there.join(", ") || "none"}. Fix: correct the name`,
    }));
}
