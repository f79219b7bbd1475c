import * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import type { KeepArgs } from "./tar-backup";

/** A `Domain`, or what has one: a `Guest`. */
export type BackedUpGuest =
  | { readonly domain: { readonly name: pulumi.Input<string>; readonly connection: pulumi.Input<string> } }
  | { readonly name: pulumi.Input<string>; readonly connection: pulumi.Input<string> };

export interface GuestBackupArgs {
  /** A `KvmHost`, or `{ machine, connection }`: the guest runs there, and the program is put there. It needs virsh and qemu-img. */
  host: { readonly machine: pulumi.Input<MachineSpec>; readonly connection: pulumi.Input<string> };
  /** A `Guest` or a `Domain` of kind "qemu", or a name in `virsh list`. */
  guest: pulumi.Input<string> | BackedUpGuest;
  /** The job's name, part of all its files' names. Default: the resource's name. */
  name?: pulumi.Input<string>;
  /** A folder of the host, better of another disk than the guest's. QEMU's user must be able to enter it. */
  target: pulumi.Input<string>;
  /** How many points make a chain: every so many runs a full image, increments between. Default 7. */
  full?: pulumi.Input<number>;
  /**
   * Whether the guest's file systems are frozen through its agent for the moment in which a run begins: "auto" (default) where the
   * agent answers, "require" fails the run where they cannot be, "never". Without it an image is what a power cut would have left.
   */
  freeze?: pulumi.Input<"auto" | "require" | "never">;
  /**
   * Which points are kept, as of a `TarBackup`. A chain is deleted only when none of its points is, the newest and the newest that
   * a drill found well never. Default: all.
   */
  keep?: pulumi.Input<KeepArgs>;
  /** Days in which no chain is deleted, whatever `keep` says, nor images changed where the file system allows. Default 0. */
  immutable?: pulumi.Input<number>;
  /**
   * How often the newest point is restored after a run: "weekly", "10d", ... Default "never". Every file of its chain has to have the
   * sha256 of its manifest, qemu-img must find chain and restored image whole, and both must have the same content.
   */
  drill?: pulumi.Input<string>;
  /** A command that has to find the restored images right; they are in the folder KVM_BACKUP_FOLDER, "vda.qcow2". Run on the host, as root. */
  check?: pulumi.Input<pulumi.Input<string>[]>;
  /** A folder with room for the images of a drill. Default: the repository. */
  scratch?: pulumi.Input<string>;
  /** The folder of Prometheus' textfile collector. Default: Debian's, where it is there. */
  metrics?: pulumi.Input<string>;
  /** What deleting the resource does to the images: "keep" (default) or "delete". */
  retain?: pulumi.Input<"keep" | "delete">;
  /** When, by the host's own clock: "hourly", "daily" (default), "weekly Sun 03:30", "monthly 15 03:30", ...; or "never". */
  schedule?: pulumi.Input<string>;
  /** How much later a run may begin, by chance. Default "15m". */
  jitter?: pulumi.Input<string>;
  /** Whether a run that was missed while the host was off is made up for. Default true. */
  catchUp?: pulumi.Input<boolean>;
}

/**
 * Full and incremental images of a running guest's disks, on its host's own schedule: plain qcow2 files, each increment on top of
 * the point before it, that qemu-img alone restores. The guest's file systems are frozen for the moment in which a
 * run begins, where its agent answers. Only qcow2 disks have increments; a guest with others has full images each time.
 * Deleting it deletes no images, unless `retain` says so.
 *
 * @example
 * const images = new GuestBackup("web-1", { host, guest: web, target: "/srv/backup", schedule: "daily 03:30", keep: { days: 14 }, drill: "weekly" });
 * export const health = images.health;
 */
export class GuestBackup extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  declare readonly name: pulumi.Output<string>;
  /** The folder on the host; the repository is the folder `name` in it. */
  declare readonly target: pulumi.Output<string>;
  /** What runs it: "systemd", "cron" or "none". */
  declare readonly scheduler: pulumi.Output<string>;
  /** "ok", "no run yet", "failed: ..." or "overdue: ...". Read by refresh, as all that follows; times are in UTC. */
  declare readonly health: pulumi.Output<string>;
  declare readonly lastRun: pulumi.Output<string | undefined>;
  declare readonly lastSuccess: pulumi.Output<string | undefined>;
  /** Bytes that the last success takes on the disk. */
  declare readonly size: pulumi.Output<number | undefined>;
  /** Seconds that it took. */
  declare readonly duration: pulumi.Output<number | undefined>;
  /** The chain that it belongs to. */
  declare readonly chain: pulumi.Output<string | undefined>;
  /** How many points there are. */
  declare readonly points: pulumi.Output<number | undefined>;
  /** Whether the guest's file systems were frozen when the last success began. */
  declare readonly frozen: pulumi.Output<boolean | undefined>;
  /** Why the last success was a full image out of turn. */
  declare readonly note: pulumi.Output<string | undefined>;
  declare readonly nextRun: pulumi.Output<string | undefined>;
  /** When a drill last restored a point and found every image as it was. */
  declare readonly lastVerifiedRestore: pulumi.Output<string | undefined>;

  constructor(name: string, { host, ...args }: GuestBackupArgs, opts?: pulumi.CustomResourceOptions) {
    const { machine } = host;
    const given = args.guest;
    const isObject = !pulumi.Output.isInstance(given) && typeof given === "object" && !(given instanceof Promise);
    const domain = isObject ? ("domain" in given ? given.domain : given) : undefined;
    const guest = domain ? domain.name : (given as pulumi.Input<string>);
    const connection = domain?.connection ?? host.connection;
    super(
      "GuestBackup",
      name,
      { ...args, machine, connection, guest, name: args.name ?? name },
      [
        ...["scheduler", "files", "health", "lastRun", "lastSuccess", "size", "duration", "chain", "points", "note"],
        ...["frozen", "nextRun", "lastVerifiedRestore"],
      ],
      opts,
    );
  }
}
