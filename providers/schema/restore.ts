import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { duration } from "./duration";
import { machineSpec } from "./machine";
import { absolutePath } from "./name";
import { strict } from "./strict";
import { pattern } from "./tar-backup";

export interface RestoreInputs {
  machine: MachineSpec;
  from: MachineSpec;
  repository: string;
  at: string;
  paths: string[];
  to: string;
  identity?: string;
  timeout: string;
}

export const restorePoint = v.optional(
  v.pipe(v.string(), v.nonEmpty('is empty. Allowed: "latest", a point\'s name, or a time as date(1) takes it')),
  "latest",
);

export const restoreSchema = strict({
  machine: machineSpec,
  from: machineSpec,
  repository: absolutePath,
  at: restorePoint,
  paths: v.optional(v.array(pattern, 'is not a list. Allowed: a list of patterns, e.g. ["/home"]'), []),
  to: v.optional(absolutePath, "/"),
  // No message shows what it got.
  identity: v.optional(v.pipe(v.string("is not text"), v.regex(/AGE-|BEGIN/, "is no private key of age or ssh"))),
  timeout: v.optional(duration, "6h"),
});
