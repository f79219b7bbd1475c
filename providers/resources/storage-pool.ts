import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import { adoptedName } from "./adopted-name";
import { ownerOf } from "./owner";

export interface StoragePoolArgs {
  /** libvirt URI. Default "qemu:///system". */
  connection?: pulumi.Input<string>;
  /** The name in `virsh pool-list`. Default: the resource's name, or what `adopt` names. */
  name?: pulumi.Input<string>;
  /** Name or UUID of an existing pool to take over. It is brought to these arguments, and stays on delete. */
  adopt?: pulumi.Input<string>;
  /** Only folders so far. Default "dir" (https://libvirt.org/storage.html#directory-pool). */
  type?: pulumi.Input<"dir">;
  /** The folder on the host. libvirt takes a folder for one pool only. */
  path: pulumi.Input<string>;
  /** Whether the folder is made where it is missing; such a folder is removed on delete when it is empty. Default true. */
  build?: pulumi.Input<boolean>;
  /** Whether it starts with the host. Default true. */
  autostart?: pulumi.Input<boolean>;
  /** Whether it runs. Default true: one that was stopped behind our back is started again. */
  active?: pulumi.Input<boolean>;
}

/**
 * A folder on the host in which libvirt manages volumes. Deleting it leaves the volumes' files where they are.
 *
 * @example
 * const images = new StoragePool("images", { path: "/var/lib/libvirt/images" });
 */
export class StoragePool extends Resource {
  /** The name in `virsh pool-list`; what a volume names. */
  declare readonly name: pulumi.Output<string>;
  declare readonly connection: pulumi.Output<string>;
  declare readonly path: pulumi.Output<string>;
  declare readonly uuid: pulumi.Output<string>;
  /** Bytes of the file system that the folder is on, as of the last change. */
  declare readonly capacity: pulumi.Output<number>;

  constructor(name: string, args: StoragePoolArgs, opts?: pulumi.CustomResourceOptions) {
    const connection = args.connection ?? "qemu:///system";
    super(
      "StoragePool",
      name,
      { ...args, owner: ownerOf(name), connection, name: args.name ?? adoptedName(args.adopt, name) },
      ["uuid", "capacity"],
      opts,
    );
  }
}
