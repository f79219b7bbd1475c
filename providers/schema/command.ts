import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { duration } from "./duration";
import { machineSpec } from "./machine";
import { absolutePath } from "./name";
import { strict } from "./strict";

export interface CommandInputs {
  machine: MachineSpec;
  create: string[];
  update?: string[];
  delete?: string[];
  check?: string[];
  stdin?: string;
  env?: { [name: string]: string };
  cwd?: string;
  triggers?: unknown[];
  timeout: string;
}

// No message here shows what it got: it may be a secret.
const argv = v.pipe(
  v.array(
    v.pipe(
      v.string("is not a word. Allowed: strings"),
      v.regex(/^[^\0]*$/, "has a NUL character, which no command can get"),
    ),
    'is not a list of words. Allowed: ["program", "argument", ...]; where a shell is wanted, ["sh", "-c", "..."]',
  ),
  v.check(([program]) => program !== undefined && /^[^-]/.test(program), "needs a program's name as its first word"),
);

const environment = v.record(
  v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not a variable's name. Allowed: letters, digits and _")),
  v.pipe(v.string("is not text. Allowed: strings"), v.regex(/^[^\0]*$/, "has a NUL character")),
);

export const commandSchema = strict({
  machine: machineSpec,
  create: argv,
  update: v.optional(argv),
  delete: v.optional(argv),
  check: v.optional(argv),
  stdin: v.optional(v.string("is not text. Allowed: a string")),
  env: v.optional(environment),
  cwd: v.optional(absolutePath),
  triggers: v.optional(v.array(v.unknown(), "is not a list. Allowed: a list of any values")),
  timeout: v.optional(duration, "10m"),
});
