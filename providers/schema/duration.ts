import * as v from "valibot";

const factors: { [unit: string]: number } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const pattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

function complaint(got: unknown): string {
  return `${JSON.stringify(got)} is not a duration. Allowed: a number with ms, s, m, h or d, e.g. "30s"`;
}

/** Milliseconds of a duration: `milliseconds("30s")` is 30000. Throws on anything that is not one. */
export function milliseconds(duration: string): number {
  const [, digits, unit] = pattern.exec(duration) ?? [];
  if (digits === undefined) throw new Error(complaint(duration));
  return Number(digits) * factors[unit!]!;
}

/** A duration with its unit: "500ms", "30s", "5m", "2h", "14d". */
export const duration = v.pipe(
  v.string((issue) => complaint(issue.input)),
  v.regex(pattern, (issue) => complaint(issue.input)),
);
