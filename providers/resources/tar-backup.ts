import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { onMachine, type MachineArg } from "./on-machine";

/**
 * A place that keeps backups: a folder of the machine, or of another one that its root reaches by ssh without being asked, or
 * a bucket of S3.
 */
export interface BackupTargetArgs {
  /** The folder, or the prefix in a bucket; the job's repository is made in it, under the job's name. A bucket needs none. */
  path?: pulumi.Input<string>;
  /** A host name, address, or alias of the machine's own ssh configuration. Default: the machine itself. */
  host?: pulumi.Input<string>;
  user?: pulumi.Input<string>;
  port?: pulumi.Input<number>;
  /** Options by OpenSSH's names, e.g. { IdentityFile: "/root/.ssh/backup" }. */
  options?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
  /** A bucket of S3 that is there. The machine needs rclone 1.60 or newer. */
  bucket?: pulumi.Input<string>;
  /** Where the server is, "https://s3.example.org". Default: Amazon's. */
  endpoint?: pulumi.Input<string>;
  region?: pulumi.Input<string>;
  /**
   * A file on the machine with the keys, as Amazon's programs have it: a line [default], aws_access_key_id = ...,
   * aws_secret_access_key = .... Default: what the machine's root or its role has.
   */
  credentials?: pulumi.Input<string>;
}

/**
 * Which restore points are kept: the last so many, and the newest of each of the last so many days, weeks, months and
 * years that have one. Nothing becomes too old by time alone.
 */
export interface KeepArgs {
  last?: pulumi.Input<number>;
  days?: pulumi.Input<number>;
  /** From Monday. */
  weeks?: pulumi.Input<number>;
  months?: pulumi.Input<number>;
  years?: pulumi.Input<number>;
}

export interface TarBackupArgs {
  /** Which: a guest, a host, or `{ kind: "local" }`. */
  machine: MachineArg;
  /** The job's name, part of all its files' names. Default: the resource's name. */
  name?: pulumi.Input<string>;
  /** Files and folders, as absolute paths. One that is missing fails the run. */
  paths: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * What is left out. A pattern that begins with "/" is a path, any other is a name at any depth; "*" and "?" stop at "/".
   * @example ["*.tmp", "/home/*\/.cache"]
   */
  exclude?: pulumi.Input<pulumi.Input<string>[]>;
  /** The folder that is read in the place of /, where a hook mounts a snapshot. Default "/". */
  root?: pulumi.Input<string>;
  /** Whether folders that other file systems are mounted on are left empty. Default false. */
  oneFileSystem?: pulumi.Input<boolean>;
  /** Where backups go: a folder, or several places, of which the first is written to and the others get copies. */
  target: pulumi.Input<pulumi.Input<string | BackupTargetArgs>[] | string | BackupTargetArgs>;
  /**
   * What the runs between full ones store: all since the last run ("incremental", the default), all since the full run
   * ("differential"), or everything ("full").
   */
  level?: pulumi.Input<"incremental" | "differential" | "full">;
  /** When a full run is due: "daily", "weekly" (default), "monthly", a duration ("10d"), or every so many runs. */
  full?: pulumi.Input<string | number>;
  /** Default "zstd", on all processors. gzip uses pigz where it is installed. */
  compress?: pulumi.Input<"zstd" | "gzip" | "xz" | "none">;
  /** As the compressor counts. Default: 3 for zstd, 6 for gzip and xz. */
  compressLevel?: pulumi.Input<number>;
  /** The size of parts, e.g. "20MiB". Default: one part a run. */
  split?: pulumi.Input<string | number>;
  /** Public keys of age. With them nothing can be read without the private key, not even the names of files. */
  encrypt?: pulumi.Input<pulumi.Input<string>[]>;
  /** Default: everything is kept. */
  keep?: pulumi.Input<KeepArgs>;
  /** Days in which nothing is deleted, whatever `keep` says, nor can be changed where the file system allows. Default 0. */
  immutable?: pulumi.Input<number>;
  /**
   * Whether the SHA-256 of every file is noted, so that drills compare contents; only new and changed files are read for it,
   * right after tar read them. Default true.
   */
  hashes?: pulumi.Input<boolean>;
  /** A command before the files are read: a dump, a freeze, a snapshot. When it fails, so does the run. */
  before?: pulumi.Input<pulumi.Input<string>[]>;
  /** A command after they were read, also after a failure; KVM_BACKUP_RESULT is "ok" or "failed". */
  after?: pulumi.Input<pulumi.Input<string>[]>;
  /** By the machine's clock: "hourly", "daily" (default), "weekly Sun 03:30", "monthly 15 03:30", ...; or "never". */
  schedule?: pulumi.Input<string>;
  /** How much later a run may begin, by chance. Default "15m". */
  jitter?: pulumi.Input<string>;
  /** Whether a run that was missed while the machine was off is made up for. Default true. */
  catchUp?: pulumi.Input<boolean>;
  /** From 0 to 19, the least urgent. Default 10. */
  nice?: pulumi.Input<number>;
  /** How it shares the disk, ionice(1). Default "best-effort". */
  ioClass?: pulumi.Input<"idle" | "best-effort">;
  /** How often the newest point is restored after a run and compared, file by file: "weekly", "10d", ... Default "never". */
  drill?: pulumi.Input<string>;
  /** A command that has to find the restored files right; they are in the folder KVM_BACKUP_FOLDER. */
  check?: pulumi.Input<pulumi.Input<string>[]>;
  /** Where drills restore to. Default: the job's own folder in /var/lib. */
  scratch?: pulumi.Input<string>;
  /** How often all chains are read from end to end after a run, e.g. "monthly". Default: never. */
  verify?: pulumi.Input<string>;
  /** The folder of Prometheus' textfile collector. Default: Debian's, where it is there. */
  metrics?: pulumi.Input<string>;
}

