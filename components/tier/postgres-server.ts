import * as pulumi from "@pulumi/pulumi";
import { PostgresInstance, type PostgresInstanceArgs } from "../../providers/resources/postgres-instance";
import { refuseUnknown } from "../refuse-unknown";
import { memberFields, membersOf, tierMembers, type TierMember, type TierMembersArgs } from "./members";
import { bracketed } from "./upstream";

export interface PostgresServerArgs
  extends
    Omit<PostgresInstanceArgs, "machine" | "name" | "listen" | "primary" | "disk">,
    Omit<TierMembersArgs, "count" | "maxUnavailable"> {
  /**
   * Copies that follow the primary, each in a guest of its own. They need `replicationPassword`, and `allow` with the subnet
   * that they are in. Where `machines` are given, all but the first are standbys. Default 0.
   */
  standbys?: number;
}

/** One server, as last seen. */
export interface PostgresMember {
  name: string;
  address: string;
  port: number;
  role: "primary" | "standby";
  health: string;
}

const serverFields = ["port", "settings", "users", "databases", "allow", "replicationPassword", "timeout"];

/**
 * PostgreSQL with its users and databases: a primary in a guest, `NAME-1`, or on a machine that exists, and standbys that
 * follow it. Where the primary is lost, a standby is promoted by hand: `pg_ctlcluster 15 main promote`.
 *
 * @example
 * const orders = new PostgresServer("orders", {
 *   host, kind: "lxc", network: "lab", standbys: 1,
 *   users: { orders: { password } },
 *   databases: { orders: { owner: "orders" } },
 *   allow: ["192.168.150.0/24"],
 *   replicationPassword: password,
 * });
 * export const url = orders.jdbcUrl("orders");
 */
export class PostgresServer extends pulumi.ComponentResource {
  /** The primary's, once it serves. */
  readonly address: pulumi.Output<string>;
  readonly port: pulumi.Output<number>;
  /** The primary, then its standbys. */
  readonly members: pulumi.Output<PostgresMember[]>;
  /** Where its databases are, known also while the servers change. */
  private readonly places: pulumi.Output<string[]>;
  /** In their order. */
  readonly servers: readonly PostgresInstance[];

  constructor(name: string, args: PostgresServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:tier:PostgresServer", name, {}, opts);
    const subject = `PostgresServer ${name}`;
    refuseUnknown(subject, args, [
      ...memberFields.filter((field) => field !== "count" && field !== "maxUnavailable"),
      ...serverFields,
      "standbys",
    ]);
    refuseLonely(subject, args);
    const { users, databases, ...settings } = Object.fromEntries(
      Object.entries(args).filter(([field]) => serverFields.includes(field)),
    ) as Omit<PostgresInstanceArgs, "machine">;
    const tier = { ...membersOf(args), ...(args.machines ? {} : { count: 1 + (args.standbys ?? 0) }) };
    let primary: { member: TierMember; server: PostgresInstance } | undefined;
    const made = tierMembers(this, subject, name, tier, ["postgresql"], (member, options) => {
      const own = primary
        ? { primary: { address: primary.member.address, port: primary.server.port } }
        : { users: users ?? {}, databases: databases ?? {} };
      const { machine, disk } = member;
      const server = new PostgresInstance(member.name, { ...settings, ...own, machine, disk }, options);
      primary ??= { member, server };
      return server;
    });
    this.servers = made.map(({ server }) => server);
    this.members = pulumi.all(
      made.map(({ member, server }, at) =>
        pulumi.all([member.address, server.port, server.health]).apply(([address, port, health]): PostgresMember => ({
          name: member.name,
          address,
          port,
          role: at === 0 ? "primary" : "standby",
          health,
        })),
      ),
    );
    this.places = pulumi
      .all(
        made.map(({ member, server }) =>
          pulumi
            .all([member.address, server.port, server.id])
            .apply(([address, port]) => `${bracketed(address)}:${port}`),
        ),
      )
      .apply((places) => places);
    const { member, server } = made[0]!;
    this.address = pulumi.all([member.address, server.id]).apply(([address]) => address);
    this.port = server.port;
    this.registerOutputs({ address: this.address, port: this.port, members: this.members });
  }

  /** Where JDBC finds a database: on whichever of the servers is the primary. */
  jdbcUrl(database: string): pulumi.Output<string> {
    return this.places.apply(
      (places) =>
        `jdbc:postgresql://${places.join(",")}/${database}${places.length > 1 ? "?targetServerType=primary" : ""}`,
    );
  }
}

/** Standbys that their primary would not let in. */
function refuseLonely(subject: string, args: PostgresServerArgs): void {
  const refuse = (problem: string) => {
    throw new pulumi.RunError(`${subject}: ${problem}`);
  };
  const { standbys = 0, machines, replicationPassword, allow } = args;
  if (!Number.isInteger(standbys) || standbys < 0) refuse(`standbys: got ${standbys}. Allowed: a whole number from 0`);
  if (machines && args.standbys !== undefined)
    refuse("standbys is of guests that it makes; of machines all but the first are standbys. Fix: leave it out");
  if (standbys === 0 && (machines?.length ?? 1) < 2) return;
  if (replicationPassword === undefined) refuse("replicationPassword is required: standbys log in with it");
  if (allow === undefined || (Array.isArray(allow) && allow.length === 0))
    refuse('allow is required: the subnet that standbys log in from, e.g. ["192.168.150.0/24"]');
}
