import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";

export interface CloudImageArgs {
  /** What downloads and keeps it: the host itself. Needs curl; its proxy settings hold. */
  machine: pulumi.Input<MachineSpec>;
  /** The folder for it, usually a pool's, e.g. "/var/lib/libvirt/images". It must exist. */
  directory: pulumi.Input<string>;
  /** http, https, or file with a path on the host. The image is qcow2 or raw, or one of these packed with xz, zstd, gzip or bzip2. */
  url: pulumi.Input<string>;
  /**
   * "sha256:", "sha384:" or "sha512:" with hex digits, or the URL of a file with such checksums (SHA256SUMS, CHECKSUM),
   * which is read when the resource is made. Required, unless `unverified`.
   */
  checksum?: pulumi.Input<string>;
  /** Takes whatever the server sends, with neither proof of origin nor of wholeness. Default false. */
  unverified?: pulumi.Input<boolean>;
  /** Any text. A new one asks the server again, for URLs whose content changes: "2026-01". */
  serial?: pulumi.Input<string>;
  /**
   * Whether deleting the resource deletes the file: "delete" (default) does unless a disk on the host is an overlay of
   * the image, "keep" leaves it for the next time.
   */
  retain?: pulumi.Input<"delete" | "keep">;
}

/**
 * A distribution's disk image, downloaded by the host, verified, unpacked, and kept under a name that follows from its
 * content: the next resource with the same checksum takes no time. Images that refer to other files (overlays, external
 * data files) or are encrypted are refused, since they could make the host read what it should not.
 *
 * @example
 * const debian = new CloudImage("debian", {
 *   machine: { kind: "local" },
 *   directory: "/var/lib/libvirt/images",
 *   url: "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2",
 *   checksum: "https://cloud.debian.org/images/cloud/bookworm/latest/SHA512SUMS",
 * });
 */
export class CloudImage extends Resource {
  /** The disk image on the host. */
  declare readonly path: pulumi.Output<string>;
  /** Always "qcow2": raw images are converted. */
  declare readonly format: pulumi.Output<"qcow2">;
  /** Virtual size, e.g. "2GiB". */
  declare readonly size: pulumi.Output<string>;
  /** Checksum of what was downloaded: "sha256:...". */
  declare readonly digest: pulumi.Output<string>;

  constructor(name: string, args: CloudImageArgs, opts?: pulumi.CustomResourceOptions) {
    super("CloudImage", name, args, ["path", "format", "size", "digest"], opts);
  }
}
