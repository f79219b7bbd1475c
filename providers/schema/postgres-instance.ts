import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import type { PostgresModel } from "../postgres/model";
import { parseAddress, parsePrefix } from "./address";
import { duration } from "./duration";
import { machineSpec } from "./machine";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

export interface PostgresInstanceInputs extends PostgresModel {
  machine: MachineSpec;
  timeout: string;
  disk?: string;
  /** "serving", or what was found in its place. */
  condition: string;
}

/** A name that needs no quotes in SQL. */
const sqlName = v.pipe(
  v.string(),
  v.regex(
    /^(?!pg_|pulumi_kvm|postgres$|template[01]$)[a-z_][a-z0-9_]{0,62}$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not a name. Allowed: small letters, digits and "_", at most 63; none of PostgreSQL's own`,
  ),
);

// No message here shows what it got: it may be a secret.
const password = v.pipe(
  v.string("is not text. Allowed: a string"),
  v.regex(/^[^\n\0]{1,200}$/, "is empty, too long, or more than one line"),
);

const subnet = v.pipe(
  v.string(),
  v.check(
    (text) => parsePrefix(text) !== undefined,
    (issue) => `${JSON.stringify(issue.input)} is not a subnet. Allowed: e.g. "192.168.150.0/24"`,
  ),
);

const address = v.pipe(
  v.string(),
  v.check(
    (text) => parseAddress(text) !== undefined,
    (issue) => `${JSON.stringify(issue.input)} is not an address. Allowed: IPv4 or IPv6, without a mask`,
  ),
);

const ours = [
  ...["port", "listen_addresses", "hba_file", "password_encryption", "primary_conninfo", "primary_slot_name"],
  ...["data_directory", "config_file", "external_pid_file", "unix_socket_directories"],
];

const settings = v.record(
  v.pipe(
    v.string(),
    v.regex(/^[a-z_]+(\.[a-z_]+)?$/, "is not a setting. Allowed: names as in postgresql.conf"),
    v.check(
      (name) => !ours.includes(name),
      (issue) => `${issue.input} is ours to say. Fix: leave it out`,
    ),
  ),
  v.pipe(v.string("is not text. Allowed: a string"), v.regex(/^[^\n\0]*$/, "must be one line")),
);

export const postgresInstanceSchema = v.pipe(
  strict({
    machine: machineSpec,
    name: v.optional(
      v.pipe(
        v.string(),
        v.regex(
          /^[a-z][a-z0-9_]{0,30}$/,
          (issue) => `${JSON.stringify(issue.input)} is not a name. Allowed: small letters, digits and "_", at most 31`,
        ),
      ),
      "main",
    ),
    port: v.optional(wholeNumber(1, 65535), 5432),
    listen: v.optional(v.array(v.union([v.literal("*"), address])), ["*"]),
    settings: v.optional(settings, {}),
    users: v.optional(
      v.record(
        sqlName,
        strict({
          password: v.optional(password),
          superuser: v.optional(v.boolean(), false),
          connectionLimit: v.optional(wholeNumber(0, 100_000)),
        }),
      ),
      {},
    ),
    databases: v.optional(v.record(sqlName, strict({ owner: v.optional(sqlName) })), {}),
    allow: v.optional(v.array(subnet, "is not a list. Allowed: a list of subnets"), []),
    replicationPassword: v.optional(password),
    primary: v.optional(strict({ address, port: v.optional(wholeNumber(1, 65535), 5432) })),
    slot: v.pipe(v.string(), v.regex(/^[a-z0-9_]{1,63}$/)),
    timeout: v.optional(duration, "2m"),
    disk: v.optional(v.string()),
    condition: v.optional(v.string(), "serving"),
  }),
  v.check(
    ({ primary, replicationPassword }) => primary === undefined || replicationPassword !== undefined,
    "replicationPassword is required where there is a primary: the standby logs in with it",
  ),
  v.check(
    ({ primary, users, databases }) =>
      primary === undefined || Object.keys(users).length + Object.keys(databases).length === 0,
    "a standby has the users and databases of its primary. Fix: declare them there",
  ),
  v.check(
    ({ users, databases }) => Object.values(databases).every(({ owner }) => owner === undefined || owner in users),
    ({ input: { users, databases } }) => {
      const [name, { owner }] = Object.entries(databases).find(([, one]) => one.owner && !(one.owner in users))!;
      return `databases.${name}.owner: there is no user "${owner}". Allowed: one of users`;
    },
  ),
);
