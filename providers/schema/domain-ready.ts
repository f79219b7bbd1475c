import * as v from "valibot";
import { duration } from "./duration";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

const port = wholeNumber(1, 65535);

/** When a guest counts as ready; everything that is given must hold. */
export const readySchema = strict({
  agent: v.optional(v.boolean()),
  addresses: v.optional(v.boolean()),
  booted: v.optional(v.boolean()),
  command: v.optional(
    v.pipe(v.array(v.string()), v.minLength(1, 'got []. Allowed: a program and its arguments, e.g. ["pg_isready"]')),
  ),
  port: v.optional(v.union([port, strict({ port, nic: v.optional(wholeNumber(0, 63)) })])),
  http: v.optional(
    strict({
      port: v.optional(port, 80),
      path: v.optional(
        v.pipe(
          v.string(),
          v.startsWith("/", (issue) => `${JSON.stringify(issue.input)} is not a path. Allowed: e.g. "/healthz"`),
        ),
        "/",
      ),
      status: v.optional(wholeNumber(100, 599)),
      nic: v.optional(wholeNumber(0, 63)),
    }),
  ),
  timeout: v.optional(duration, "5m"),
});

export type ReadyInputs = v.InferOutput<typeof readySchema>;
