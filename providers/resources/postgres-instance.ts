import type * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { onMachine, type MachineArg } from "./on-machine";

export interface PostgresUserArgs {
  /** What it logs in with. Only what PostgreSQL keeps of it (SCRAM) goes to the machine. Default: none. */
  password?: pulumi.Input<string>;
  /** Default false. */
  superuser?: pulumi.Input<boolean>;
  /** The most connections at once. Default: no limit. */
  connectionLimit?: pulumi.Input<number>;
}

export interface PostgresDatabaseArgs {
  /** One of `users`. Default: postgres. */
  owner?: pulumi.Input<string>;
}

export interface PostgresPrimaryArgs {
  address: pulumi.Input<string>;
  /** Default 5432. */
  port?: pulumi.Input<number>;
}

export interface PostgresInstanceArgs {
  /** Where: a guest, a host, or a spec such as `{ kind: "ssh", host: "db1" }`. systemd and Debian's postgresql are needed. */
  machine: MachineArg;
  /** Debian's name of the cluster, as in `pg_lsclusters`; it is made where it is not there. Default "main". */
  name?: pulumi.Input<string>;
  /** Default 5432. */
  port?: pulumi.Input<number>;
  /** Addresses to listen at. Default ["*"], all. */
  listen?: pulumi.Input<pulumi.Input<string>[]>;
  /** As in postgresql.conf: { shared_buffers: "256MB" }. */
  settings?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
  /** Who may log in. One that is not declared any more may not, and keeps what it owns. */
  users?: { [name: string]: PostgresUserArgs };
  /** Databases. One that is not declared any more is kept. */
  databases?: { [name: string]: PostgresDatabaseArgs };
  /** Subnets from which users may log in, with their passwords. Default: none but the machine itself. */
  allow?: pulumi.Input<pulumi.Input<string>[]>;
  /** What standbys log in with: of a primary that has standbys, and of these. */
  replicationPassword?: pulumi.Input<string>;
  /**
   * Makes it a standby, a copy that follows this primary and answers questions only. Without it a standby is promoted.
   * A server that has databases of its own is not made one.
   */
  primary?: pulumi.Input<PostgresPrimaryArgs>;
  /** How long it may take to start. Default "2m". */
  timeout?: pulumi.Input<string>;
  /** Any text that changes when the machine's disk becomes another one: then everything is put in place again. */
  disk?: pulumi.Input<string>;
}

/**
 * PostgreSQL from Debian's package postgresql, which has to be there, with its users and databases. Settings that it refuses
 * are taken back. What is declared no longer is kept, and so is all data on delete.
 *
 * @example
 * new PostgresInstance("orders", {
 *   machine: guest,
 *   users: { orders: { password } },
 *   databases: { orders: { owner: "orders" } },
 *   allow: ["192.168.150.0/24"],
 * });
 */
export class PostgresInstance extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  declare readonly name: pulumi.Output<string>;
  declare readonly port: pulumi.Output<number>;
  /** "15". */
  declare readonly version: pulumi.Output<string>;
  /** "healthy", or what was found last. */
  declare readonly health: pulumi.Output<string>;

  constructor(name: string, args: PostgresInstanceArgs, opts?: pulumi.CustomResourceOptions) {
    const place = onMachine(args.machine, opts);
    const slot = name.toLowerCase().replace(/[^a-z0-9]+/g, "_");
    super(
      "PostgresInstance",
      name,
      { ...args, port: args.port ?? 5432, machine: place.machine, slot },
      ["version", "health", ...(args.name === undefined ? ["name"] : [])],
      place.opts,
      ["users", "replicationPassword"],
    );
  }
}
