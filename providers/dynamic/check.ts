import { closest, distance } from "fastest-levenshtein";
import * as v from "valibot";
import type { Change, Handler } from "./contract";
import { describeChange, exceeds } from "./diff";
import { containsUnknown } from "./unknown";

export interface Failure {
  property: string;
  reason: string;
}

export interface Checked<Inputs> {
  inputs: Inputs;
  failures: Failure[];
  /** Whether every input is known: only then may the world be asked about them. */
  known: boolean;
}

type Fields = { [field: string]: v.GenericSchema };

/** Parses raw arguments with the handler's schema; what is not known yet is left as it is and complained about later. */
export function parseInputs<Inputs extends object>(handler: Handler<Inputs>, raw: object): Checked<Inputs> {
  if (!containsUnknown(raw)) {
    const parsed = v.safeParse(handler.schema, raw);
    return { inputs: (parsed.success ? parsed.output : raw) as Inputs, failures: failures(parsed.issues), known: true };
  }
  // With unknowns, each field is parsed alone, so that what is wrong with the known ones is told already.
  const fields = (handler.schema as unknown as { entries: Fields }).entries;
  const inputs: { [field: string]: unknown } = {};
  const found: Failure[] = [];
  for (const [field, schema] of Object.entries(fields)) {
    const value = (raw as { [field: string]: unknown })[field];
    const parsed = v.safeParse(schema, value);
    const canonical = parsed.success && !containsUnknown(value) ? parsed.output : value;
    if (canonical !== undefined) inputs[field] = canonical;
    const wrong = parsed.issues?.filter((issue) => !containsUnknown(issueInput(issue)));
    found.push(...failures(wrong).map(({ property, reason }) => inside(field, property, reason)));
  }
  for (const field of Object.keys(raw).filter((name) => !(name in fields))) {
    const alone = v.safeParse(handler.schema, { [field]: null });
    found.push(...failures(alone.issues?.filter((issue) => v.getDotPath(issue) === field)));
  }
  return { inputs: inputs as Inputs, failures: found, known: false };
}

function issueInput(issue: v.BaseIssue<unknown>): unknown {
  return issue.path?.at(-1)?.value ?? issue.input;
}

/** A failure found in a field parsed alone, as it reads in the whole. */
function inside(field: string, property: string, reason: string): Failure {
  return property === ""
    ? { property: field, reason: `${field}: ${reason}` }
    : { property: `${field}.${property}`, reason: `${field}.${reason}` };
}

function failures(issues: readonly v.BaseIssue<unknown>[] | undefined): Failure[] {
  return (issues ?? []).flatMap((issue) => {
    // A choice between shapes complains in the words of the shapes that were tried.
    if (issue.type === "union" && issue.issues && issue.message.startsWith("Invalid ")) return failures(issue.issues);
    const property = v.getDotPath(issue) ?? "";
    return [{ property, reason: property ? `${property}: ${message(issue)}` : message(issue) }];
  });
}

function message(issue: v.BaseIssue<unknown>): string {
  if (!issue.message.startsWith("Invalid ")) return issue.message;
  const { expected } = issue;
  if (issue.received === "undefined") return `is required. Allowed: ${allowed(expected)}`;
  const choices = expected?.match(/"[^"]*"/g)?.map((choice) => choice.slice(1, -1)) ?? [];
  const near = typeof issue.input === "string" && choices.length > 0 ? closest(issue.input, choices) : undefined;
  const meant = near !== undefined && distance(near, issue.input as string) <= 2 ? `; did you mean "${near}"?` : ".";
  return `got ${JSON.stringify(issue.input)}${meant} Allowed: ${allowed(expected)}`;
}

const shapes: { [expected: string]: string } = {
  string: "a string",
  number: "a number",
  boolean: "true or false",
  Array: "a list",
  Object: "an object",
};

/** What the schema library expects, in words: `("a" | "b" | "c")` is `"a", "b" or "c"`, and ">=1" is "at least 1". */
function allowed(expected: string | null): string {
  if (expected === null) return "another value";
  const words = expected
    .replace(/^\((.*)\)$/, "$1")
    .split(" | ")
    .map((word) => shapes[word] ?? word.replace(/^>=/, "at least ").replace(/^<=/, "at most "));
  return [words.slice(0, -1).join(", "), words.at(-1)!].filter((part) => part !== "").join(" or ");
}

/** A failure for every change that disturbs more than the object tolerates. */
export function limitFailures<Inputs extends object>(
  handler: Handler<Inputs>,
  inputs: Inputs,
  changes: readonly Change[],
): Failure[] {
  const limit = handler.limit?.(inputs);
  if (limit === undefined) return [];
  return changes
    .filter((change) => exceeds(change.disruption, limit))
    .map((change) => ({
      property: change.field,
      reason:
        `${handler.describe(inputs)}: ${describeChange(change)} disturbs more than is allowed: ${limit}. ` +
        `Fix: undo the change, or set disruption: "${change.disruption}"`,
    }));
}
