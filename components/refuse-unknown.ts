import * as pulumi from "@pulumi/pulumi";
import { closest } from "fastest-levenshtein";

/**
 * Refuses fields that a component does not hand on to a resource, whose own check would find them: programs in plain
 * JavaScript, and casts, get past the compiler.
 */
export function refuseUnknown(subject: string, args: object, fields: readonly string[]): void {
  const unknown = Object.keys(args).find((field) => !fields.includes(field));
  if (unknown === undefined) return;
  throw new pulumi.RunError(
    `${subject}: unknown field ${JSON.stringify(unknown)}; did you mean "${closest(unknown, fields)}"? Allowed: ${fields.join(", ")}`,
  );
}

/** Refuses a component whose host was left out or misspelt; everything else needs it. */
export function requireHost(subject: string, { host }: { host?: unknown }): void {
  if (typeof host === "object" && host !== null) return;
  throw new pulumi.RunError(`${subject}: host is required. Allowed: a KvmHost`);
}
