import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { machineSpec } from "./machine";
import { strict } from "./strict";

export interface PackageInputs {
  machine: MachineSpec;
  names: string[];
  state: "present" | "absent";
}

/** A package's name as apt and dnf take it, with "=VERSION" behind it or not. A "-" at its end would mean removal. */
const packageName = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9+._-]*(?<!-)(:[a-z0-9-]+)?(=[A-Za-z0-9.+~:_^*?-]+)?$/,
    (issue) => `${JSON.stringify(issue.input)} is not a package. Allowed: e.g. "nginx", or "nginx=1.22*" for a version`,
  ),
);

const nameOf = (text: string) => text.split("=")[0]!;

export const packageSchema = strict({
  machine: machineSpec,
  names: v.pipe(
    v.array(packageName, 'is not a list. Allowed: a list of packages, e.g. ["nginx"]'),
    v.nonEmpty("is empty. Allowed: one package or more"),
    v.check(
      (names) => new Set(names.map(nameOf)).size === names.length,
      (issue) => {
        const names = issue.input.map(nameOf);
        const twice = names.find((name, at) => names.indexOf(name) !== at);
        return `"${twice}" is named twice. Allowed: each package once`;
      },
    ),
  ),
  state: v.optional(v.picklist(["present", "absent"]), "present"),
});
