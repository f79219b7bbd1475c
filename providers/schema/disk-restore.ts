import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { duration } from "./duration";
import { machineSpec } from "./machine";
import { absolutePath } from "./name";
import { restorePoint } from "./restore";
import { strict } from "./strict";

export interface DiskRestoreInputs {
  machine: MachineSpec;
  from: MachineSpec;
  repository: string;
  at: string;
  disk?: string;
  to: string;
  format: "qcow2" | "raw";
  retain: "keep" | "delete";
  timeout: string;
}

export const diskRestoreSchema = strict({
  machine: machineSpec,
  from: machineSpec,
  repository: absolutePath,
  at: restorePoint,
  disk: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^[a-z]+$/,
        (issue) => `${JSON.stringify(issue.input)} is no disk. Allowed: a target in the guest, e.g. "vda"`,
      ),
    ),
  ),
  to: absolutePath,
  format: v.optional(v.picklist(["qcow2", "raw"]), "qcow2"),
  retain: v.optional(v.picklist(["keep", "delete"]), "keep"),
  timeout: v.optional(duration, "6h"),
});
