import * as pulumi from "@pulumi/pulumi";
import {
  CloudImage as CloudImageResource,
  type CloudImageArgs as ResourceArgs,
} from "../../providers/resources/cloud-image";
import type { KvmHost } from "../host/kvm-host";
import { requireHost } from "../refuse-unknown";
import type { Image } from "./image";

export interface CloudImageArgs extends Omit<ResourceArgs, "machine" | "directory"> {
  /** Where it is kept. */
  host: KvmHost;
  /** The pool on the host that holds the image. Default: the host's first. */
  pool?: string;
  /**
   * Whether the image brings the QEMU guest agent, as Fedora's and its relatives' do. Default false, as in Debian's and
   * Ubuntu's: guests then count as ready with their addresses, and nothing can be done inside them through the agent.
   */
  agent?: boolean;
}

/**
 * A distribution's cloud image, downloaded by the host, verified and kept under the name of its content.
 *
 * @example
 * const image = new CloudImage("debian", {
 *   host,
 *   url: "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2",
 *   checksum: "https://cloud.debian.org/images/cloud/bookworm/latest/SHA512SUMS",
 * });
 */
export class CloudImage extends pulumi.ComponentResource implements Image {
  /** The disk image on the host. */
  readonly path: pulumi.Output<string>;
  /** Always "qcow2". */
  readonly format: pulumi.Output<"qcow2">;
  /** Whether its guests answer the guest agent without being configured first. */
  readonly agent: boolean;

  constructor(name: string, args: CloudImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:image:CloudImage", name, {}, opts);
    requireHost(`CloudImage ${name}`, args);
    const { host, pool, agent = false, ...shape } = args;
    const downloaded = new CloudImageResource(
      name,
      { ...shape, machine: host.machine, directory: host.pool(pool).path },
      { parent: this },
    );
    this.path = downloaded.path;
    this.format = downloaded.format;
    this.agent = agent;
    this.registerOutputs({ path: this.path });
  }
}
