import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { assertAccepted, computeOutputs, computes, find, run, tree, valueOf } from "../mocks";
import { KvmHost, PostgresServer, type PostgresServerArgs } from "../../../components";

describe("PostgresServer", () => {
  before(() => {
    computeOutputs();
    computes("PostgresInstance", () => ({ health: "healthy", version: "15", name: "main" }));
  });

  const nics = (number: number) => [{ network: "lab", ipv4: `192.168.150.${10 + number}` }];
  const server = (more: Partial<PostgresServerArgs> = {}) => {
    const host = new KvmHost("kvm1", { networks: { lab: { ipv4: "192.168.150.0/24" } } });
    const users = { shop: { password: pulumi.secret("a password") } };
    return new PostgresServer("db", {
      host,
      kind: "lxc",
      nics,
      users,
      databases: { shop: { owner: "shop" } },
      ...more,
    });
  };
  const refused = (more: object, message: string) =>
    assert.rejects(
      run(() => server(more)),
      { message: `PostgresServer db: ${message}` },
    );

  it("is one guest with its users and databases, whose passwords are secrets", async () => {
    let db!: PostgresServer;
    const made = await run(() => (db = server()));
    assertAccepted(made);
    assert.deepEqual(
      tree(made).filter((line) => /PostgresInstance|Domain/.test(line)),
      ["Guest db-1 > Domain db-1", "PostgresServer db > PostgresInstance db-1"],
    );
    const { inputs, secretFields } = find("PostgresInstance", "db-1", made);
    assert.deepEqual(inputs["users"], { shop: { password: "a password" } });
    assert.deepEqual(secretFields, ["users"]);
    assert.equal(await valueOf(db.jdbcUrl("shop")), "jdbc:postgresql://192.168.150.11:5432/shop");
  });

  it("has standbys that know the primary, and nothing of its users", async () => {
    let db!: PostgresServer;
    const more = {
      standbys: 2,
      replicationPassword: "word",
      allow: ["192.168.150.0/24"],
      settings: { work_mem: "8MB" },
    };
    const made = await run(() => (db = server(more)));
    assertAccepted(made);
    const { inputs, dependencies } = find("PostgresInstance", "db-3", made);
    assert.deepEqual(inputs["primary"], { address: "192.168.150.11", port: 5432 });
    assert.equal(inputs["users"], undefined);
    assert.equal(inputs["slot"], "db_3");
    assert.deepEqual(inputs["settings"], { work_mem: "8MB" });
    assert.ok(dependencies.includes("PostgresInstance db-2"));
    assert.equal(
      await valueOf(db.jdbcUrl("shop")),
      "jdbc:postgresql://192.168.150.11:5432,192.168.150.12:5432,192.168.150.13:5432/shop?targetServerType=primary",
    );
    assert.deepEqual(
      (await valueOf(db.members)).map(({ role }) => role),
      ["primary", "standby", "standby"],
    );
  });

  it("refuses standbys that could not log in", async () => {
    await refused({ standbys: 1 }, "replicationPassword is required: standbys log in with it");
    await refused(
      { standbys: 1, replicationPassword: "word" },
      'allow is required: the subnet that standbys log in from, e.g. ["192.168.150.0/24"]',
    );
    await refused({ standbys: -1 }, "standbys: got -1. Allowed: a whole number from 0");
  });
});
