import type { DiskModel } from "../libvirt/xml/domain-disk";
import type { NicModel } from "../libvirt/xml/domain-nic";
import { busOf, formatOf, sourceOf, targetPrefix, type DiskInputs } from "../schema/domain-disk";
import { macsOf, type NicInputs } from "../schema/domain-nic";
import { volumeKey, type VolumePaths } from "./domain-volumes";

/**
 * The disks in the document's words. One without a name keeps the target under which its source is there already, and
 * takes the first free one otherwise.
 */
export function diskModels(
  disks: readonly DiskInputs[],
  paths: VolumePaths,
  present: readonly DiskModel[] = [],
  before: readonly DiskInputs[] = [],
): DiskModel[] {
  const taken = new Set(disks.flatMap((disk) => disk.name ?? []));
  const take = (disk: DiskInputs, matches: (there: DiskModel) => boolean): string | undefined => {
    if (disk.name !== undefined) return disk.name;
    const target = present.find((there) => !taken.has(there.target) && matches(there))?.target;
    if (target !== undefined) taken.add(target);
    return target;
  };
  const bySource = disks.map((disk) => take(disk, (there) => sameSource(disk, there, paths)));
  return disks.map((disk, at) => {
    // A cdrom whose medium changes is known by being one.
    const kept = bySource[at] ?? take(disk, (there) => disk.device === "cdrom" && there.device === "cdrom");
    const target = kept ?? freeTarget(targetPrefix(busOf(disk)), taken);
    taken.add(target);
    const old = before.find((one) => (disk.name ?? sourceOf(disk)) === (disk.name ? one.name : sourceOf(one)));
    return diskModel(
      disk,
      target,
      present.find((model) => model.target === target),
      old,
      paths,
    );
  });
}

function diskModel(
  disk: DiskInputs,
  target: string,
  there: DiskModel | undefined,
  old: DiskInputs | undefined,
  paths: VolumePaths,
): DiskModel {
  const path = pathOf(disk, paths);
  const kept = sameSource(disk, there, paths) ? there : undefined;
  return {
    target,
    device: disk.device,
    bus: disk.bus ?? (old?.bus ? undefined : there?.bus) ?? busOf(disk),
    path,
    ...(disk.volume && path === undefined && { volume: disk.volume }),
    format: disk.format ?? (old?.format ? undefined : kept?.format) ?? formatOf(disk),
    readonly: disk.readonly ?? (old?.readonly === undefined ? (there?.readonly ?? false) : false),
    cache: disk.cache ?? (old?.cache ? undefined : there?.cache),
    discard: disk.discard ?? (old?.discard ? undefined : there?.discard),
    serial: disk.serial ?? (old?.serial ? undefined : there?.serial),
  };
}

function pathOf(disk: DiskInputs, paths: VolumePaths): string | undefined {
  return disk.volume ? paths[volumeKey(disk.volume)] : disk.path;
}

/** Whether the declared disk and the one that is there have the same content. */
export function sameSource(disk: DiskInputs, there: DiskModel | undefined, paths: VolumePaths): boolean {
  if (!there) return false;
  if (disk.volume && there.volume) return volumeKey(disk.volume) === volumeKey(there.volume);
  const path = pathOf(disk, paths);
  return path !== undefined && path === there.path;
}

/** "vda", ..., "vdz", "vdaa", ... */
function freeTarget(prefix: string, taken: ReadonlySet<string>): string {
  for (let index = 0; ; index++) {
    const last = String.fromCharCode(97 + (index % 26));
    const name = prefix + (index < 26 ? last : String.fromCharCode(96 + Math.floor(index / 26)) + last);
    if (!taken.has(name)) return name;
  }
}

/** The NICs in the document's words. */
export function nicModels(
  domain: string,
  nics: readonly NicInputs[],
  present: readonly NicModel[] = [],
  before: { name?: string; nics?: readonly NicInputs[] } = {},
): NicModel[] {
  const macs = macsOf(domain, nics);
  const oldNics = before.nics ?? [];
  const oldMacs = macsOf(before.name ?? domain, oldNics);
  return nics.map((nic, index) => {
    const there = present.find((model) => model.mac === macs[index]);
    const old = oldNics[oldMacs.indexOf(macs[index]!)];
    return {
      mac: macs[index]!,
      network: nic.network,
      bridge: nic.bridge,
      model: nic.model ?? (old?.model ? undefined : there?.model) ?? "virtio",
      mtu: nic.mtu ?? (old?.mtu ? undefined : there?.mtu),
      linkState: nic.linkState ?? (old?.linkState ? undefined : there?.linkState) ?? "up",
      bandwidth: nic.bandwidth ?? (old?.bandwidth ? undefined : there?.bandwidth),
      // Port groups are a network's own.
      portGroup: nic.portGroup ?? (old?.portGroup || there?.network !== nic.network ? undefined : there?.portGroup),
      isolated: (nic.isolated ?? (old?.isolated ? undefined : there?.isolated)) || undefined,
      vlans: nic.vlans ?? (old?.vlans ? undefined : there?.vlans),
      filter: nic.filter ?? (old?.filter ? undefined : there?.filter),
      device: there?.device,
    };
  });
}
