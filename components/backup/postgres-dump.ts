import * as pulumi from "@pulumi/pulumi";
import type { PostgresInstance } from "../../providers/resources/postgres-instance";
import type { TarBackupArgs } from "../../providers/resources/tar-backup";

/** All roles and databases as one file of SQL, which is whole or not there. */
const dump = `umask 077
mkdir -p "$2" && runuser -u postgres -- pg_dumpall -p "$1" >"$2/all.sql.new" && mv -f "$2/all.sql.new" "$2/all.sql"`;

/** pg_dumpall's last words. */
const whole = 'tail -n 5 "$KVM_BACKUP_FOLDER$1/all.sql" | grep -q "cluster dump complete"';

const folder = "/var/lib/kvm-backup-postgresql";

type Dumped = Pick<TarBackupArgs, "before" | "after" | "paths" | "check">;

/** How a job backs up a PostgreSQL server: a dump before, which is taken away after, and which drills see to be complete. */
export function dumped(
  subject: string,
  { port }: PostgresInstance,
  { paths, drill, ...given }: Dumped & Pick<TarBackupArgs, "drill">,
): Dumped {
  const taken = (["before", "after", "check"] as const).filter((field) => given[field] !== undefined);
  if (taken.length > 0)
    throw new pulumi.RunError(
      `${subject}: ${taken.join(", ")}: the database has its own. Fix: another job for the rest`,
    );
  return {
    before: ["sh", "-c", dump, "sh", port.apply(String), folder],
    paths: pulumi.output(paths).apply((own) => [...own, folder]),
    after: ["rm", "-rf", "--", folder],
    check: drill === undefined || drill === "never" ? undefined : ["sh", "-c", whole, "sh", folder],
  };
}
