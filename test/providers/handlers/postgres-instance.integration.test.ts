import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PostgresInstanceHandler } from "../../../providers/handlers/postgres-instance";
import { TomcatServerHandler } from "../../../providers/handlers/tomcat-server";
import { ContainerLab } from "./container-lab";
import { Played } from "./played";
import { tomcatPackages } from "./tomcat-packages";
import { war } from "./war";

const page = `<%@ page import="javax.naming.*,javax.sql.*,java.sql.*" %><%
  DataSource source = (DataSource) new InitialContext().lookup("java:comp/env/jdbc/shop");
  try (Connection database = source.getConnection(); Statement statement = database.createStatement()) {
    statement.executeUpdate("CREATE TABLE IF NOT EXISTS visit (at timestamptz)");
    statement.executeUpdate("INSERT INTO visit VALUES (now())");
    ResultSet rows = statement.executeQuery("SELECT count(*) FROM visit");
    rows.next();
    out.print("visit " + rows.getInt(1));
  }
%>`;

describe("PostgreSQL in containers", function () {
  this.timeout(180_000);
  let lab: ContainerLab;
  let folder: string;
  const addresses: { [name: string]: string } = { db: "192.168.170.21", standby: "192.168.170.22" };
  const primary = new Played(new PostgresInstanceHandler());
  const standby = new Played(new PostgresInstanceHandler());

  before(async function () {
    lab = await ContainerLab.up(this, tomcatPackages);
    folder = mkdtempSync(join(tmpdir(), "kvm-postgres-"));
    const roots: { root: string; init: string }[] = [];
    for (const name of Object.keys(addresses)) roots.push(await lab.root(name));
    await Promise.all(
      Object.entries(addresses).map(([name, address], at) =>
        lab.domain().up({
          ...lab.args(name, roots[at]!),
          memory: "1GiB",
          nics: [{ network: "lan", addresses: [`${address}/24`], gateway: ["192.168.170.1"] }],
          ready: { booted: true, timeout: "90s" },
        }),
      ),
    );
  });

  after(async () => {
    await lab?.down();
    if (folder) rmSync(folder, { recursive: true });
  });

  const args = (more: object = {}) => ({
    machine: lab.machine("db"),
    slot: "db",
    users: { shop: { password: "it's: a \\secret" }, report: { password: "other", connectionLimit: 2 } },
    databases: { shop: { owner: "shop" } },
    allow: ["192.168.170.0/24"],
    ...more,
  });
  const shared = { replicationPassword: "standby: \\word" };
  const copy = (more: object = {}) => ({
    machine: lab.machine("standby"),
    slot: "db_2",
    allow: ["192.168.170.0/24"],
    primary: { address: addresses["db"] },
    ...shared,
    ...more,
  });
  const sql = (name: string, statement: string, database = "postgres") =>
    lab.inside(name, "runuser", "-u", "postgres", "--", "psql", "-XAtq", "-d", database, "-c", statement);
  /** Logs in over the network from the other container. */
  const login = (user: string, password: string, statement: string, host = addresses["db"]) => {
    const script = 'PGPASSWORD=$1 psql -XAtq -h "$2" -U "$3" -d shop -c "$4" 2>&1 || :';
    return lab.inside("standby", "sh", "-c", script, "sh", password, host!, user, statement);
  };

  it("has its users and databases, finds what was changed, and repairs it", async () => {
    assert.deepEqual(await primary.up(args()), ["create"]);
    assert.equal(await login("shop", "it's: a \\secret", "CREATE TABLE t (a int); SELECT current_user"), "shop");
    assert.match(await login("shop", "wrong", "SELECT 1"), /password authentication failed/);
    assert.deepEqual(await primary.refresh(), []);
    assert.deepEqual(await primary.up(args()), []);
    await sql("db", "ALTER ROLE shop PASSWORD 'changed'");
    await sql("db", "DROP ROLE report");
    assert.deepEqual((await primary.refresh()).sort(), ["condition", "users"]);
    assert.equal(primary.state["condition"], "user shop is different");
    await primary.up(args());
    assert.equal(await login("report", "other", "SELECT current_user"), "report");
    assert.equal(await login("shop", "it's: a \\secret", "SELECT count(*) FROM t"), "0");
    assert.deepEqual(await primary.refresh(), []);
  });

  it("takes settings over, and goes on with those before where it refuses them", async () => {
    const changes = await primary.up(args({ settings: { work_mem: "8MB", shared_buffers: "64MB" } }));
    assert.deepEqual(changes, ["settings: live"]);
    assert.equal(await sql("db", "SHOW shared_buffers"), "64MB");
    await assert.rejects(
      primary.up(args({ settings: { work_memory: "8MB" } })),
      /PostgreSQL refuses the settings:\n[^]*unrecognized configuration parameter "work_memory"/,
    );
    await assert.rejects(
      primary.up(args({ settings: { shared_buffers: "900GB" } })),
      /PostgreSQL (does not start|does not take connections)[^]*could not map anonymous shared memory/,
    );
    assert.equal(await sql("db", "SHOW shared_buffers"), "64MB");
    assert.deepEqual(await primary.refresh(), []);
  });

  it("is where Tomcat's applications have their connections from", async () => {
    const tomcat = new Played(new TomcatServerHandler());
    const bytes = war({ "index.jsp": page });
    writeFileSync(join(folder, "visit.war"), bytes);
    await tomcat.up({
      machine: lab.machine("standby"),
      name: "shop",
      route: "shop-1",
      applications: {
        "/": { war: join(folder, "visit.war"), sha256: createHash("sha256").update(bytes).digest("hex"), check: "/" },
      },
      dataSources: {
        "jdbc/shop": {
          url: `jdbc:postgresql://${addresses["db"]}/shop`,
          username: "shop",
          maxTotal: 3,
        },
      },
      passwords: { "jdbc/shop": "it's: a \\secret" },
    });
    assert.equal(await lab.host.get(`http://${addresses["standby"]}:8080/`), "visit 2");
    // Nothing of the password is where others see it.
    const seen = await lab.inside(
      "standby",
      "sh",
      "-c",
      "cat /proc/[0-9]*/cmdline; journalctl -q --no-pager; ls -lL /srv/pulumi-kvm/*/current/conf",
    );
    assert.doesNotMatch(seen, /a \\secret/);
    assert.match(seen, /-rw-r----- 1 root\s+tomcat .* server\.xml/);
    await tomcat.destroy();
  });

  it("has a standby that follows it, and takes its place", async () => {
    const own = { users: { shop: { password: "it's: a \\secret" } } };
    await primary.up(args({ ...own, ...shared }));
    assert.match(await login("report", "other", "SELECT 1"), /not permitted to log in/);
    await assert.rejects(standby.up({ ...copy(), replicationPassword: "wrong" }), /password authentication failed/);
    assert.equal(await sql("standby", "SELECT pg_is_in_recovery()"), "f");
    assert.deepEqual(await standby.up(copy()), ["create"]);
    assert.equal(await sql("standby", "SELECT count(*) >= 2 FROM visit", "shop"), "t");
    assert.match(await login("shop", "it's: a \\secret", "DELETE FROM visit", addresses["standby"]), /read-only/);
    assert.deepEqual(await standby.refresh(), []);
    assert.deepEqual(await standby.up(copy()), []);
    await lab.inside("db", "systemctl", "kill", "--signal", "KILL", "postgresql@15-main");
    assert.deepEqual(await standby.up(args({ ...own, machine: lab.machine("standby"), slot: "db_2" })), [
      "users: live",
      "databases: live",
      "replicationPassword: live",
      "primary: live",
    ]);
    assert.equal(
      await login("shop", "it's: a \\secret", "DELETE FROM visit; SELECT 'gone'", addresses["standby"]),
      "gone",
    );
    assert.deepEqual(await primary.refresh(), ["condition"]);
    assert.equal(primary.state["condition"], "stopped");
  });

  it("is not made a copy of another where it has databases of its own, and keeps its data when it is let go", async () => {
    await primary.up(args({ ...shared, databases: { shop: { owner: "shop" }, more: {} } }));
    await assert.rejects(standby.up(copy()), /it has databases of its own, which a copy of its primary would replace/);
    assert.equal(await login("shop", "it's: a \\secret", "SELECT 'there'", addresses["standby"]), "there");
    await standby.destroy();
    assert.equal(await sql("standby", "SELECT 'there' FROM visit LIMIT 1; SELECT 'still'", "shop"), "still");
    assert.equal(
      await lab.inside("standby", "sh", "-c", "ls /etc/postgresql/15/main | grep pulumi || echo none"),
      "none",
    );
    await primary.destroy();
  });
});
