import * as pulumi from "@pulumi/pulumi";
import { RpmImage as RpmImageResource, type RpmImageArgs as ResourceArgs } from "../../providers/resources/rpm-image";
import type { MachineSpec } from "../../providers/machine/machine";
import type { KvmHost } from "../host/kvm-host";
import { refuseUnknown, requireHost } from "../refuse-unknown";
import type { Image } from "./image";

export interface RpmImageArgs extends Omit<ResourceArgs, "machine" | "directory" | "format"> {
  /** Where it is kept. */
  host: KvmHost;
  /** The pool on the host that holds a disk image. Default: the host's first. */
  pool?: string;
  /**
   * "directory" (default) is a folder among the host's `filesystems`, and "tar" an archive there, both for guests of kind
   * "lxc". "qcow2" is a disk with an ext4 file system, for whoever brings a kernel.
   */
  format?: "directory" | "qcow2" | "tar";
  /** Unpacks it on another machine, into a folder that the host has under the same path: shared storage. */
  shared?: { machine: MachineSpec; directory: string };
}

/**
 * An image out of RPMs: their files, unpacked in the order given. Every file is checked on its way and nothing leaves the
 * image, whatever a package holds; packages' scripts are not run. What is made is named after its content.
 *
 * @example
 * const image = new RpmImage("appliance", {
 *   host,
 *   packages: ["./base.rpm", { url: "https://example.org/nginx.rpm", sha256: "..." }],
 *   keys: ["./RPM-GPG-KEY"],
 * });
 */
export class RpmImage extends pulumi.ComponentResource implements Image {
  /** The folder, the disk image or the archive, on the host. */
  readonly path: pulumi.Output<string>;
  readonly format: pulumi.Output<"directory" | "qcow2" | "tar">;
  /** The kind of its guests. */
  readonly kind: "qemu" | "lxc";
  /** False for a disk: `Guest` is told its kernel, or refuses it. */
  readonly bootable: boolean;
  /** Always false: nothing in it is configured. */
  readonly agent = false;
  /** Name, version, release and architecture of each package: "nginx-1.24.0-1.x86_64". */
  readonly contents: pulumi.Output<string[]>;
  /** The scripts that packages have and that were not run: "nginx-1.24.0-1.x86_64: %pre, %post". */
  readonly scriptlets: pulumi.Output<string[]>;
  /** What packages need and none of them has, as far as names tell: "nginx-1.24.0-1.x86_64: libc.so.6()(64bit)". */
  readonly unmet: pulumi.Output<string[]>;
  /** Paths that were taken from the package given last of those that have them. */
  readonly overridden: pulumi.Output<string[]>;

  constructor(name: string, args: RpmImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:image:RpmImage", name, {}, opts);
    requireHost(`RpmImage ${name}`, args);
    const { host, pool, format = "directory", shared, ...shape } = args;
    if (shared) refuseUnknown(`RpmImage ${name}: shared`, shared, ["machine", "directory"]);
    if (shared && pool !== undefined)
      throw new pulumi.RunError(`RpmImage ${name}: pool and shared are both given. Fix: leave one of them out`);
    if (format !== "qcow2" && pool !== undefined)
      throw new pulumi.RunError(
        `RpmImage ${name}: pool holds disk images, and this one is kept in the host's filesystems. Fix: leave pool out`,
      );
    const directory = shared?.directory ?? (format === "qcow2" ? host.pool(pool).path : host.filesystems);
    const made = new RpmImageResource(
      name,
      { ...shape, format, machine: shared?.machine ?? host.machine, directory },
      { parent: this },
    );
    this.kind = format === "qcow2" ? "qemu" : "lxc";
    this.bootable = this.kind === "lxc";
    this.path = made.path;
    this.format = made.format;
    this.contents = made.contents;
    this.scriptlets = made.scriptlets;
    this.unmet = made.unmet;
    this.overridden = made.overridden;
    this.registerOutputs({ path: this.path });
  }
}
