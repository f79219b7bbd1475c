import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { schedule } from "./schedule";
import { connectionUri } from "./connection";
import { duration } from "./duration";
import { machineSpec } from "./machine";
import { objectName } from "./name";
import { strict } from "./strict";
import { argv, drill, folder, jobName, keep, type KeepRules } from "./tar-backup";
import { wholeNumber } from "./whole-number";

export interface GuestBackupInputs {
  connection: string;
  machine: MachineSpec;
  guest: string;
  name: string;
  target: string;
  full: number;
  freeze: "auto" | "require" | "never";
  drill?: string;
  check?: string[];
  scratch?: string;
  retain: "keep" | "delete";
  keep?: KeepRules;
  immutable: number;
  metrics?: string;
  schedule: string;
  jitter: string;
  catchUp: boolean;
  /** What is installed, as one digest: generated, never given. */
  installed?: string;
}

const place = v.pipe(
  folder,
  v.check((path) => !/[\n\r]/.test(path), "must be one line"),
);

const fields = strict({
  connection: v.pipe(
    connectionUri,
    v.check(
      (uri) => !uri.startsWith("lxc"),
      (issue) =>
        `${JSON.stringify(issue.input)}: a container has no disks of its own. Fix: use BackupJob on the guest, which backs up its files`,
    ),
    v.check(
      (uri) => uri.startsWith("qemu") || uri.startsWith("lxc"),
      (issue) =>
        `${JSON.stringify(issue.input)}: only QEMU writes images of the disks of running guests. Allowed: qemu:// and qemu+ssh://; elsewhere use BackupJob on the guest`,
    ),
  ),
  machine: machineSpec,
  guest: objectName,
  name: jobName,
  target: place,
  full: v.optional(wholeNumber(1, 1000), 7),
  freeze: v.optional(v.picklist(["auto", "require", "never"]), "auto"),
  keep: v.optional(keep),
  immutable: v.optional(wholeNumber(0, 10_000), 0),
  drill: v.optional(drill),
  check: v.optional(argv),
  scratch: v.optional(place),
  metrics: v.optional(place),
  retain: v.optional(v.picklist(["keep", "delete"]), "keep"),
  schedule: v.optional(schedule, "daily"),
  jitter: v.optional(duration, "15m"),
  catchUp: v.optional(v.boolean(), true),
  installed: v.optional(v.string()),
});

export const guestBackupSchema = v.pipe(
  fields,
  v.forward(
    v.check(
      ({ drill, check }) => check === undefined || (drill ?? "never") !== "never",
      'is run by drills, of which there are none. Fix: drill: "weekly"',
    ),
    ["check"],
  ),
  v.forward(
    v.check(
      ({ retain, immutable }) => retain !== "delete" || immutable === 0,
      '"delete" would take images with it that are immutable. Fix: retain: "keep", or leave immutable out',
    ),
    ["retain"],
  ),
);
