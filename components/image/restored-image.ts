import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { DiskRestore, type DiskRestoreArgs } from "../../providers/resources/disk-restore";
import type { GuestBackup } from "../../providers/resources/guest-backup";
import type { KvmHost } from "../host/kvm-host";
import { requireHost } from "../refuse-unknown";
import type { Image } from "./image";

export interface RestoredImageArgs extends Pick<DiskRestoreArgs, "at" | "disk" | "from" | "timeout"> {
  /** Where the new guest runs. */
  host: KvmHost;
  /** The pool on the host that holds the image. Default: the host's first. */
  pool?: string;
  /** The job whose points they are; `from` and `repository` are its. */
  backup?: GuestBackup;
  /** Without `backup`: the folder of the job in its target, "/srv/backup/web-images", on `from`. */
  repository?: pulumi.Input<string>;
  /** The image that the guest was made from: its kernel boots the new one too, and its agent is there. Default: it boots by itself. */
  original?: Image;
  /** What deleting it does to the image. Default "delete": it is a copy of what is in the backup. */
  retain?: DiskRestoreArgs["retain"];
}

/**
 * A disk of a point of a `GuestBackup` as the image of a new guest, restored once: the guest begins as the old one was then.
 * Another `at` makes another image, and with it another guest. The new one has the old one's identity too (host keys, machine id,
 * addresses of its own): let only one of them be in a network.
 *
 * @example
 * const then = new RestoredImage("web-then", { host, backup, at: "2026-07-28 12:00", original: image });
 * new Guest("web-then", { host, image: then, network: "lab" });
 */
export class RestoredImage extends pulumi.ComponentResource implements Image {
  /** The image on the host. */
  readonly path: pulumi.Output<string>;
  readonly format: pulumi.Output<"qcow2">;
  readonly agent: boolean;
  /** That of `original`. */
  readonly kernel?: pulumi.Output<string>;
  /** That of `original`. */
  readonly initrd?: pulumi.Output<string | undefined>;
  /** That of `original`. */
  readonly cmdline?: pulumi.Output<string>;
  /** The point that was restored, "20260729T030000Z". */
  readonly point: pulumi.Output<string>;

  constructor(name: string, args: RestoredImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:image:RestoredImage", name, {}, opts);
    requireHost(`RestoredImage ${name}`, args);
    const { host, pool, backup, original, at, disk, timeout, retain = "delete" } = args;
    const { from, repository } = sourceOf(name, args);
    if (original?.kind === "lxc")
      throw new pulumi.RunError(
        `RestoredImage ${name}: original is a folder, for containers: GuestBackup has none of it`,
      );
    // One point, one file: a new one is made beside the old one, which goes when the guest has moved.
    const file = pulumi
      .all([at, disk])
      .apply(
        (chosen) => `${name}-${createHash("sha256").update(JSON.stringify(chosen)).digest("hex").slice(0, 8)}.qcow2`,
      );
    const restored = new DiskRestore(
      name,
      {
        ...{ machine: host.machine, from, repository, at, disk, timeout, retain },
        to: pulumi.interpolate`${host.pool(pool).path}/${file}`,
      },
      { parent: this, dependsOn: backup ? [backup] : [] },
    );
    this.path = restored.path;
    this.point = restored.point;
    this.format = pulumi.output("qcow2" as const);
    this.agent = original?.agent ?? false;
    this.kernel = original?.kernel;
    this.initrd = original?.initrd;
    this.cmdline = original?.cmdline;
    this.registerOutputs({ path: this.path, point: this.point });
  }
}

function sourceOf(
  name: string,
  { backup, repository, from }: RestoredImageArgs,
): Pick<DiskRestoreArgs, "from" | "repository"> {
  if ((backup === undefined) === (repository === undefined))
    throw new pulumi.RunError(`RestoredImage ${name}: needs backup, or repository; one of them`);
  if (!backup) return { from, repository: repository! };
  if (from !== undefined)
    throw new pulumi.RunError(
      `RestoredImage ${name}: from is the backup's own. Fix: leave it out, or name a repository`,
    );
  return { from: backup.machine, repository: pulumi.interpolate`${backup.target}/${backup.name}` };
}
