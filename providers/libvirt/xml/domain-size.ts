import { attribute, child, type Element } from "./document";

/** Bytes in libvirt's units of memory, whatever their case (https://libvirt.org/formatdomain.html#memory-allocation). */
const units: { [unit: string]: number } = {
  b: 1,
  bytes: 1,
  kb: 1e3,
  k: 1024,
  kib: 1024,
  mb: 1e6,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  gb: 1e9,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  tb: 1e12,
  t: 1024 ** 4,
  tib: 1024 ** 4,
};

/** Bytes of `<memory unit="KiB">1024</memory>`, KiB where no unit is said; undefined where there is no such element. */
export function sizeIn(parent: Element, name: string): number | undefined {
  const found = child(parent, name);
  if (!found) return undefined;
  const unit = attribute(found, "unit") ?? "KiB";
  return Number(found.textContent) * (units[unit.toLowerCase()] ?? NaN);
}
