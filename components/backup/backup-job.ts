import * as pulumi from "@pulumi/pulumi";
import type { MachineArg } from "../../providers/resources/on-machine";
import { Package } from "../../providers/resources/package";
import { TarBackup, type TarBackupArgs } from "../../providers/resources/tar-backup";

export interface BackupJobArgs extends Omit<TarBackupArgs, "drill"> {
  /**
   * How often the newest point is restored and compared, file by file: "weekly" (default), "monthly", "10d", ... or "never". It
   * needs as much room as the files have, in `scratch`. With `encrypt` there are none.
   */
  drill?: pulumi.Input<string>;
  /**
   * Whether the compressor, age with `encrypt`, and rclone for a bucket are installed on the machine. Default: in guests yes, elsewhere no: what a
   * host lacks is named when the job is made.
   */
  install?: boolean;
}

/**
 * Backups of a machine's files, proven by restoring them: a `TarBackup` with what it needs, and a drill each week.
 *
 * @example
 * new BackupJob("home", { machine: host, paths: ["/home"], target: "/var/backup", schedule: "daily 03:30", keep: { days: 14 } });
 */
export class BackupJob extends pulumi.ComponentResource {
  readonly job: TarBackup;
  /** "ok", "no run yet", "failed: ..." or "overdue: ...". */
  readonly health: pulumi.Output<string>;
  readonly lastSuccess: pulumi.Output<string | undefined>;
  readonly nextRun: pulumi.Output<string | undefined>;
  /** When a drill last restored a point and found every file as it was. */
  readonly lastVerifiedRestore: pulumi.Output<string | undefined>;

  constructor(name: string, args: BackupJobArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:backup:BackupJob", name, {}, opts);
    const { install = isGuest(args.machine), drill, ...shape } = args;
    const needs = [
      ...(usesZstd(args) ? ["zstd"] : []),
      ...(args.encrypt === undefined ? [] : ["age"]),
      ...(usesBucket(args) ? ["rclone"] : []),
    ];
    const tools =
      install && needs.length > 0
        ? [new Package(`${name}-tools`, { machine: args.machine, names: needs }, { parent: this })]
        : [];
    this.job = new TarBackup(
      name,
      // Without the private key nothing can be restored there.
      { ...shape, drill: drill ?? (args.encrypt === undefined ? "weekly" : undefined) },
      { parent: this, dependsOn: tools },
    );
    this.health = this.job.health;
    this.lastSuccess = this.job.lastSuccess;
    this.nextRun = this.job.nextRun;
    this.lastVerifiedRestore = this.job.lastVerifiedRestore;
    this.registerOutputs({ health: this.health, lastVerifiedRestore: this.lastVerifiedRestore });
  }
}

/** xz and gzip are part of every system. */
function usesZstd({ compress }: BackupJobArgs): boolean {
  return typeof compress !== "string" || compress === "zstd";
}

function usesBucket({ target }: BackupJobArgs): boolean {
  return [target].flat().some((place) => typeof place === "object" && "bucket" in place);
}

function isGuest(machine: MachineArg): boolean {
  return typeof machine === "object" && "domain" in machine && machine.domain !== undefined && "machine" in machine;
}
