import * as v from "valibot";

/** A whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number) {
  const complaint = (issue: { input: unknown }) =>
    `got ${JSON.stringify(issue.input)}. Allowed: a whole number from ${least} to ${most}`;
  return v.pipe(v.number(complaint), v.integer(complaint), v.minValue(least, complaint), v.maxValue(most, complaint));
}
