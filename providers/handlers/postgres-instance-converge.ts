import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { PostgresCluster } from "../postgres/cluster";
import { identifier, literal } from "../postgres/files";
import { replicator, type PostgresUser } from "../postgres/model";
import { verifierOf, verifies } from "../postgres/scram";
import { milliseconds } from "../schema/duration";
import type { PostgresInstanceInputs } from "../schema/postgres-instance";
import { Systemd } from "./service-manager/systemd";

/** Milliseconds between two looks at a server that starts. */
const betweenLooks = 250;

interface Role {
  superuser: boolean;
  connectionLimit: number;
  login: boolean;
  verifier: string;
}

/** Brings one PostgreSQL to what its inputs say. Data is added, and never removed. */
export class PostgresInstanceConverge {
  private readonly service: Systemd;

  constructor(
    private readonly machine: Machine,
    private readonly inputs: PostgresInstanceInputs,
    private readonly context: Context,
  ) {
    this.service = new Systemd(machine);
  }

  /** Returns the version. */
  async bring(olds: Partial<PostgresInstanceInputs> | undefined): Promise<string> {
    const cluster = await this.cluster();
    if (!cluster.exists) await cluster.make();
    await this.configure(cluster);
    if (this.inputs.primary) await this.following(cluster);
    else {
      await this.promote(cluster);
      await this.users(cluster, olds);
      await this.databases(cluster, olds);
    }
    return cluster.layout.version;
  }

  private cluster(): Promise<PostgresCluster> {
    return PostgresCluster.find(this.machine, this.inputs, this.context.signal);
  }

  /** Puts the settings in place; those before are put back where PostgreSQL does not take them. */
  private async configure(cluster: PostgresCluster): Promise<void> {
    const before = await cluster.files();
    const ran = (await this.service.look(cluster.layout.unit, this.context.signal))?.activity === "running";
    let restarted = false;
    try {
      await cluster.write();
      await cluster.check();
      if (this.inputs.primary && !(await cluster.isCopy())) {
        restarted = true;
        await this.copy(cluster);
      }
      restarted ||= !(await cluster.ready()) || (await needsRestart(cluster));
      if (restarted) await this.restart(cluster);
      else await this.service.reload(cluster.layout.unit, this.context.signal);
    } catch (error) {
      await cluster.write(before).catch(() => {}); // The first error tells more.
      if (restarted && ran) await this.service.restart(cluster.layout.unit).catch(() => {});
      throw error;
    }
  }

  private async restart(cluster: PostgresCluster): Promise<void> {
    this.context.progress("restarting PostgreSQL");
    try {
      await this.service.restart(cluster.layout.unit, this.context.signal);
    } catch (cause) {
      if (!(cause instanceof CommandError) || cause.stopped) throw cause;
      throw new OperatorError(`PostgreSQL does not start. Its last log lines:\n${await cluster.log()}`, { cause });
    }
    const until = Date.now() + milliseconds(this.inputs.timeout);
    while (!(await cluster.ready())) {
      const { activity } = (await this.service.look(cluster.layout.unit, this.context.signal)) ?? {};
      if (activity === "stopped" || Date.now() > until)
        throw new OperatorError(`PostgreSQL does not take connections. Its last log lines:\n${await cluster.log()}`);
      await sleep(betweenLooks, undefined, { signal: this.context.signal });
    }
  }

  /** Makes it a copy of its primary; a server with databases of its own is left as it is. */
  private async copy(cluster: PostgresCluster): Promise<void> {
    if (!(await this.hasOnlyDebians(cluster)))
      throw new OperatorError("it has databases of its own, which a copy of its primary would replace", {
        fix: "dump and drop them, or choose another name",
      });
    await this.service.stop(cluster.layout.unit, this.context.signal);
    this.context.progress("copying the primary's data");
    await cluster.copy();
  }

  private async hasOnlyDebians(cluster: PostgresCluster): Promise<boolean> {
    if (!(await cluster.ready())) {
      // The settings of a standby would not let it start as what it is.
      await cluster.write(Object.fromEntries(Object.keys(await cluster.files()).map((path) => [path, undefined])));
      try {
        await this.service.start(cluster.layout.unit, this.context.signal);
      } finally {
        await cluster.write();
      }
    }
    const [row] = await cluster.sql(
      "SELECT count(*) FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres';",
    );
    return row![0] === "0";
  }

  /** Waits until a standby has its primary's changes as they come. */
  private async following(cluster: PostgresCluster): Promise<void> {
    const until = Date.now() + milliseconds(this.inputs.timeout);
    while (!(await this.follows(cluster))) {
      if (Date.now() > until)
        throw new OperatorError(`it does not follow its primary. Its last log lines:\n${await cluster.log()}`);
      await sleep(betweenLooks, undefined, { signal: this.context.signal });
    }
  }

  private async follows(cluster: PostgresCluster): Promise<boolean> {
    const [row] = await cluster.sql("SELECT status FROM pg_stat_wal_receiver;");
    return row?.[0] === "streaming";
  }

  private async promote(cluster: PostgresCluster): Promise<void> {
    if (!(await inRecovery(cluster))) return;
    this.context.progress("promoting it to a primary");
    const [row] = await cluster.sql("SELECT pg_promote(true, 60);");
    if (row?.[0] !== "t") throw new OperatorError(`it was not promoted. Its last log lines:\n${await cluster.log()}`);
  }

