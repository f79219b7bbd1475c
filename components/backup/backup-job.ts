import * as pulumi from "@pulumi/pulumi";
import type { MachineArg } from "../../providers/resources/on-machine";
import { Package } from "../../providers/resources/package";
import type { PostgresInstance } from "../../providers/resources/postgres-instance";
import { TarBackup, type TarBackupArgs } from "../../providers/resources/tar-backup";
import type { PostgresServer } from "../tier/postgres-server";
import { dumped } from "./postgres-dump";

export interface BackupJobArgs extends Omit<TarBackupArgs, "drill" | "machine" | "paths"> {
  /** Which: a guest, a host, or `{ kind: "local" }`. With `database` it is the database's. */
  machine?: MachineArg;
  /** Files and folders, as absolute paths. One that is missing fails the run. With `database` there may be none. */
  paths?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * A PostgreSQL server, of which the primary's roles and databases are dumped (pg_dumpall) to
   * /var/lib/kvm-backup-postgresql before each run; drills see that the dump is complete. `before`, `after` and `check` are its.
   */
  database?: PostgresServer | PostgresInstance;
  /**
   * How often the newest point is restored and compared, file by file: "weekly" (default), "monthly", "10d", ... or "never". It
   * needs as much room as the files have, in `scratch`. With `encrypt` there are none.
   */
  drill?: pulumi.Input<string>;
  /**
   * Whether the compressor, age with `encrypt`, and rclone for a bucket are installed on the machine. Default: in guests and for a `database` yes, elsewhere no: what a
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
    const { install = args.database !== undefined || isGuest(args.machine), drill, database, ...given } = args;
    const server = database && ("servers" in database ? database.servers[0] : database);
    const machine = given.machine ?? server?.machine;
    if (machine === undefined) throw new pulumi.RunError(`BackupJob ${name}: machine is required, or a database`);
    // Without the private key nothing can be restored there.
    const shape = {
      ...given,
      paths: given.paths ?? [],
      drill: drill ?? (args.encrypt === undefined ? "weekly" : undefined),
    };
    const needs = [
      ...(usesZstd(args) ? ["zstd"] : []),
      ...(args.encrypt === undefined ? [] : ["age"]),
      ...(usesBucket(args) ? ["rclone"] : []),
    ];
    const tools =
      install && needs.length > 0 ? [new Package(`${name}-tools`, { machine, names: needs }, { parent: this })] : [];
    this.job = new TarBackup(
      name,
      { ...shape, ...(server ? dumped(`BackupJob ${name}`, server, shape) : {}), machine },
      { parent: this, dependsOn: [...tools, ...(server ? [server] : [])] },
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

function isGuest(machine?: MachineArg): boolean {
  return typeof machine === "object" && "domain" in machine && machine.domain !== undefined && "machine" in machine;
}
