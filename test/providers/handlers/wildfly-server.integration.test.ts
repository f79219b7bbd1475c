import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readArchive } from "../../../providers/content/archive";
import { PostgresInstanceHandler } from "../../../providers/handlers/postgres-instance";
import { WildFlyServerHandler } from "../../../providers/handlers/wildfly-server";
import { wildfly39 } from "../../../providers/wildfly/model";
import { skip } from "../../skip";
import { ContainerLab } from "./container-lab";
import { Load, type LoadReport } from "./load";
import { Played } from "./played";
import { tomcatPackages } from "./tomcat-packages";
import { war } from "./war";

const counter = `<%
  Integer count = (Integer) session.getAttribute("count");
  session.setAttribute("count", count = count == null ? 1 : count + 1);
  out.print(count + " " + session.getId());
%>`;

/** Writes into two databases in one transaction, which it commits, rolls back, or leaves in the middle of. */
const order = `<%@ page import="javax.naming.*,javax.sql.*,java.sql.*,jakarta.transaction.UserTransaction" %><%
  InitialContext names = new InitialContext();
  UserTransaction work = (UserTransaction) names.lookup("java:comp/UserTransaction");
  work.begin();
  for (String name : new String[] { "shop", "books" }) {
    DataSource source = (DataSource) names.lookup("java:/jdbc/" + name);
    try (Connection database = source.getConnection(); Statement statement = database.createStatement()) {
      statement.executeUpdate("INSERT INTO entry VALUES ('" + request.getParameter("text") + "')");
    }
  }
  if (request.getParameter("back") == null) work.commit();
  else work.rollback();
  out.print("done");
%>`;

/** What a server in front takes for another's to answer: no connection, or 503. */
function assertSentElsewhere({ failed }: LoadReport): void {
  assert.deepEqual(
    failed.filter((one) => !/^(503 |0 (connect ECONNREFUSED|read ECONNRESET|socket hang up))/.test(one)),
    [],
  );
}

