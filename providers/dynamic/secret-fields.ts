type Properties = { [name: string]: unknown };

/**
 * The property that names the fields whose values the program keeps secret: Pulumi hands them to a dynamic provider in
 * clear. Its prefix makes it internal to Pulumi's displays.
 */
export const secretFieldsProperty = "__secretFields";

/** Shorter texts are words, flags and numbers that would be struck out everywhere. */
const shortest = 4;

function named(raw: Properties): string[] {
  const fields = raw[secretFieldsProperty];
  return Array.isArray(fields) ? (fields as string[]) : [];
}

/** The secret fields of any of these. */
export function secretFields(...raws: Properties[]): ReadonlySet<string> {
  return new Set(raws.flatMap(named));
}

/** What is kept of the names of secret fields, to go with the properties that they are in. */
export function keptNames(raw: Properties): Properties {
  const fields = named(raw);
  return fields.length > 0 ? { [secretFieldsProperty]: fields } : {};
}

/** Strikes every text that is in a secret field out of what is said. */
export function redactor(...raws: Properties[]): (text: string) => string {
  const texts = raws.flatMap((raw) => named(raw).flatMap((field) => leaves(raw[field])));
  const secret = [...new Set(texts)].sort((a, b) => b.length - a.length);
  return (text) => secret.reduce((clean, one) => clean.replaceAll(one, "[secret]"), text);
}

function leaves(value: unknown): string[] {
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(leaves);
  if (typeof value !== "string") return [];
  // Errors show values as JSON writes them, and the lines of longer ones alone.
  const written = JSON.stringify(value).slice(1, -1);
  return [value, written, ...value.split("\n")].filter((text) => text.trim().length >= shortest);
}
