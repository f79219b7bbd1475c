import * as v from "valibot";
import type { Change, Handler } from "./contract";
import { classify, describeChange, exceeds } from "./diff";
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
  const fields = (handler.schema as unknown as { entries: Fields }).entries;
  const inputs: { [field: string]: unknown } = {};
  const found: Failure[] = [];
  const values = new Map(Object.entries(raw));
  // A schema of one field keeps the object's own messages (unknown and missing fields) and parses each alone.
  const unnamed = Object.fromEntries([...values].filter(([field, value]) => field in fields && containsUnknown(value)));
  for (const [field, schema] of Object.entries(fields)) {
    const value = values.get(field);
    const parsed = v.safeParse(schema, value);
    const real = (parsed.issues ?? []).filter((issue) => !containsUnknown(issueInput(issue)));
    if (real.length > 0) found.push(...failures(real).map(({ property, reason }) => located(field, property, reason)));
    const canonical = parsed.success && !(field in unnamed) ? parsed.output : value;
    if (canonical !== undefined) inputs[field] = canonical;
  }
  for (const field of values.keys())
    if (!(field in fields)) {
      const only = v.safeParse(handler.schema, { [field]: values.get(field) });
      found.push(...failures(only.issues?.filter((issue) => v.getDotPath(issue) === field)));
    }
  return { inputs: inputs as Inputs, failures: found, known: false };
}

function issueInput(issue: v.BaseIssue<unknown>): unknown {
  return issue.path?.at(-1)?.value ?? issue.input;
}

function located(field: string, rest: string, reason: string): Failure {
  const property = rest ? `${field}.${rest}` : field;
  return { property, reason: rest ? reason.replace(`${rest}: `, `${property}: `) : `${field}: ${reason}` };
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
  if (issue.received === "undefined") return `is required. Allowed: ${issue.expected ?? "a value"}`;
  return `got ${JSON.stringify(issue.input)}. Allowed: ${issue.expected ?? "another value"}`;
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

/** What a change of inputs amounts to; nothing for a new object. */
export function inputChanges<Inputs extends object>(
  handler: Handler<Inputs>,
  olds: Partial<Inputs> | undefined,
  news: Inputs,
): Change[] {
  return olds ? classify(handler.fields, olds, news) : [];
}