  private async users(cluster: PostgresCluster, olds: Partial<PostgresInstanceInputs> | undefined): Promise<void> {
    const { users, replicationPassword } = this.inputs;
    const there = await roles(cluster);
    const statements = Object.entries(users).flatMap(([name, user]) => {
      const found = there.get(name);
      if (found && fits(found, user)) return [];
      const words = [
        `${found ? "ALTER" : "CREATE"} ROLE ${identifier(name)} LOGIN ${user.superuser ? "SUPERUSER" : "NOSUPERUSER"}`,
        `CONNECTION LIMIT ${user.connectionLimit ?? -1}`,
        user.password === undefined ? "PASSWORD NULL" : `PASSWORD ${literal(verifierOf(user.password))}`,
      ];
      return [`${words.join(" ")};`];
    });
    const standby = there.get(replicator);
    if (replicationPassword !== undefined && !(standby && verifies(standby.verifier, replicationPassword)))
      statements.push(
        `${standby ? "ALTER" : "CREATE"} ROLE ${replicator} LOGIN REPLICATION PASSWORD ${literal(verifierOf(replicationPassword))};`,
      );
    for (const name of Object.keys(olds?.users ?? {}).filter((each) => !(each in users) && there.has(each)))
      statements.push(`ALTER ROLE ${identifier(name)} NOLOGIN;`);
    if (statements.length > 0) await cluster.sql(statements.join("\n"));
  }

  private async databases(cluster: PostgresCluster, olds: Partial<PostgresInstanceInputs> | undefined): Promise<void> {
    const { databases } = this.inputs;
    const there = await owners(cluster);
    for (const [name, { owner }] of Object.entries(databases)) {
      const to = owner === undefined ? "" : ` OWNER ${identifier(owner)}`;
      if (!there.has(name)) await cluster.sql(`CREATE DATABASE ${identifier(name)}${to};`);
      else if (owner !== undefined && there.get(name) !== owner)
        await cluster.sql(`ALTER DATABASE ${identifier(name)} OWNER TO ${identifier(owner)};`);
    }
    for (const name of Object.keys(olds?.databases ?? {}).filter((each) => !(each in databases) && there.has(each)))
      this.context.progress(`database ${name} is not declared any more, and kept: drop it yourself`);
  }

  /** What is different on the machine, in the fields that say it; undefined where it is gone. */
  async look(): Promise<Partial<PostgresInstanceInputs> | undefined> {
    const cluster = await this.cluster().catch((error: unknown) => {
      if (error instanceof OperatorError) return undefined;
      throw error;
    });
    if (!cluster?.exists) return undefined;
    const wrong = (await cluster.changed()).map((path) => `${path} was changed`);
    if (!(await cluster.ready())) return { condition: ["stopped", ...wrong].join(", ") };
    if (this.inputs.primary) {
      if (!(await inRecovery(cluster))) wrong.push("it was promoted");
      else if (!(await this.follows(cluster))) wrong.push("it does not follow its primary");
      return { condition: wrong.join(", ") || "serving" };
    }
    if (await inRecovery(cluster)) wrong.push("it is a standby");
    const users = { ...this.inputs.users };
    const there = await roles(cluster);
    for (const [name, user] of Object.entries(users)) {
      const found = there.get(name);
      if (!found) delete users[name];
      else if (!fits(found, user)) wrong.push(`user ${name} is different`);
    }
    const databases = { ...this.inputs.databases };
    const owned = await owners(cluster);
    for (const [name, { owner }] of Object.entries(databases))
      if (!owned.has(name)) delete databases[name];
      else if (owner !== undefined && owned.get(name) !== owner) databases[name] = { owner: owned.get(name)! };
    return { users, databases, condition: wrong.join(", ") || "serving" };
  }

  /** Leaves the server with Debian's own settings; all data stays. */
  async letGo(): Promise<void> {
    const cluster = await this.cluster();
    if (!cluster.exists) return;
    await cluster.write(Object.fromEntries(Object.keys(await cluster.files()).map((path) => [path, undefined])));
    await this.service.restart(cluster.layout.unit, this.context.signal);
    this.context.progress(`its databases and users are kept, in ${cluster.layout.data}`);
  }
}

/** Whether its files have a setting that it takes at its start only. */
async function needsRestart(cluster: PostgresCluster): Promise<boolean> {
  return (await cluster.sql("SELECT name FROM pg_file_settings WHERE error IS NOT NULL;")).length > 0;
}

async function inRecovery(cluster: PostgresCluster): Promise<boolean> {
  return (await cluster.sql("SELECT pg_is_in_recovery();"))[0]?.[0] === "t";
}

async function roles(cluster: PostgresCluster): Promise<Map<string, Role>> {
  const rows = await cluster.sql(
    "SELECT rolname, rolsuper, rolconnlimit, rolcanlogin, coalesce(rolpassword, '') FROM pg_authid;",
  );
  return new Map(
    rows.map(([name, superuser, limit, login, verifier = ""]) => [
      name!,
      { superuser: superuser === "t", connectionLimit: Number(limit), login: login === "t", verifier },
    ]),
  );
}

async function owners(cluster: PostgresCluster): Promise<Map<string, string>> {
  const rows = await cluster.sql("SELECT datname, rolname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba;");
  return new Map(rows.map(([name, owner]) => [name!, owner!]));
}

function fits(found: Role, { password, superuser, connectionLimit = -1 }: PostgresUser): boolean {
  const known = password === undefined ? found.verifier === "" : verifies(found.verifier, password);
  return known && found.login && found.superuser === superuser && found.connectionLimit === connectionLimit;
}
