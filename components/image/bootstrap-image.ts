import * as pulumi from "@pulumi/pulumi";
import {
  BootstrapImage as BootstrapImageResource,
  type BootstrapImageArgs as ResourceArgs,
} from "../../providers/resources/bootstrap-image";
import type { KvmHost } from "../host/kvm-host";
import type { Image } from "./image";

export interface BootstrapImageArgs extends Omit<ResourceArgs, "machine" | "directory"> {
  host: KvmHost;
  /** The pool on the host that holds the image. Default: the host's first. */
  pool?: string;
}

/**
 * A Debian image built on the host out of packages, without a download of any finished image. What is built is named
 * after its content: the same declaration is built once a host, whatever number of stacks and guests use it.
 *
 * @example
 * const image = new BootstrapImage("web", { host, suite: "bookworm", packages: ["nginx-light"] });
 */
export class BootstrapImage extends pulumi.ComponentResource implements Image {
  readonly path: pulumi.Output<string>;
  readonly format: pulumi.Output<"qcow2">;
  readonly agent = true;
  readonly kernel: pulumi.Output<string>;
  readonly initrd: Image["initrd"];
  readonly cmdline: pulumi.Output<string>;

  constructor(name: string, args: BootstrapImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:image:BootstrapImage", name, {}, opts);
    const { host, pool, ...shape } = args;
    const built = new BootstrapImageResource(
      name,
      { ...shape, machine: host.machine, directory: host.pool(pool).path },
      { parent: this },
    );
    this.path = built.path;
    this.format = built.format;
    this.kernel = built.kernel;
    this.initrd = built.initrd;
    this.cmdline = built.cmdline;
    this.registerOutputs({ path: this.path });
  }
}
