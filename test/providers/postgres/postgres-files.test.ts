import assert from "node:assert/strict";
import * as v from "valibot";
import { accessFile, passwordFile, settingsFile } from "../../../providers/postgres/files";
import { postgresLayout } from "../../../providers/postgres/model";
import { verifierOf, verifies } from "../../../providers/postgres/scram";
import { postgresInstanceSchema, type PostgresInstanceInputs } from "../../../providers/schema/postgres-instance";

const layout = postgresLayout("15", "main");

function model(more: object = {}): PostgresInstanceInputs {
  return v.parse(postgresInstanceSchema, { machine: { kind: "local" }, slot: "db_1", ...more });
}

function refusals(more: object): string[] {
  const given = { machine: { kind: "local" }, slot: "db_1", ...more };
  return (v.safeParse(postgresInstanceSchema, given).issues ?? []).map(
    (issue) => `${v.getDotPath(issue) ?? ""}: ${issue.message}`,
  );
}

describe("PostgreSQL's files", () => {
  it("are as it reads them", () => {
    const declared = model({ allow: ["192.168.150.0/24"], settings: { search_path: "'a', \"b\"" } });
    assert.equal(
      settingsFile(declared, layout),
      `# Made by pulumi-kvm.
port = '5432'
listen_addresses = '*'
hba_file = '/etc/postgresql/15/main/pulumi-kvm.hba.conf'
password_encryption = 'scram-sha-256'
search_path = '''a'', "b"'
`,
    );
    assert.equal(
      accessFile(declared),
      `# Made by pulumi-kvm.
local all postgres peer
local all all peer
host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
host all all 192.168.150.0/24 scram-sha-256
`,
    );
  });

  it("lead a standby to its primary, the password in a file of its own", () => {
    const declared = model({
      primary: { address: "192.168.150.11" },
      replicationPassword: "a:b\\c",
      allow: ["192.168.150.0/24"],
    });
    const settings = settingsFile(declared, layout);
    assert.match(
      settings,
      /primary_conninfo = 'host=192\.168\.150\.11 port=5432 user=pulumi_kvm_standby passfile=\/etc\/postgresql\/15\/main\/pulumi-kvm\.pgpass application_name=db_1 sslmode=prefer'/,
    );
    assert.match(settings, /primary_slot_name = 'db_1'/);
    assert.doesNotMatch(settings, /a:b/);
    assert.equal(passwordFile(declared), "*:*:*:pulumi_kvm_standby:a\\:b\\\\c\n");
    assert.match(accessFile(declared), /host replication pulumi_kvm_standby 192\.168\.150\.0\/24 scram-sha-256\n/);
  });

  it("hold of a password what RFC 7677 derives from it", () => {
    const verifier =
      "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    assert.equal(verifierOf("pencil", Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64")), verifier);
    assert.equal(verifies(verifier, "pencil"), true);
    assert.equal(verifies(verifier, "pen"), false);
    assert.equal(verifies("md5a3556571e93b0d20722ba62be61e8c2d", "pencil"), false);
    assert.notEqual(verifierOf("pencil"), verifierOf("pencil"));
  });

  it("are refused where PostgreSQL could not take them, word by word", () => {
    assert.deepEqual(refusals({ users: { Shop: {} } }), [
      'users.Shop: "Shop" is not a name. Allowed: small letters, digits and "_", at most 63; none of PostgreSQL\'s own',
    ]);
    assert.deepEqual(refusals({ users: { shop: { password: "two\nlines" } } }), [
      "users.shop.password: is empty, too long, or more than one line",
    ]);
    assert.deepEqual(refusals({ databases: { shop: { owner: "nobody" } } }), [
      ': databases.shop.owner: there is no user "nobody". Allowed: one of users',
    ]);
    assert.deepEqual(refusals({ settings: { port: "1" } }), ["settings.port: port is ours to say. Fix: leave it out"]);
    assert.deepEqual(refusals({ allow: ["everywhere"] }), [
      'allow.0: "everywhere" is not a subnet. Allowed: e.g. "192.168.150.0/24"',
    ]);
    assert.deepEqual(refusals({ primary: { address: "192.0.2.1" } }), [
      ": replicationPassword is required where there is a primary: the standby logs in with it",
    ]);
    assert.deepEqual(
      refusals({ primary: { address: "192.0.2.1" }, replicationPassword: "a", databases: { shop: {} } }),
      [": a standby has the users and databases of its primary. Fix: declare them there"],
    );
  });
});
