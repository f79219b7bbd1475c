import * as v from "valibot";

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const decimal: { [unit: string]: number } = { kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
const pattern = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/;

/** Bytes of a size such as "2GiB" or 1048576; undefined when it is not a size. KiB is 1024 bytes and kB 1000 (IEC 80000-13). */
function parse(value: string | number): number | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const [, digits, unit] = pattern.exec(value.trim()) ?? [];
  if (digits === undefined) return undefined;
  const power = units.findIndex((known) => known === (unit || "B"));
  const factor = power >= 0 ? 1024 ** power : decimal[unit!];
  const bytes = factor === undefined ? NaN : Number(digits) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The size in its largest exact binary unit: 2147483648 is "2GiB". The canonical form in state and previews. */
export function formatSize(bytes: number): string {
  let power = 0;
  while (power < units.length - 1 && bytes >= 1024 && bytes % 1024 === 0) {
    bytes /= 1024;
    power++;
  }
  return `${bytes}${units[power]}`;
}

/** Bytes of a valid size: `bytes("2GiB")` is 2147483648. Throws on anything else. */
export function bytes(size: string | number): number {
  const parsed = parse(size);
  if (parsed === undefined) throw new Error(complaint(size));
  return parsed;
}

function complaint(got: unknown): string {
  return `${JSON.stringify(got)} is not a size. Allowed: bytes as a whole number, or a number with B, KiB, MiB, GiB, TiB (or kB, MB, GB, TB), e.g. "2GiB"`;
}

/** A size with a unit ("2GiB", "512 MiB") or a number of bytes; canonical form is the largest exact binary unit. */
export const size = v.pipe(
  v.union([v.string(), v.number()], (issue) => complaint(issue.input)),
  v.check(
    (value) => parse(value) !== undefined,
    (issue) => complaint(issue.input),
  ),
  v.transform((value) => formatSize(parse(value)!)),
);
