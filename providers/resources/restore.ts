import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { onMachine, type MachineArg } from "./on-machine";

export interface RestoreArgs {
  /** Where to: a guest, a host, or `{ kind: "local" }`. It needs GNU tar, findutils, coreutils, flock and the compressor. */
  machine: MachineArg;
  /** Where the repository is. Default: on `machine` itself. From another one it is brought through the machine that runs pulumi. */
  from?: MachineArg;
  /** The repository: a target's folder and the job's name in it, "/var/backup/home". */
  repository: pulumi.Input<string>;
  /** "latest" (default), a point's name, or a time as date(1) takes it: the last point until then. */
  at?: pulumi.Input<string>;
  /** Which files, as patterns like those of `exclude` of `TarBackup`. Default: all. */
  paths?: pulumi.Input<pulumi.Input<string>[]>;
  /** The folder that stands for /. Default "/": everything comes back where it was. */
  to?: pulumi.Input<string>;
  /** The private key of an encrypted backup; it is never written to the machine's disk. */
  identity?: pulumi.Input<string>;
  /** How long it may take. Default "6h". */
  timeout?: pulumi.Input<string>;
}

/**
 * Files of a restore point, brought to a machine once, before what depends on them: a new guest begins with the data of an old
 * one. Every byte is checked on its way; nothing that exists is overwritten. Deleting the resource leaves the files.
 *
 * @example
 * const data = new Restore("data", { machine: db, from: host, repository: "/var/backup/db", paths: ["/srv/db"] });
 * new Service("postgresql", { machine: db }, { dependsOn: data });
 */
export class Restore extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  /** The point that was restored, "20260729T030000Z-2". */
  declare readonly point: pulumi.Output<string>;
  /** When, in UTC. */
  declare readonly restoredAt: pulumi.Output<string>;

  constructor(name: string, args: RestoreArgs, opts?: pulumi.CustomResourceOptions) {
    const place = onMachine(args.machine, opts);
    const from = args.from === undefined ? place.machine : onMachine(args.from, undefined).machine;
    super("Restore", name, { ...args, machine: place.machine, from }, ["point", "restoredAt"], place.opts, [
      "identity",
    ]);
  }
}
