import { attribute, child, children, element, replaceChild, text, type Element } from "./document";
import { setAttribute } from "./edit";

/** One disk of a domain document. */
export interface DiskModel {
  /** What identifies the disk: "vda". */
  target: string;
  device: string;
  bus: string;
  /** A file or a block device on the host; undefined with `volume`, and for an empty cdrom. */
  path?: string;
  /** A volume without a path on the host (network pools). */
  volume?: { pool: string; name: string };
  format: string;
  readonly: boolean;
  cache?: string;
  discard?: string;
  serial?: string;
}

function sourceType({ path, volume }: DiskModel): "file" | "block" | "volume" {
  return volume ? "volume" : path?.startsWith("/dev/") ? "block" : "file";
}

function sourceElement(disk: DiskModel): Element | undefined {
  if (disk.volume) return element("source", { pool: disk.volume.pool, volume: disk.volume.name });
  if (disk.path === undefined) return undefined;
  return element("source", sourceType(disk) === "block" ? { dev: disk.path } : { file: disk.path });
}

/** The disk as libvirt takes it. */
export function diskElement(disk: DiskModel): Element {
  const made = element("disk", {}, element("target", { dev: disk.target, bus: disk.bus }));
  editDisk(made, disk);
  return made;
}

/** Makes the element say what `disk` says; what the model does not know stays as it is. */
export function editDisk(at: Element, disk: DiskModel): void {
  const before = parseDisk(at);
  setAttribute(at, "device", disk.device);
  if (before?.path !== disk.path || before?.volume?.name !== disk.volume?.name || !attribute(at, "type")) {
    setAttribute(at, "type", sourceType(disk));
    replaceChild(at, "source", sourceElement(disk));
    // What libvirt had found out about the old image.
    replaceChild(at, "backingStore", undefined);
  }
  const driver = child(at, "driver")?.cloneNode(true) as Element | undefined;
  const drives = driver ?? element("driver", { name: "qemu" });
  setAttribute(drives, "type", disk.format);
  setAttribute(drives, "cache", disk.cache === "default" ? undefined : disk.cache);
  setAttribute(drives, "discard", disk.discard);
  replaceChild(at, "driver", drives);
  const target = child(at, "target")!;
  if (attribute(target, "bus") !== disk.bus) {
    setAttribute(target, "bus", disk.bus);
    // A place on the old bus is none on the new one.
    replaceChild(at, "address", undefined);
  }
  setAttribute(target, "dev", disk.target);
  if (disk.device !== "cdrom") replaceChild(at, "readonly", disk.readonly ? element("readonly") : undefined);
  replaceChild(at, "serial", disk.serial === undefined ? undefined : element("serial", {}, disk.serial));
}

/** The disk that the element describes; undefined for one without a target, which libvirt refuses. */
export function parseDisk(at: Element): DiskModel | undefined {
  const target = attribute(child(at, "target"), "dev");
  if (target === undefined) return undefined;
  const source = child(at, "source");
  const driver = child(at, "driver");
  const pool = attribute(source, "pool");
  const volume = attribute(source, "volume");
  const device = attribute(at, "device") ?? "disk";
  return {
    target,
    device,
    bus: attribute(child(at, "target"), "bus") ?? (target.startsWith("vd") ? "virtio" : "sata"),
    path: attribute(source, "file") ?? attribute(source, "dev"),
    ...(pool !== undefined && volume !== undefined && { volume: { pool, name: volume } }),
    format: attribute(driver, "type") ?? "raw",
    // A cdrom always is.
    readonly: child(at, "readonly") !== undefined && device !== "cdrom",
    cache: attribute(driver, "cache"),
    discard: attribute(driver, "discard"),
    serial: text(at, "serial"),
  };
}

/** Every disk element by its target. */
export function disksByTarget(devices: Element | undefined): Map<string, Element> {
  const found = new Map<string, Element>();
  for (const at of children(devices, "disk")) {
    const disk = parseDisk(at);
    if (disk && disk.device !== "floppy") found.set(disk.target, at);
  }
  return found;
}
