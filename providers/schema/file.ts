import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { machineSpec } from "./machine";
import { absolutePath } from "./name";
import { strict } from "./strict";

export interface FileInputs {
  machine: MachineSpec;
  path: string;
  content?: string;
  source?: string;
  sha256?: string;
  mode: string;
  owner?: string;
  group?: string;
  overwrite: boolean;
  parents: boolean;
}

/** Permission bits in octal, canonical with four digits: "0644". A number is refused: 644 is not 0644. */
export const fileMode = v.pipe(
  v.string((issue) => `${JSON.stringify(issue.input)} is not a mode. Allowed: octal digits in quotes, e.g. "0644"`),
  v.regex(
    /^[0-7]{3,4}$/,
    (issue) => `${JSON.stringify(issue.input)} is not a mode. Allowed: three or four octal digits, e.g. "0644"`,
  ),
  v.transform((mode) => mode.padStart(4, "0")),
);

/** A user's or group's name, or its number as text. */
export const account = v.pipe(
  v.string(),
  v.regex(
    /^[^\s:/-][^\s:/]*$/,
    (issue) => `${JSON.stringify(issue.input)} is not a user or group. Allowed: a name, or a number as text`,
  ),
);

const file = v.pipe(
  absolutePath,
  v.check(
    (path) => !path.endsWith("/"),
    (issue) => `${JSON.stringify(issue.input)} is a folder's path. Allowed: a file's path`,
  ),
);

// No message here shows what it got: it may be a secret.
const text = v.string("is not text. Allowed: a string; take anything else from a file, by source");

export const fileSchema = v.pipe(
  strict({
    machine: machineSpec,
    path: file,
    content: v.optional(text),
    source: v.optional(v.pipe(v.string(), v.nonEmpty("is empty. Allowed: the path of a file beside the program"))),
    sha256: v.optional(v.string()),
    mode: v.optional(fileMode, "0644"),
    owner: v.optional(account),
    group: v.optional(account),
    overwrite: v.optional(v.boolean(), false),
    parents: v.optional(v.boolean(), false),
  }),
  v.check(
    ({ content, source }) => (content === undefined) !== (source === undefined),
    "content or source is required, and only one of them",
  ),
);
