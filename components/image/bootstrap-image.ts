import * as pulumi from "@pulumi/pulumi";
import {
  BootstrapImage as BootstrapImageResource,
  type BootstrapImageArgs as ResourceArgs,
} from "../../providers/resources/bootstrap-image";
import type { MachineSpec } from "../../providers/machine/machine";
import type { KvmHost } from "../host/kvm-host";
import { refuseUnknown, requireHost } from "../refuse-unknown";
import type { Image } from "./image";

export interface BootstrapImageArgs extends Omit<ResourceArgs, "machine" | "directory" | "format"> {
  /** Where it is kept. */
  host: KvmHost;
  /** The pool on the host that holds a disk image. Default: the host's first. */
  pool?: string;
  /**
   * "qcow2" (default) is the disk of virtual machines. "directory" is a folder among the host's `filesystems`, for guests
   * of kind "lxc".
   */
  format?: "qcow2" | "directory";
  /**
   * Builds it on another machine, into a folder that the host has under the same path: shared storage, or a lab's host, which
   * reaches no package mirror and sees this machine's folders. Default: the host itself, in `pool` or `filesystems`.
   */
  shared?: { machine: MachineSpec; directory: string };
}

/**
 * A Debian image built on the host out of packages, without a download of any finished image. What is built is named
 * after its content: the same declaration is built once a host, whatever number of stacks and guests use it.
 *
 * @example
 * const image = new BootstrapImage("web", { host, suite: "bookworm", packages: ["nginx-light"] });
 */
export class BootstrapImage extends pulumi.ComponentResource implements Image {
  /** The disk image, or the folder, on the host. */
  readonly path: pulumi.Output<string>;
  readonly format: pulumi.Output<"qcow2" | "directory">;
  /** The kind of its guests. */
  readonly kind: "qemu" | "lxc";
  /** Whether its guests answer the guest agent without being configured first. */
  readonly agent: boolean;
  /** On the host, for direct kernel boot; not of a folder. */
  readonly kernel?: pulumi.Output<string>;
  /** On the host, for direct kernel boot; not of a folder. */
  readonly initrd?: pulumi.Output<string>;
  /** What the kernel needs on its command line; not of a folder. */
  readonly cmdline?: pulumi.Output<string>;

  constructor(name: string, args: BootstrapImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:image:BootstrapImage", name, {}, opts);
    requireHost(`BootstrapImage ${name}`, args);
    const { host, pool, format = "qcow2", shared, ...shape } = args;
    if (shared) refuseUnknown(`BootstrapImage ${name}: shared`, shared, ["machine", "directory"]);
    if (shared && pool !== undefined)
      throw new pulumi.RunError(`BootstrapImage ${name}: pool and shared are both given. Fix: leave one of them out`);
    if (format === "directory" && pool !== undefined)
      throw new pulumi.RunError(
        `BootstrapImage ${name}: pool holds disk images, and a folder is kept in the host's filesystems. Fix: leave pool out`,
      );
    const disk = format === "qcow2";
    const directory = shared?.directory ?? (disk ? host.pool(pool).path : host.filesystems);
    const built = new BootstrapImageResource(
      name,
      { ...shape, ...(!disk && { format }), machine: shared?.machine ?? host.machine, directory },
      { parent: this },
    );
    this.kind = disk ? "qemu" : "lxc";
    this.agent = disk;
    this.path = built.path;
    this.format = built.format;
    if (disk) {
      this.kernel = built.kernel;
      this.initrd = built.initrd;
      this.cmdline = built.cmdline;
    }
    this.registerOutputs({ path: this.path });
  }
}
