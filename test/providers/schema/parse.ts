import * as v from "valibot";
import { parseInputs } from "../../../providers/dynamic/check";
import type { Handler } from "../../../providers/dynamic/contract";

/** The canonical inputs; throws what `check` would complain about. */
export function parsed<Output>(schema: v.GenericSchema<unknown, Output>, raw: object): Output {
  const failures = complaints(schema, raw);
  if (failures.length > 0) throw new Error(failures.join("\n"));
  return v.parse(schema, raw);
}

/** What `check` would complain about. */
export function complaints(schema: v.GenericSchema<unknown, unknown>, raw: object): string[] {
  return parseInputs({ schema } as Handler<object>, raw).failures.map(({ reason }) => reason);
}
