import * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";

export interface CloudInitSeedArgs {
  /** Where it is made and kept: the host itself, as root. Needs genisoimage, xorriso or mkisofs. */
  machine: pulumi.Input<MachineSpec>;
  /** The folder for it, usually a pool's. It must exist. */
  directory: pulumi.Input<string>;
  /** The file is called NAME-seed.iso. Default: the resource's name. */
  name?: pulumi.Input<string>;
  /** cloud-init acts once for each instance: a new one makes it run again in a guest that has booted. Default: the name. */
  instanceId?: pulumi.Input<string>;
  hostname?: pulumi.Input<string>;
  /** Text that begins with "#cloud-config" or "#!", or an object that becomes a cloud-config. A secret in the state. */
  userData?: pulumi.Input<string | object>;
  /** Netplan's version 2 format, as text or object. Default: cloud-init's, DHCP on the first NIC. A secret in the state. */
  networkConfig?: pulumi.Input<string | object>;
}

/**
 * What a guest made from a cloud image is configured with at its first boot: an ISO image that cloud-init's NoCloud
 * source reads. The guest needs it as a CD-ROM, and reads it at boot only. The file is readable by root alone; libvirt
 * gives it to the guest's process while the guest runs.
 *
 * @example
 * const seed = new CloudInitSeed("web", {
 *   machine: { kind: "local" },
 *   directory: "/var/lib/libvirt/images",
 *   hostname: "web",
 *   userData: { packages: ["qemu-guest-agent"], runcmd: [["systemctl", "start", "qemu-guest-agent"]] },
 * });
 */
export class CloudInitSeed extends Resource {
  /** The ISO image on the host. */
  declare readonly path: pulumi.Output<string>;

  constructor(name: string, args: CloudInitSeedArgs, opts?: pulumi.CustomResourceOptions) {
    const secret = <T>(value: pulumi.Input<T> | undefined) => (value === undefined ? undefined : pulumi.secret(value));
    super(
      "CloudInitSeed",
      name,
      {
        ...args,
        name: args.name ?? name,
        userData: secret(args.userData),
        networkConfig: secret(args.networkConfig),
      },
      ["path", "digest"],
      opts,
      ["userData", "networkConfig"],
    );
  }
}
