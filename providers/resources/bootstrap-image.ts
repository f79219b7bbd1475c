import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";

/** A file that is in the image from the start. Not for secrets: whoever may read the image can read it. */
export interface BakedFileArgs {
  content: pulumi.Input<string>;
  /** Permission bits in octal. Default "0644". The owner is root. */
  mode?: pulumi.Input<string>;
}

export interface BootstrapImageArgs {
  /** Where it is built and kept: the host itself, as root. */
  machine: pulumi.Input<MachineSpec>;
  /** The folder for its files, usually a pool's, e.g. "/var/lib/libvirt/images". It must exist. */
  directory: pulumi.Input<string>;
  /**
   * "qcow2" (default) is the disk of virtual machines, with a kernel beside it. "directory" is a folder with the whole
   * system and no kernel, which containers are copied from: it is built in half the time.
   */
  format?: pulumi.Input<"qcow2" | "directory">;
  /** Default: what the suite's name says. */
  distribution?: pulumi.Input<"debian" | "ubuntu">;
  /** Code name of the release. Default "bookworm". */
  suite?: pulumi.Input<string>;
  /** Debian's name for it, e.g. "arm64". Default: the host's; another one needs qemu-user-static on the host. */
  architecture?: pulumi.Input<string>;
  /** Default: main; for Ubuntu, main and universe. */
  components?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * URL of a package mirror, or lines of sources.list. Default: what the host's own apt uses for the suite, else the
   * distribution's. The host's proxies and authorities for apt hold in any case; they do not get into the image.
   */
  mirror?: pulumi.Input<string | pulumi.Input<string>[]>;
  /**
   * Packages beside the base system (systemd, networkd, resolved, and the guest agent in a disk), without what they
   * recommend.
   */
  packages?: pulumi.Input<pulumi.Input<string>[]>;
  /** Default: the distribution's kernel for virtual machines. Only of disks. */
  kernelPackage?: pulumi.Input<string>;
  /** Virtual size; the file is sparse. Guests' disks may be larger: their root file system grows at boot. Default "4GiB". Only of disks. */
  size?: pulumi.Input<string | number>;
  /** Files by absolute path, written after the packages are installed. */
  files?: pulumi.Input<{ [path: string]: pulumi.Input<string | BakedFileArgs> }>;
  /** systemd units to enable (true) or disable (false). Packages enable their own. */
  services?: pulumi.Input<{ [unit: string]: pulumi.Input<boolean> }>;
  /** Keys for root, which bring openssh-server in. Without them there is no ssh: the guest agent is the way in. */
  sshAuthorizedKeys?: pulumi.Input<pulumi.Input<string>[]>;
  /** Any text. A new one builds a new image, with the packages of that day: "2026-01". */
  serial?: pulumi.Input<string>;
  /**
   * Whether deleting the resource deletes the files: "delete" (default) does unless a disk on the host is an overlay of
   * the image or a container runs in it, "keep" leaves them for the next time.
   */
  retain?: pulumi.Input<"delete" | "keep">;
}

/**
 * A guest image of Debian or Ubuntu, built on the host with mmdebstrap in about 20 s and kept under a name that follows
 * from its arguments: the next one that is declared alike, by whatever stack, takes no time.
 *
 * It boots a kernel that the host hands over (`kernel`, `initrd`, `cmdline`), answers its guest agent a few seconds
 * later, and takes addresses by DHCP and IPv6 router announcements on all NICs, named eth0, eth1 and so on. Its root
 * account has no password. Each guest makes its own machine-id and ssh host keys; `systemd.hostname=NAME` on the kernel's
 * command line names it. Package manuals and translations are left out, and stay out when packages are added later.
 *
 * As a folder it is the same system without kernel and agent, for `RootFilesystem` to copy.
 *
 * @example
 * const image = new BootstrapImage("web", {
 *   machine: { kind: "local" },
 *   directory: "/var/lib/libvirt/images",
 *   packages: ["nginx-light"],
 *   files: { "/etc/nginx/conf.d/gzip.conf": "gzip on;\n" },
 * });
 */
export class BootstrapImage extends Resource {
  /** The disk image, or the folder, on the host. */
  declare readonly path: pulumi.Output<string>;
  declare readonly format: pulumi.Output<"qcow2" | "directory">;
  /** The kernel on the host, for direct kernel boot. A folder has none, and no `initrd`, `cmdline` and `size`. */
  declare readonly kernel: pulumi.Output<string>;
  declare readonly initrd: pulumi.Output<string>;
  /** What the kernel needs on its command line: the root disk is the guest's first virtio disk. */
  declare readonly cmdline: pulumi.Output<string>;
  /** Virtual size, e.g. "4GiB". */
  declare readonly size: pulumi.Output<string>;
  /** What the file names end in: 12 hex digits over all that determines the content. */
  declare readonly hash: pulumi.Output<string>;
  /** "Debian GNU/Linux 12 (bookworm)". */
  declare readonly os: pulumi.Output<string>;
  /** What `uname -r` prints in a guest; a folder has no kernel. */
  declare readonly kernelRelease: pulumi.Output<string>;

  constructor(name: string, args: BootstrapImageArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = ["path", "format", "kernel", "initrd", "cmdline", "size", "hash", "os", "kernelRelease"];
    super("BootstrapImage", name, args, outputs, opts);
  }
}
