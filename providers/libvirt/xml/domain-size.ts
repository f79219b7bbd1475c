import { attribute, child, type Element } from "./document";

/** Bytes in libvirt's units of memory (https://libvirt.org/formatdomain.html#memory-allocation); KiB where none is said. */
const units: { [unit: string]: number } = {
  b: 1,
  bytes: 1,
  KB: 1e3,
  k: 1024,
  KiB: 1024,
  MB: 1e6,
  M: 1024 ** 2,
  MiB: 1024 ** 2,
  GB: 1e9,
  G: 1024 ** 3,
  GiB: 1024 ** 3,
  TB: 1e12,
  T: 1024 ** 4,
  TiB: 1024 ** 4,
};

/** Bytes of `<memory unit="KiB">1024</memory>`; undefined where there is no such element. */
export function sizeIn(parent: Element, name: string): number | undefined {
  const found = child(parent, name);
  if (!found) return undefined;
  return Number(found.textContent) * (units[attribute(found, "unit") ?? "KiB"] ?? NaN);
}
