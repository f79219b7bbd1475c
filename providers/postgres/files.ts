import { replicator, type PostgresLayout, type PostgresModel } from "./model";

/** The settings file, which PostgreSQL reads after Debian's own. */
export function settingsFile(model: PostgresModel, layout: PostgresLayout): string {
  const { port, listen, settings, primary, replicationPassword } = model;
  const all: { [name: string]: string } = {
    port: String(port),
    listen_addresses: listen.join(", "),
    hba_file: layout.access,
    password_encryption: "scram-sha-256",
    ...(replicationPassword !== undefined && {
      wal_level: "replica",
      hot_standby: "on",
      // A standby that is gone for good does not fill the disk.
      max_slot_wal_keep_size: "1GB",
    }),
    ...(primary && { primary_conninfo: connection(model, layout), primary_slot_name: model.slot }),
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${literal(value)}`);
  return `# Made by pulumi-kvm.\n${lines.join("\n")}\n`;
}

/** How a standby reaches its primary; the password is in a file of its own. */
export function connection({ primary, slot }: PostgresModel, { passfile }: PostgresLayout): string {
  const { address, port } = primary!;
  return `host=${address} port=${port} user=${replicator} passfile=${passfile} application_name=${slot} sslmode=prefer`;
}

/** Who may log in from where: https://www.postgresql.org/docs/15/auth-pg-hba-conf.html. */
export function accessFile({ allow, replicationPassword }: PostgresModel): string {
  const from = ["127.0.0.1/32", "::1/128", ...allow];
  const lines = [
    "local all postgres peer",
    "local all all peer",
    ...from.map((subnet) => `host all all ${subnet} scram-sha-256`),
    ...(replicationPassword === undefined
      ? []
      : allow.map((subnet) => `host replication ${replicator} ${subnet} scram-sha-256`)),
  ];
  return `# Made by pulumi-kvm.\n${lines.join("\n")}\n`;
}

/** What libpq finds the password by (https://www.postgresql.org/docs/15/libpq-pgpass.html). */
export function passwordFile({ replicationPassword = "" }: PostgresModel): string {
  return `*:*:*:${replicator}:${replicationPassword.replace(/[\\:]/g, "\\$&")}\n`;
}

/** A value as its settings file and SQL have it. */
export function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** A name as SQL has it. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
