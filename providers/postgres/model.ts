/** One who may log in. */
export interface PostgresUser {
  password?: string;
  superuser: boolean;
  connectionLimit?: number;
}

export interface PostgresDatabase {
  owner?: string;
}

/** Where a standby has its changes from. */
export interface PostgresPrimary {
  address: string;
  port: number;
}

/** What one PostgreSQL is. */
export interface PostgresModel {
  name: string;
  port: number;
  listen: string[];
  settings: { [name: string]: string };
  users: { [name: string]: PostgresUser };
  databases: { [name: string]: PostgresDatabase };
  allow: string[];
  /** What standbys log in with; of the primary and of its standbys. */
  replicationPassword?: string;
  primary?: PostgresPrimary;
  /** The place that the primary keeps for what this standby has not read yet; one for each standby. */
  slot: string;
}

/** Who standbys log in as. */
export const replicator = "pulumi_kvm_standby";

/** Where the parts of a cluster of Debian's are: pg_createcluster(1). */
export interface PostgresLayout {
  version: string;
  /** systemd's unit. */
  unit: string;
  bin: string;
  data: string;
  settings: string;
  access: string;
  passfile: string;
}

export function postgresLayout(version: string, name: string): PostgresLayout {
  const etc = `/etc/postgresql/${version}/${name}`;
  return {
    version,
    unit: `postgresql@${version}-${name}`,
    bin: `/usr/lib/postgresql/${version}/bin`,
    data: `/var/lib/postgresql/${version}/${name}`,
    settings: `${etc}/conf.d/pulumi-kvm.conf`,
    access: `${etc}/pulumi-kvm.hba.conf`,
    passfile: `${etc}/pulumi-kvm.pgpass`,
  };
}
