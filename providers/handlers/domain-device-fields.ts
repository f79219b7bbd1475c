import type { Disruption, FieldChange, Verdict } from "../dynamic/contract";
import { containsUnknown } from "../dynamic/unknown";
import type { DomainInputs } from "../schema/domain";
import { busOf, describeDisk, formatOf, sourceOf, type DiskInputs } from "../schema/domain-disk";
import { describeNic, macsOf, type NicInputs } from "../schema/domain-nic";
import { addressingOf } from "../schema/nic-addressing";
import { sameValue } from "./domain-model";

/** What one change inside a list amounts to. */
interface Part {
  disruption: Disruption;
  why: string;
}

/** The worst of the parts decides, and only the worst have to be explained. */
function verdictOf(parts: readonly Part[]): Verdict {
  const disruption = parts.some((part) => part.disruption === "reboot") ? "reboot" : "live";
  const told = parts.filter((part) => part.disruption === disruption).map((part) => part.why);
  return { disruption, why: [...new Set(told)].join(", ") || undefined };
}

/** Disks are the same disk by their name or, without one, by what is on them; a cdrom by being one. */
export function disksRule({ old, new: wanted }: FieldChange<DomainInputs>): Verdict {
  const before = [...((old ?? []) as DiskInputs[])];
  const hasScsi = before.some((disk) => busOf(disk) === "scsi");
  const first = before[0];
  const parts: Part[] = [];
  const unpaired: DiskInputs[] = [];
  const pair = (disk: DiskInputs, matches: (other: DiskInputs) => boolean) => {
    const at = before.findIndex(matches);
    if (at < 0) return false;
    parts.push(...changeOfDisk(before.splice(at, 1)[0]!, disk));
    return true;
  };
  for (const disk of (wanted ?? []) as DiskInputs[]) {
    const byName = disk.name !== undefined && pair(disk, (other) => other.name === disk.name);
    if (byName || (sourceOf(disk) !== undefined && pair(disk, (other) => sourceOf(other) === sourceOf(disk)))) continue;
    unpaired.push(disk);
  }
  for (const disk of unpaired)
    if (disk.device !== "cdrom" || !pair(disk, (other) => other.device === "cdrom"))
      parts.push(addedDisk(disk, hasScsi));
  for (const disk of before) parts.push(removedDisk(disk, disk === first));
  return verdictOf(parts);
}

/** Disks some of which are not known yet: the first one counts, because it is changed only while the guest is off. */
export function unknownDisksRule({ old, new: wanted }: FieldChange<DomainInputs>): Verdict {
  const [before] = (old ?? []) as DiskInputs[];
  const first = Array.isArray(wanted) ? (wanted as unknown[])[0] : wanted;
  return before && containsUnknown(first)
    ? { disruption: "reboot", why: `${describeDisk(before)}, its first disk, may become another` }
    : { disruption: "live", why: "a disk is not known yet" };
}

function addedDisk(disk: DiskInputs, hasScsi: boolean): Part {
  const bus = busOf(disk);
  if (bus === "scsi" && !hasScsi)
    return {
      disruption: "reboot",
      why: `${describeDisk(disk)} is its first on scsi, whose controller comes at its start`,
    };
  if (bus === "sata" || disk.device === "cdrom")
    return { disruption: "reboot", why: `nothing is plugged into ${bus} while it runs (${describeDisk(disk)})` };
  return { disruption: "live", why: `${describeDisk(disk)} is plugged in` };
}

function removedDisk(disk: DiskInputs, first: boolean): Part {
  if (first && disk.device === "disk")
    return { disruption: "reboot", why: `${describeDisk(disk)}, its first disk, goes` };
  if (busOf(disk) === "sata" || disk.device === "cdrom")
    return {
      disruption: "reboot",
      why: `nothing is plugged out of ${busOf(disk)} while it runs (${describeDisk(disk)})`,
    };
  return { disruption: "live", why: `${describeDisk(disk)} is plugged out` };
}

