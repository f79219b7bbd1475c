import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { duration } from "./duration";
import { machineSpec } from "./machine";
import { strict } from "./strict";

export interface ServiceInputs {
  machine: MachineSpec;
  name: string;
  state: "running" | "stopped";
  enabled?: boolean;
  restartOn?: unknown[];
  reloadOn?: unknown[];
  timeout: string;
}

const serviceName = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9_][A-Za-z0-9@._:\\-]*$/,
    (issue) => `${JSON.stringify(issue.input)} is not a service. Allowed: a name as in "nginx" or "backup.timer"`,
  ),
);

/** Any values: only whether they change counts. No message shows them, they may be secrets. */
const triggers = v.array(v.unknown(), "is not a list. Allowed: a list of any values, e.g. [file.revision]");

export const serviceSchema = strict({
  machine: machineSpec,
  name: serviceName,
  state: v.optional(v.picklist(["running", "stopped"]), "running"),
  enabled: v.optional(v.boolean()),
  restartOn: v.optional(triggers),
  reloadOn: v.optional(triggers),
  timeout: v.optional(duration, "90s"),
});
