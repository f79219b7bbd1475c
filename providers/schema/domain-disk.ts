import * as v from "valibot";
import { absolutePath, objectName } from "./name";
import { strict } from "./strict";

const volume = strict({
  pool: objectName,
  name: v.pipe(
    v.string(),
    v.regex(
      /^[^/\0]+$/,
      (issue) => `${JSON.stringify(issue.input)} is not a volume's name. Allowed: a name without "/"`,
    ),
  ),
});

/** One disk of a guest, as the program declares it. */
export const diskSchema = strict({
  name: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^(vd|sd)[a-z]{1,2}$/,
        (issue) => `${JSON.stringify(issue.input)} is not a disk's target. Allowed: e.g. "vda" (virtio) or "sda"`,
      ),
    ),
  ),
  volume: v.optional(volume),
  path: v.optional(absolutePath),
  format: v.optional(v.picklist(["qcow2", "raw"])),
  bus: v.optional(v.picklist(["virtio", "scsi", "sata"])),
  device: v.optional(v.picklist(["disk", "cdrom"]), "disk"),
  readonly: v.optional(v.boolean()),
  cache: v.optional(v.picklist(["default", "none", "writethrough", "writeback", "directsync", "unsafe"])),
  discard: v.optional(v.picklist(["unmap", "ignore"])),
  serial: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^[A-Za-z0-9_.+-]{1,20}$/,
        (issue) =>
          `${JSON.stringify(issue.input)} is not a serial number. Allowed: 1 to 20 letters, digits, "_", ".", "+" and "-"`,
      ),
    ),
  ),
});

export type DiskInputs = v.InferOutput<typeof diskSchema>;

/** The bus a disk is on: virtio, and SATA for a CD-ROM, which virtio does not have. */
export function busOf(disk: DiskInputs): NonNullable<DiskInputs["bus"]> {
  return disk.bus ?? (disk.device === "cdrom" ? "sata" : "virtio");
}

/** The image's format: qcow2, and raw for a CD-ROM. Never guessed from the content, which the guest can write. */
export function formatOf(disk: DiskInputs): NonNullable<DiskInputs["format"]> {
  return disk.format ?? (disk.device === "cdrom" ? "raw" : "qcow2");
}

/** The first letters of the targets on a bus: "vda", "sda". */
export function targetPrefix(bus: NonNullable<DiskInputs["bus"]>): "vd" | "sd" {
  return bus === "virtio" ? "vd" : "sd";
}

/** How errors and previews name a disk: "vdb", "data/web.qcow2" or "/srv/web.qcow2". */
export function describeDisk(disk: DiskInputs): string {
  const source = disk.volume ? `${disk.volume.pool}/${disk.volume.name}` : disk.path;
  return [disk.name, source].filter((part) => part !== undefined).join(" ") || "empty cdrom";
}

/** What is wrong with the list as a whole: [index, field, message]. */
export function diskComplaints(disks: readonly DiskInputs[]): [number, keyof DiskInputs, string][] {
  const found: [number, keyof DiskInputs, string][] = [];
  disks.forEach((disk, index) => {
    if (disk.volume && disk.path !== undefined)
      found.push([index, "path", "volume and path are both given. Allowed: one of them"]);
    if (!disk.volume && disk.path === undefined && disk.device !== "cdrom")
      found.push([
        index,
        "volume",
        "is required. Allowed: volume: { pool, name }, or path (only a cdrom may be empty)",
      ]);
    if (disk.device === "cdrom" && disk.bus === "virtio")
      found.push([index, "bus", 'virtio has no cdrom. Allowed: "sata" or "scsi"']);
    if (disk.name !== undefined && !disk.name.startsWith(targetPrefix(busOf(disk))))
      found.push([
        index,
        "name",
        `${JSON.stringify(disk.name)} is not a target on bus ${busOf(disk)}. Allowed: "${targetPrefix(busOf(disk))}a", ...`,
      ]);
    for (const other of disks.slice(0, index)) {
      if (disk.name !== undefined && disk.name === other.name)
        found.push([index, "name", `${JSON.stringify(disk.name)} is the target of another disk too`]);
      if (sourceOf(disk) !== undefined && sourceOf(disk) === sourceOf(other))
        found.push([index, disk.volume ? "volume" : "path", `${describeDisk(disk)} is given twice`]);
    }
  });
  return found;
}

/** What tells two sources apart; undefined for an empty cdrom. */
export function sourceOf(disk: DiskInputs): string | undefined {
  return disk.volume ? `volume ${disk.volume.pool}/${disk.volume.name}` : disk.path;
}