function changeOfDisk(old: DiskInputs, disk: DiskInputs): Part[] {
  const parts: Part[] = [];
  const label = describeDisk(disk);
  const medium = old.device === "cdrom" && disk.device === "cdrom";
  if (sourceOf(old) !== sourceOf(disk))
    parts.push(
      medium
        ? { disruption: "live", why: `the medium of the cdrom becomes ${describeDisk(disk)}` }
        : { disruption: "reboot", why: `${describeDisk(old)} becomes ${label}` },
    );
  if (busOf(old) !== busOf(disk) || old.device !== disk.device)
    parts.push({ disruption: "reboot", why: `${label} moves to another bus` });
  if (formatOf(old) !== formatOf(disk) && !medium)
    parts.push({ disruption: "reboot", why: `${label} is opened as ${formatOf(disk)}` });
  for (const field of ["readonly", "cache", "discard", "serial"] as const)
    if ((old[field] ?? false) !== (disk[field] ?? false))
      parts.push({ disruption: "reboot", why: `${field} of ${label} is fixed while it is plugged in` });
  return parts;
}

/** NICs of a machine. */
export function nicsRule(change: FieldChange<DomainInputs>): Verdict {
  return changeOfNics(change, changeOfNic);
}

/** NICs of a container: what changes of one takes it out and puts it in again, but for its own addresses. */
export function containerNicsRule(change: FieldChange<DomainInputs>): Verdict {
  return changeOfNics(change, (old, nic) => {
    if (!sameValue(withoutAddressing(old), withoutAddressing(nic)))
      return [
        { disruption: "live", why: `the NIC on ${describeNic(old)} is plugged out and into ${describeNic(nic)}` },
      ];
    return changeOfAddressing(old, nic);
  });
}

function withoutAddressing({
  addresses: _addresses,
  gateway: _gateway,
  routes: _routes,
  dns: _dns,
  ...nic
}: NicInputs) {
  return nic;
}

function changeOfAddressing(old: NicInputs, nic: NicInputs): Part[] {
  if (sameValue(addressingOf(old), addressingOf(nic))) return [];
  return [{ disruption: "live", why: `the addresses on ${describeNic(nic)} are set inside` }];
}

/** NICs are the same NIC by their MAC address. */
function changeOfNics(
  { old, new: wanted, olds, news }: FieldChange<DomainInputs>,
  changeOfNic: (old: NicInputs, nic: NicInputs) => Part[],
): Verdict {
  const before = (old ?? []) as NicInputs[];
  const after = (wanted ?? []) as NicInputs[];
  const oldMacs = macsOf(olds.name ?? news.name, before);
  const newMacs = macsOf(news.name, after);
  const parts: Part[] = [];
  after.forEach((nic, at) => {
    const there = before[oldMacs.indexOf(newMacs[at]!)];
    if (there) parts.push(...changeOfNic(there, nic));
    else parts.push({ disruption: "live", why: `a NIC on ${describeNic(nic)} is plugged in` });
  });
  before.forEach((nic, at) => {
    if (!newMacs.includes(oldMacs[at]!))
      parts.push({ disruption: "live", why: `the NIC on ${describeNic(nic)} is plugged out` });
  });
  return verdictOf(parts);
}

function changeOfNic(old: NicInputs, nic: NicInputs): Part[] {
  const parts = changeOfAddressing(old, nic);
  if (describeNic(old) !== describeNic(nic))
    parts.push({ disruption: "live", why: `the NIC moves from ${describeNic(old)} to ${describeNic(nic)}` });
  if ((old.linkState ?? "up") !== (nic.linkState ?? "up"))
    parts.push({ disruption: "live", why: `the link on ${describeNic(nic)} goes ${nic.linkState ?? "up"}` });
  if (!sameValue(old.bandwidth, nic.bandwidth))
    parts.push({ disruption: "live", why: `the bandwidth on ${describeNic(nic)} changes` });
  if (old.portGroup !== nic.portGroup)
    parts.push({ disruption: "live", why: `the port group on ${describeNic(nic)} changes` });
  if ((old.isolated ?? false) !== (nic.isolated ?? false))
    parts.push({
      disruption: "live",
      why: `the port on ${describeNic(nic)} is ${nic.isolated ? "isolated" : "isolated no more"}`,
    });
  if (!sameValue(old.filter, nic.filter))
    parts.push({ disruption: "live", why: `the filter on ${describeNic(nic)} changes` });
  if (!sameValue(old.vlans, nic.vlans))
    parts.push({
      disruption: "reboot",
      why: `vlans of the NIC on ${describeNic(nic)} are fixed while it is plugged in`,
    });
  for (const field of ["model", "mtu"] as const)
    if (old[field] !== nic[field] && !(field === "model" && (old.model ?? "virtio") === (nic.model ?? "virtio")))
      parts.push({
        disruption: "reboot",
        why: `${field} of the NIC on ${describeNic(nic)} is fixed while it is plugged in`,
      });
  return parts;
}
