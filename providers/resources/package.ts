import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { onMachine, type MachineArg } from "./on-machine";

export interface PackageArgs {
  /** Where: a guest, a host, or `{ kind: "local" }`. What is in a guest goes with it when the guest is deleted. */
  machine: MachineArg;
  /** As apt or dnf know them, all in one transaction; with a version: "nginx=1.22*". Default: the resource's name. */
  names?: pulumi.Input<pulumi.Input<string>[]>;
  /** Default "present". */
  state?: pulumi.Input<"present" | "absent">;
}

/**
 * Packages on a machine, by apt or dnf. Package lists are fetched when they are older than a day or know no such package.
 * On delete those are removed that were not there before us, unless something else needs them by then.
 *
 * @example
 * new Package("web-server", { machine: web, names: ["nginx", "openssl"] });
 */
export class Package extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  declare readonly names: pulumi.Output<string[]>;
  /** What is installed. */
  declare readonly versions: pulumi.Output<{ [name: string]: string }>;

  constructor(name: string, args: PackageArgs, opts?: pulumi.CustomResourceOptions) {
    const place = onMachine(args.machine, opts);
    super("Package", name, { ...args, machine: place.machine, names: args.names ?? [name] }, ["versions"], place.opts);
  }
}
