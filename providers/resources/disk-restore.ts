import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { onMachine, type MachineArg } from "./on-machine";

export interface DiskRestoreArgs {
  /** The host where the disk shall be: a `KvmHost` or its `machine`. It needs qemu-img. */
  machine: MachineArg;
  /** Where the repository is. Default: on `machine` itself. From another one it is brought through the machine that runs pulumi. */
  from?: MachineArg;
  /** The repository of a `GuestBackup`: its target's folder and the job's name in it, "/srv/backup/web-images". */
  repository: pulumi.Input<string>;
  /** "latest" (default), a point's name, or a time as date(1) takes it: the last point until then. */
  at?: pulumi.Input<string>;
  /** Which disk of the guest, by its target: "vda". Default: the only one that there is. */
  disk?: pulumi.Input<string>;
  /** The image that is written, as an absolute path. Nothing may be there. */
  to: pulumi.Input<string>;
  /** Default "qcow2". */
  format?: pulumi.Input<"qcow2" | "raw">;
  /**
   * What deleting the resource does to the image: "keep" (default) leaves it, "delete" deletes it, unless a guest runs on it.
   * A restore of another point to the same place needs "delete" too, from an earlier `up`.
   */
  retain?: pulumi.Input<"keep" | "delete">;
  /** How long it may take. Default "6h". */
  timeout?: pulumi.Input<string>;
}

/**
 * A guest's disk as it was at a point of its `GuestBackup`, brought to a host once, as a disk for a new guest. Every byte is
 * checked first; nothing that exists is overwritten. See `RestoredImage` for a whole guest.
 *
 * @example
 * const disk = new DiskRestore("web-2", { machine: host, repository: "/srv/backup/web-images", to: "/srv/images/web-2.qcow2" });
 * new Domain("web-2", { memory: "1GiB", disks: [{ path: disk.path }] });
 */
export class DiskRestore extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  /** The image. */
  declare readonly path: pulumi.Output<string>;
  declare readonly format: pulumi.Output<"qcow2" | "raw">;
  /** Of the disk, in the largest exact unit. */
  declare readonly capacity: pulumi.Output<string>;
  /** The point that was restored, "20260729T030000Z". */
  declare readonly point: pulumi.Output<string>;
  /** When, in UTC. */
  declare readonly restoredAt: pulumi.Output<string>;

  constructor(name: string, args: DiskRestoreArgs, opts?: pulumi.CustomResourceOptions) {
    const place = onMachine(args.machine, opts);
    const from = args.from === undefined ? place.machine : onMachine(args.from, undefined).machine;
    const shape = { ...args, machine: place.machine, from, format: args.format ?? "qcow2" };
    super("DiskRestore", name, shape, ["path", "capacity", "point", "restoredAt"], place.opts);
  }
}
