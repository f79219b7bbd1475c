import { closest } from "fastest-levenshtein";
import * as v from "valibot";

/**
 * An object that has these fields and no others. A misspelt field is named with the nearest one that exists, a missing
 * one with its name.
 */
export function strict<const Entries extends v.ObjectEntries>(entries: Entries) {
  const names = Object.keys(entries);
  return v.strictObject(entries, (issue) => {
    if (issue.received === "undefined") return "is required";
    if (issue.expected !== "never")
      return `got ${JSON.stringify(issue.input)}. Allowed: an object with ${names.join(", ")}`;
    const got = String(issue.path?.at(-1)?.key ?? issue.received);
    return `unknown field ${JSON.stringify(got)}; did you mean "${closest(got, names)}"? Allowed: ${names.join(", ")}`;
  });
}
