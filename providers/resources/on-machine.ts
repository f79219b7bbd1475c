import * as pulumi from "@pulumi/pulumi";
import type { MachineSpec } from "../machine/machine";

/** What has a machine: a `Guest`, a `KvmHost`. */
export interface OnMachine {
  readonly machine: pulumi.Input<MachineSpec>;
  /** Where the machine is a guest: what is in it goes with it, and nothing has to be undone inside before. */
  readonly domain?: pulumi.Resource;
}

/** Where a resource works: a guest or a host, its `machine`, or a spec such as `{ kind: "local" }`. */
export type MachineArg = pulumi.Input<MachineSpec> | OnMachine;

/** The machine's spec, and the options of a resource that is gone when its guest is. */
export function onMachine(
  place: MachineArg,
  opts: pulumi.CustomResourceOptions | undefined,
): { machine: pulumi.Input<MachineSpec>; opts: pulumi.CustomResourceOptions | undefined } {
  if (!has(place)) return { machine: place, opts };
  return { machine: place.machine, opts: place.domain ? { deletedWith: place.domain, ...opts } : opts };
}

function has(place: MachineArg): place is OnMachine {
  return !pulumi.Output.isInstance(place) && typeof place === "object" && "machine" in place;
}