/**
 * A backup job on a machine: incremental tar archives that anyone can restore with tar alone, on the machine's own
 * schedule. The job needs no Node there and goes on without Pulumi. Deleting it never deletes backups.
 *
 * @example
 * const job = new TarBackup("home", { machine, paths: ["/home"], target: "/var/backup", keep: { days: 14 }, drill: "weekly" });
 * export const proof = job.lastVerifiedRestore;
 */
export class TarBackup extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  declare readonly name: pulumi.Output<string>;
  /** What runs it: "systemd", "cron" or "none". */
  declare readonly scheduler: pulumi.Output<string>;
  /** "ok", "no run yet", "failed: ..." or "overdue: ...". Read by refresh, as all that follows; times are in UTC. */
  declare readonly health: pulumi.Output<string>;
  declare readonly lastRun: pulumi.Output<string | undefined>;
  declare readonly lastSuccess: pulumi.Output<string | undefined>;
  /** Bytes that the last success wrote. */
  declare readonly size: pulumi.Output<number | undefined>;
  /** Seconds that it took. */
  declare readonly duration: pulumi.Output<number | undefined>;
  /** The chain that it belongs to. */
  declare readonly chain: pulumi.Output<string | undefined>;
  declare readonly nextRun: pulumi.Output<string | undefined>;
  /** When a drill last restored a point and found every file as it was. */
  declare readonly lastVerifiedRestore: pulumi.Output<string | undefined>;

  constructor(name: string, args: TarBackupArgs, opts?: pulumi.CustomResourceOptions) {
    const place = onMachine(args.machine, opts);
    super(
      "TarBackup",
      name,
      { ...args, machine: place.machine, name: args.name ?? name },
      [
        "scheduler",
        "files",
        "health",
        "lastRun",
        "lastSuccess",
        "size",
        "duration",
        "chain",
        "nextRun",
        "lastVerifiedRestore",
      ],
      place.opts,
    );
  }
}
