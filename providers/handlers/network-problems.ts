import type { Change, Problem } from "../dynamic/contract";
import { describeChange } from "../dynamic/diff";
import type { Connection } from "../libvirt/connection";
import type { Network } from "../libvirt/handles";
import type { Survey } from "../host/survey";
import { networkOwner } from "../libvirt/xml/network";
import type { NetworkInputs } from "../schema/network";
import { adoptProblem, existsProblem, findBy } from "./adopt";
import { attachments, nameAttachments } from "./attached-guests";
import type { Connect } from "./guest-drivers";
import { hostProblems } from "./network-host-problems";

/** What the host has against a network: its name or subnet is taken, or running guests would lose their link. */
export async function networkProblems(
  connection: Connection,
  news: NetworkInputs,
  olds: Partial<NetworkInputs> | undefined,
  changes: readonly Change[],
  look: () => Promise<Survey | undefined>,
  connect?: Connect,
): Promise<Problem[]> {
  return [
    ...(olds ? [] : await nameProblems(connection, news)),
    ...(await hostProblems(connection, news, olds, changes, look)),
    ...(olds ? await disruptionProblems(connection, news, olds, changes, connect) : []),
  ];
}

async function nameProblems(connection: Connection, news: NetworkInputs): Promise<Problem[]> {
  const existing = await findBy(
    news.adopt ?? news.name,
    (uuid) => connection.networkLookupByUUID(uuid),
    (name) => connection.networkLookupByName(name),
  );
  if (news.adopt !== undefined) {
    const reason = adoptProblem("network", existing, news);
    return reason === undefined ? [] : [{ field: "adopt", reason }];
  }
  if (!existing || (await isLeftOver(connection, existing, news))) return [];
  return [{ field: "name", reason: existsProblem("network", news.name) }];
}

/** Whether an earlier `create` of the same resource made the network, and was interrupted before it was recorded. */
export async function isLeftOver(
  connection: Connection,
  existing: Network,
  { owner }: NetworkInputs,
): Promise<boolean> {
  return owner !== undefined && networkOwner(await connection.networkGetXMLDesc(existing)) === owner;
}

/** Without a limit of its own a network may be disturbed only while nobody uses it. */
async function disruptionProblems(
  connection: Connection,
  news: NetworkInputs,
  olds: Partial<NetworkInputs>,
  changes: readonly Change[],
  connect?: Connect,
): Promise<Problem[]> {
  const disturbing = changes.filter((change) => change.disruption !== "live");
  if (news.disruption !== undefined || disturbing.length === 0) return [];
  const attached = await attachments(connection, olds.name ?? news.name, connect);
  if (attached.length === 0) return [];
  return disturbing.map((change) => ({
    field: change.field,
    reason:
      `${describeChange(change)}; plugged in: ${nameAttachments(attached)}; allowed while guests run: live. ` +
      `Fix: undo the change, stop the guests, or set disruption: "${change.disruption}"`,
  }));
}
