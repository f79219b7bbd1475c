import * as v from "valibot";
import type { AppServerModel } from "../app-server/model";
import type { MachineSpec } from "../machine/machine";
import { duration } from "./duration";
import { account } from "./file";
import { machineSpec } from "./machine";
import { strict } from "./strict";
import { pagePath, serverName } from "./java-server";
import { wholeNumber } from "./whole-number";

export interface AppServerInputs extends AppServerModel {
  machine: MachineSpec;
  source: string;
  content: string;
  healthPath: string;
  keepReleases: number;
  timeout: string;
  disk?: string;
  /** "serving", or what was found in its place. */
  condition: string;
}

// No message here shows what it got: it may be a secret.
const environment = v.record(
  v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not a variable's name. Allowed: letters, digits and _")),
  v.pipe(v.string("is not text. Allowed: strings"), v.regex(/^[^\n\0]*$/, "must be one line")),
);

const command = v.pipe(
  v.array(
    v.pipe(v.string("is not a word. Allowed: strings"), v.regex(/^[^\n\0]+$/, "is empty, or more than one line")),
    'is not a list of words. Allowed: ["program", "argument", ...]',
  ),
  v.check(
    ([program]) => program !== undefined && /^(\/|\.\/)./.test(program),
    'needs a program\'s path as its first word. Allowed: "/usr/bin/node", or "./server" beside the application',
  ),
);

export const appServerSchema = strict({
  machine: machineSpec,
  name: serverName,
  source: v.pipe(v.string(), v.nonEmpty("is empty. Allowed: a folder beside the program")),
  content: v.string(),
  command,
  environment: v.optional(environment, {}),
  port: v.optional(wholeNumber(1, 65535), 8080),
  user: v.optional(account),
  healthPath: v.optional(pagePath, "/"),
  drain: v.optional(duration, "10s"),
  keepReleases: v.optional(wholeNumber(1, 100), 3),
  timeout: v.optional(duration, "1m"),
  disk: v.optional(v.string()),
  condition: v.optional(v.string(), "serving"),
});
