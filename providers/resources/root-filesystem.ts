import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { ownerOf } from "./owner";

/** Which users of the host a container's users are: 0 is `start`, 1 is `start` + 1, and so on. */
export interface IdmapArgs {
  /** From 65536. Containers that must not get at each other's files have ranges of their own. */
  start: pulumi.Input<number>;
  /** Default 65536. */
  count?: pulumi.Input<number>;
}

export interface RootFilesystemArgs {
  /** Where it is made and kept: the host itself, as root. */
  machine: pulumi.Input<MachineSpec>;
  /** The folder that it is made in. Default "/var/lib/libvirt/filesystems". */
  directory?: pulumi.Input<string>;
  /** The folder's name. Default: the resource's name. */
  name?: pulumi.Input<string>;
  /** What it is a copy of: the folder of a system on the host (a `BootstrapImage`'s `path`), or a tar archive of one. */
  source: pulumi.Input<string>;
  /** /etc/hostname, and the name for 127.0.1.1 in /etc/hosts. Default: `name`. */
  hostname?: pulumi.Input<string>;
  /**
   * Name servers for /etc/resolv.conf. Default: as in the source, which is what DHCP says in a `BootstrapImage`. Taken away
   * again, the last ones stay.
   */
  dns?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Owners are shifted for a container with the same `idmap`, whose root is then nobody on the host. File capabilities are
   * lost by it.
   */
  idmap?: pulumi.Input<IdmapArgs>;
  /**
   * What deleting or replacing the resource does to the folder: "refuse" (default) is an error, "keep" leaves it on the
   * host, "delete" removes it. The value of the last `up` counts.
   */
  retain?: pulumi.Input<"refuse" | "keep" | "delete">;
  /** The most a change may disturb; a preview that would exceed it fails. Default: no limit. */
  disruption?: pulumi.Input<"live" | "reboot" | "replace">;
}

/**
 * The root folder of one container: a copy of a system that is whole or not there at all, with a machine-id and ssh host
 * keys of its own, and a first program (`init`) that lets systemd work in a container of libvirt whatever control groups
 * the host has. What a container writes in it is its own, and no drift.
 *
 * @example
 * const root = new RootFilesystem("web", { machine: { kind: "local" }, source: image.path, retain: "delete" });
 * const web = new Domain("web", { kind: "lxc", memory: "512MiB", root: root.path, init: root.init });
 */
export class RootFilesystem extends Resource {
  declare readonly name: pulumi.Output<string>;
  /** The folder on the host. */
  declare readonly path: pulumi.Output<string>;
  /** The container's process 1; it hands over to /sbin/init, or to the program that it is given. */
  declare readonly init: pulumi.Output<string>;

  constructor(name: string, args: RootFilesystemArgs, opts?: pulumi.CustomResourceOptions) {
    super("RootFilesystem", name, { ...args, owner: ownerOf(name), name: args.name ?? name }, ["path", "init"], opts);
  }
}
