import type * as pulumi from "@pulumi/pulumi";

/**
 * What a guest boots from: a disk image on the host, with a kernel beside it where the image has no boot loader; or the
 * folder or archive that a container's root is copied from.
 */
export interface Image {
  /** On the host. A disk image is qcow2, and guests' root disks are overlays on it. */
  readonly path: pulumi.Output<string>;
  readonly format: pulumi.Output<"qcow2" | "directory" | "tar">;
  /** The kind of its guests. Default "qemu"; a folder's are "lxc". */
  readonly kind?: "qemu" | "lxc";
  /** False for a disk that needs a kernel and has none. */
  readonly bootable?: boolean;
  /** Whether its guests answer the guest agent without being configured first. */
  readonly agent: boolean;
  /** For direct kernel boot; undefined where the image boots by itself. */
  readonly kernel?: pulumi.Output<string>;
  readonly initrd?: pulumi.Output<string | undefined>;
  readonly cmdline?: pulumi.Output<string>;
}