describe("WildFlys in a container", function () {
  this.timeout(240_000);
  let lab: ContainerLab;
  let folder: string;
  const address = "192.168.170.31";
  /** Both on one machine, which saves the time that it takes to bring WildFly to another one. */
  const ports = { one: 8080, two: 8180 };
  type Name = keyof typeof ports;
  const password = "p<w ${user.home} $1";
  const database = new Played(new PostgresInstanceHandler());
  const one = new Played(new WildFlyServerHandler());
  const two = new Played(new WildFlyServerHandler());

  before(async function () {
    try {
      await readArchive(wildfly39.file, wildfly39.sha256);
    } catch (error) {
      skip(this, (error as Error).message);
    }
    lab = await ContainerLab.up(this, tomcatPackages);
    folder = mkdtempSync(join(tmpdir(), "kvm-wildfly-"));
    await lab.domain().up({
      ...lab.args("app", await lab.root("app")),
      memory: "3GiB",
      vcpus: 2,
      nics: [{ network: "lan", addresses: [`${address}/24`], gateway: ["192.168.170.1"] }],
      ready: { booted: true, timeout: "90s" },
    });
    // It has the same port.
    await inside("systemctl", "disable", "--now", "tomcat10");
    await database.up({
      machine: lab.machine("app"),
      slot: "app",
      users: { shop: { password } },
      databases: { shop: { owner: "shop" }, books: { owner: "shop" } },
      allow: ["192.168.170.0/24"],
      settings: { max_prepared_transactions: "10" },
    });
    for (const name of ["shop", "books"])
      await sql(name, "CREATE TABLE entry (text text); ALTER TABLE entry OWNER TO shop");
  });

  after(async () => {
    await lab?.down();
    if (folder) rmSync(folder, { recursive: true });
  });

  const inside = (...argv: string[]) => lab.inside("app", ...argv);
  const sql = (name: string, statement: string) =>
    inside("runuser", "-u", "postgres", "--", "psql", "-XAtq", "-d", name, "-c", statement);
  const application = (name: string, files: { [path: string]: string }, more: object = {}) => {
    const bytes = war(files);
    const file = join(folder, name);
    writeFileSync(file, bytes);
    return { war: file, sha256: createHash("sha256").update(bytes).digest("hex"), ...more };
  };
  const shop = (text = "", more: object = {}) => ({
    "/a/shop": application(`shop${text}.war`, { "index.jsp": `${text} ${counter}`, "order.jsp": order }, more),
  });
  const broken = () => ({
    "/a/shop": application("broken.war", {
      "WEB-INF/web.xml": `<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee"><listener><listener-class>shop.Missing</listener-class></listener></web-app>`,
    }),
  });
  const alone = (name: Name, applications: object, more: object = {}) => ({
    machine: lab.machine("app"),
    name,
    route: name,
    applications,
    connectors: [{ port: ports[name] }],
    management: ports[name] + 1910,
    dataSources: Object.fromEntries(
      ["shop", "books"].map((each) => [
        `jdbc/${each}`,
        { url: `jdbc:postgresql://${address}/${each}`, username: "shop", xa: true, maxTotal: 5 },
      ]),
    ),
    passwords: { "jdbc/shop": password, "jdbc/books": password },
    jvmFlags: ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"],
    ...more,
  });
  const clustered = (name: Name, applications: object) => {
    const members = [
      { name: "one", address, port: 7600 },
      { name: "two", address, port: 7700 },
    ];
    const { port } = members.find((member) => member.name === name)!;
    return alone(name, applications, { cluster: { address, port, members } });
  };
  const url = (name: Name, path = "/a/shop/") => `http://${address}:${ports[name]}${path}`;
  const get = async (name: Name, path: string, ...more: string[]) =>
    (await lab.host.run(["curl", "-sS", ...more, "-w", " %{http_code}", url(name, path)])).stdout.trim();
  /** The count and the session's id that a server answers to whoever has this id. */
  const count = async (name: Name, id = "") => {
    const answer = /^(?:\w+ )?(\d+) (\S+) 200$/.exec(await get(name, "/a/shop/", "-b", `JSESSIONID=${id}`));
    assert.ok(answer);
    return { number: Number(answer[1]), id: answer[2]! };
  };

  it("serve a WAR, by its path, with a page that tells how they are", async () => {
    await Promise.all([one.up(clustered("one", shop())), two.up(clustered("two", shop()))]);
    assert.equal((await count("one")).number, 1);
    assert.match(await get("one", "/.health"), /"a#shop\.war" : "OK"[^]* 200$/);
    assert.match(await get("one", "/"), /404$/);
    assert.match(await get("one", "/a/shop/", "-i"), /^Set-Cookie: JSESSIONID=[\w-]+\.one;/m);
    for (const server of [one, two]) assert.deepEqual(await server.refresh(), []);
    assert.deepEqual(await one.up(clustered("one", shop())), []);
  });

  it("write into two databases, or into none", async () => {
    assert.equal(await get("one", "/a/shop/order.jsp?text=kept"), "done 200");
    assert.equal(await get("one", "/a/shop/order.jsp?text=gone&back"), "done 200");
    for (const name of ["shop", "books"]) assert.equal(await sql(name, "SELECT text FROM entry"), "kept");
    await sql("books", "ALTER TABLE entry ADD CHECK (text <> 'refused')");
    assert.match(await get("one", "/a/shop/order.jsp?text=refused"), / 500$/);
    for (const name of ["shop", "books"]) assert.equal(await sql(name, "SELECT text FROM entry"), "kept");
  });

  it("keep a session whose server is killed", async () => {
    const first = await count("one");
    const second = await count("two", first.id);
    assert.equal(second.number, 2);
    await inside("systemctl", "kill", "--signal", "KILL", "wildfly-one");
    assert.equal((await count("two", second.id)).number, 3);
  });

  it("take a new version in, one after the other, without a lost session or request, and no broken one", async () => {
    const session = await count("two");
    const load = await Load.begin(lab.host, url("two"), `JSESSIONID=${session.id}`);
    const direct = await Load.begin(lab.host, url("one"));
    assert.deepEqual(await one.up(clustered("one", shop("new"))), ["applications: live"]);
    assertSentElsewhere(await direct.end());
    await assert.rejects(
      one.up(clustered("one", broken())),
      /\/a\/shop did not start\nWildFly's own words:\n[^]*ClassNotFoundException: shop\.Missing/,
    );
    const { failed, sent } = await load.end();
    assert.deepEqual(failed, []);
    assert.match(await get("one", "/a/shop/"), /^new/);
    assert.equal((await count("one", session.id)).number, sent + 2);
    assert.deepEqual(await one.refresh(), []);
  });

  it("are brought back where they were stopped or changed", async () => {
    await two.destroy();
    await inside("systemctl", "stop", "wildfly-one");
    await inside("sh", "-c", "echo >>/srv/pulumi-kvm/wildfly-one/current/standalone.xml");
    assert.deepEqual(await one.refresh(), ["condition"]);
    assert.equal(one.state["condition"], "stopped, standalone.xml was changed");
    assert.deepEqual(await one.up(alone("one", shop("new"))), ["cluster: live", "condition: live"]);
    assert.match(await get("one", "/a/shop/"), /^new 1 /);
    assert.deepEqual(await one.refresh(), []);
  });

  it("change an application without a restart where there is no cluster, and keep what works", async () => {
    const began = await inside("systemctl", "show", "--value", "--property", "MainPID", "wildfly-one");
    const load = await Load.begin(lab.host, url("one"));
    assert.deepEqual(await one.up(alone("one", shop("newer"))), ["applications: live"]);
    assertSentElsewhere(await load.end());
    assert.match(await get("one", "/a/shop/"), /^newer 1 /);
    assert.match(await get("one", "/nothing"), /404$/, "an answer, for which nobody asks another server");
    await assert.rejects(
      one.up(alone("one", broken())),
      /ClassNotFoundException: shop\.Missing[^]*WildFly's own words:/,
    );
    const failing = { "index.jsp": "<% if (true) throw new Exception(); %>" };
    await assert.rejects(
      one.up(alone("one", { "/a/shop": application("failing.war", failing, { check: "/" }) })),
      /\/a\/shop\/ answers 500/,
    );
    await assert.rejects(
      one.up(alone("one", shop("newer"), { jvmFlags: ["-XX:+NoSuchOption"] })),
      /Java refuses its options:\n.*Unrecognized VM option 'NoSuchOption'/,
    );
    assert.match(await get("one", "/a/shop/"), /^newer 1 /);
    assert.deepEqual(await one.refresh(), []);
    assert.equal(await inside("systemctl", "show", "--value", "--property", "MainPID", "wildfly-one"), began);
  });

  it("leave nothing", async () => {
    await one.destroy();
    const script =
      "ls -d /srv/pulumi-kvm/* /var/log/wildfly* /var/lib/wildfly* /etc/*/wildfly* 2>/dev/null; id wildfly 2>&1";
    assert.match(await inside("sh", "-c", `${script} || :`), /^id: .wildfly.: no such user$/);
  });
});
