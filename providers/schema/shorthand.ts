import * as v from "valibot";

/** A string that stands for an object: only the shape that was meant complains. */
export function shorthand<Output>(
  text: v.GenericSchema<unknown, Output>,
  whole: v.GenericSchema<unknown, Output>,
): v.GenericSchema<unknown, Output> {
  return v.lazy((input) => (typeof input === "string" ? text : whole));
}
