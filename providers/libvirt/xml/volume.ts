import { attribute, child, element, parse, serialize, text } from "./document";

/** What an overlay lies on: everything that was not written to the overlay is read from there. */
export interface Backing {
  path: string;
  format: string;
}

/** A new volume. Sizes in bytes. */
export interface VolumeModel {
  name: string;
  format: string;
  /** May be left out where `backing` has one. */
  capacity?: number;
  /** Bytes taken from the pool at once. Default none: they are taken as they are written. */
  allocation?: number;
  backing?: Backing;
}

/** A volume as libvirt reports it. Sizes in bytes. */
export interface VolumeReport {
  name: string;
  key: string;
  path: string;
  format: string;
  capacity: number;
  /** Bytes that it takes on the host. */
  allocation: number;
  /** The file's length. */
  physical?: number;
  backing?: Backing;
}

/** The document of a new volume (https://libvirt.org/formatstorage.html#storage-volume-xml). */
export function volumeXML({ name, format, capacity, allocation = 0, backing }: VolumeModel): string {
  return serialize(
    element(
      "volume",
      {},
      element("name", {}, name),
      capacity !== undefined && element("capacity", { unit: "bytes" }, capacity),
      element("allocation", { unit: "bytes" }, allocation),
      element(
        "target",
        {},
        element("format", { type: format }),
        // Without this libvirt makes the format of QEMU before 1.1, which cannot discard and is slower.
        format === "qcow2" && element("compat", {}, "1.1"),
      ),
      backing &&
        element("backingStore", {}, element("path", {}, backing.path), element("format", { type: backing.format })),
    ),
  );
}

/** The volume that a document of libvirt's describes. */
export function parseVolume(xml: string): VolumeReport {
  const root = parse(xml);
  const bytesOf = (name: string) => bytes(text(root, name), attribute(child(root, name), "unit"));
  const backingPath = text(root, "backingStore", "path");
  const report: VolumeReport = {
    name: text(root, "name") ?? "",
    key: text(root, "key") ?? "",
    path: text(root, "target", "path") ?? "",
    format: attribute(child(root, "target", "format"), "type") ?? "raw",
    capacity: bytesOf("capacity") ?? 0,
    allocation: bytesOf("allocation") ?? 0,
  };
  const physical = bytesOf("physical");
  if (physical !== undefined) report.physical = physical;
  if (backingPath !== undefined)
    report.backing = {
      path: backingPath,
      format: attribute(child(root, "backingStore", "format"), "type") ?? "raw",
    };
  return report;
}

/** libvirt writes bytes; its examples and other tools write any unit of virScaleInteger. */
const units: { [unit: string]: number } = Object.fromEntries(
  ["", "k", "m", "g", "t", "p"].flatMap((letter, power) => [
    [letter ? letter : "b", 1024 ** power],
    [letter ? `${letter}ib` : "bytes", 1024 ** power],
    [letter ? `${letter}b` : "byte", letter ? 1000 ** power : 1],
  ]),
);

function bytes(digits: string | undefined, unit = "bytes"): number | undefined {
  const factor = units[unit.toLowerCase()];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}
