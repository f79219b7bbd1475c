import * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import { adoptedName } from "./adopted-name";

/** What an overlay lies on. */
export interface BackingArgs {
  /** On the host, e.g. another volume's `path`. */
  path: pulumi.Input<string>;
  /** Default "qcow2". */
  format?: pulumi.Input<"qcow2" | "raw">;
}

/** A file on the machine that runs pulumi, uploaded when the volume is made. */
export interface SourceArgs {
  /** Taken from the project's folder when it is relative. */
  path: pulumi.Input<string>;
  /** The digest that the file must have; with it another path with the same content is no change. */
  sha256?: pulumi.Input<string>;
}

export interface VolumeArgs {
  /** libvirt URI. Default "qemu:///system". */
  connection?: pulumi.Input<string>;
  /** The storage pool's name. */
  pool: pulumi.Input<string>;
  /** The file's name in the pool. Default: the resource's name, or what `adopt` names. */
  name?: pulumi.Input<string>;
  /** Name or key (path) of an existing volume to take over. It may grow, and stays on delete. */
  adopt?: pulumi.Input<string>;
  /**
   * "10GiB" or a number of bytes. Default: that of `backing` or `source`; else required. May grow later, also while a
   * guest runs on it; never shrinks.
   */
  capacity?: pulumi.Input<string | number>;
  /** Default "qcow2". */
  format?: pulumi.Input<"qcow2" | "raw">;
  /** Makes the volume an overlay: it holds only what differs. A path alone means format qcow2. */
  backing?: pulumi.Input<string | BackingArgs>;
  /** Fills the volume with a file, whose format must be `format`. */
  source?: pulumi.Input<SourceArgs>;
  /** Whether space is taken at once: "off" (default), "metadata" (qcow2 tables), "full". */
  preallocation?: pulumi.Input<"off" | "metadata" | "full">;
  /**
   * What deleting the resource does to the data: "refuse" (default) fails, "keep" leaves the file on the host, "delete"
   * deletes it. A change that replaces the volume needs "delete" too, from an earlier `up`. A volume that guests or
   * overlays use is never deleted.
   */
  retain?: pulumi.Input<"refuse" | "keep" | "delete">;
  /** The most that a change may do: "live" refuses every replacement at preview. Default: what `retain` allows. */
  disruption?: pulumi.Input<"live" | "reboot" | "replace">;
}

/**
 * A disk in a storage pool.
 *
 * @example
 * const base = new Volume("base", { pool: images.name, source: { path: "debian.qcow2" }, retain: "delete" });
 * const root = new Volume("root", { pool: images.name, backing: { path: base.path }, capacity: "20GiB", retain: "delete" });
 */
export class Volume extends Resource {
  declare readonly name: pulumi.Output<string>;
  declare readonly connection: pulumi.Output<string>;
  declare readonly pool: pulumi.Output<string>;
  declare readonly format: pulumi.Output<"qcow2" | "raw">;
  /** In the largest exact unit, e.g. "10GiB". */
  declare readonly capacity: pulumi.Output<string>;
  /** On the host. */
  declare readonly path: pulumi.Output<string>;
  /** libvirt's key, unique on the host; for files the path. */
  declare readonly key: pulumi.Output<string>;

  constructor(name: string, args: VolumeArgs, opts?: pulumi.CustomResourceOptions) {
    const adopted =
      args.adopt === undefined ? undefined : pulumi.output(args.adopt).apply((key) => key.split("/").at(-1)!);
    const defaults = {
      connection: args.connection ?? "qemu:///system",
      name: args.name ?? adoptedName(adopted, name),
      format: args.format ?? "qcow2",
    };
    super("Volume", name, { ...args, ...defaults }, ["capacity", "path", "key"], opts);
  }
}
