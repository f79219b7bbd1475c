import * as pulumi from "@pulumi/pulumi";
import {
  BootstrapImage as BootstrapImageResource,
  type BootstrapImageArgs as ResourceArgs,
} from "../../providers/resources/bootstrap-image";
import type { KvmHost } from "../host/kvm-host";
import { requireHost } from "../refuse-unknown";
import type { Image } from "./image";

export interface BootstrapImageArgs extends Omit<ResourceArgs, "machine" | "directory"> {
  /** Where it is kept. */
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
  /** The disk image on the host. */
  readonly path: pulumi.Output<string>;
  /** Always "qcow2". */
  readonly format: pulumi.Output<"qcow2">;
  /** Whether its guests answer the guest agent without being configured first. */
  readonly agent = true;
  /** On the host, for direct kernel boot. */
  readonly kernel: pulumi.Output<string>;
  /** On the host, for direct kernel boot. */
  readonly initrd: pulumi.Output<string>;
  /** What the kernel needs on its command line. */
  readonly cmdline: pulumi.Output<string>;

  constructor(name: string, args: BootstrapImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:image:BootstrapImage", name, {}, opts);
    requireHost(`BootstrapImage ${name}`, args);
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
