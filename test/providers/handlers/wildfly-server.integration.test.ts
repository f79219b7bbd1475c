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
import { Load } from "./load";
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

describe("WildFlys in containers", function () {
  this.timeout(240_000);
  let lab: ContainerLab;
  let folder: string;
  const names = ["one", "two"];
  const addresses: { [name: string]: string } = { one: "192.168.170.11", two: "192.168.170.12" };
  const password = "p<w ${user.home} $1";
  let servers: Played[];
  const database = new Played(new PostgresInstanceHandler());

  before(async function () {
    try {
      await readArchive(wildfly39.file, wildfly39.sha256);
    } catch (error) {
      skip(this, (error as Error).message);
    }
    lab = await ContainerLab.up(this, tomcatPackages);
    folder = mkdtempSync(join(tmpdir(), "kvm-wildfly-"));
    const roots: { root: string; init: string }[] = [];
    for (const name of names) roots.push(await lab.root(name));
    await Promise.all(
      names.map((name, at) =>
        lab.domain().up({
          ...lab.args(name, roots[at]!),
          memory: "1536MiB",
          nics: [{ network: "lan", addresses: [`${addresses[name]}/24`], gateway: ["192.168.170.1"] }],
          ready: { booted: true, timeout: "90s" },
        }),
      ),
    );
    // It has the same port.
    for (const name of names) await lab.inside(name, "systemctl", "disable", "--now", "tomcat10");
    servers = names.map(() => new Played(new WildFlyServerHandler()));
    await database.up({
      machine: lab.machine("one"),
      slot: "one",
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

  const sql = (name: string, statement: string) =>
    lab.inside("one", "runuser", "-u", "postgres", "--", "psql", "-XAtq", "-d", name, "-c", statement);
  const application = (name: string, files: { [path: string]: string }, more: object = {}) => {
    const bytes = war(files);
    const file = join(folder, name);
    writeFileSync(file, bytes);
    return { war: file, sha256: createHash("sha256").update(bytes).digest("hex"), ...more };
  };
  const source = { username: "shop", xa: true, maxTotal: 5 };
  const args = (name: string, applications: object, more: object = {}) => ({
    machine: lab.machine(name),
    name: "shop",
    route: name,
    applications,
    dataSources: Object.fromEntries(
      ["shop", "books"].map((each) => [
        `jdbc/${each}`,
        { ...source, url: `jdbc:postgresql://${addresses["one"]}/${each}` },
      ]),
    ),
    passwords: { "jdbc/shop": password, "jdbc/books": password },
    jvmFlags: ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"],
    cluster: { address: addresses[name], members: names.map((each) => ({ name: each, address: addresses[each] })) },
    ...more,
  });
  const get = async (name: string, path: string, cookie = "") => {
    const argv = ["curl", "-sS", "-b", cookie, "-w", " %{http_code}", `http://${addresses[name]}:8080${path}`];
    return (await lab.host.run(argv)).stdout.trim();
  };
  /** The count and the session's id that a server answers to whoever has this id. */
  const count = async (name: string, id?: string) => {
    const answer = await get(name, "/a/shop/", id === undefined ? "" : `JSESSIONID=${id}`);
    assert.match(answer, / 200$/);
    const [number, session] = answer.split(" ");
    return { number: Number(number), id: session!.trim() };
  };
  const shop = (text = "", more: object = {}) => ({
    "/a/shop": application(`shop${text}.war`, { "index.jsp": `${text} ${counter}`, "order.jsp": order }, more),
  });

  it("serve a WAR, by its path, with a page that tells how they are", async () => {
    await Promise.all(servers.map((server, at) => server.up(args(names[at]!, shop()))));
    assert.equal((await count("one")).number, 1);
    assert.match(await get("one", "/.health"), /"a#shop\.war" : "OK"[^]* 200$/);
    assert.match(await get("one", "/"), / 404$/);
    for (const server of servers) assert.deepEqual(await server.refresh(), []);
    assert.deepEqual(await servers[0]!.up(args("one", shop())), []);
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
    assert.match(first.id, /\.one$/);
    const second = await count("two", first.id);
    assert.equal(second.number, 2);
    await lab.inside("one", "systemctl", "kill", "--signal", "KILL", "wildfly-shop");
    const third = await count("two", second.id);
    assert.equal(third.number, 3);
    // Its service manager starts it again, and it has the sessions of the others.
    await lab.inside("one", "bash", "-c", "until exec 3<>/dev/tcp/127.0.0.1/9990; do sleep 0.2; done 2>/dev/null");
    assert.equal((await count("one", third.id)).number, 4);
  });

  it("take a new version in, one after the other, without a lost session or request", async () => {
    let session = await count("two");
    for (const [at, name] of names.entries()) {
      const other = names[1 - at]!;
      const load = await Load.begin(lab.host, `http://${addresses[other]}:8080/a/shop/`);
      assert.deepEqual(await servers[at]!.up(args(name, shop("new"))), ["applications: live"]);
      assert.deepEqual((await load.end()).failed, []);
      assert.match(await get(name, "/a/shop/"), /^new/);
      session = await count(name, session.id);
    }
    assert.equal(session.number, 3);
  });

  it("go on with the old version where the new one does not start, or fails", async () => {
    const broken = application("broken.war", {
      "WEB-INF/web.xml": `<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee"><listener><listener-class>shop.Missing</listener-class></listener></web-app>`,
    });
    const fails = { "index.jsp": "<% if (true) throw new Exception(); %>" };
    const failing = application("failing.war", fails, { check: "/" });
    const old = await count("one");
    await assert.rejects(
      servers[0]!.up(args("one", { "/a/shop": broken })),
      /ClassNotFoundException: shop\.Missing[^]*WildFly's own words:/,
    );
    assert.equal((await count("one", old.id)).number, 2);
    await assert.rejects(servers[0]!.up(args("one", { "/a/shop": failing })), /\/a\/shop\/ answers 500/);
    assert.equal((await count("one", old.id)).number, 3);
    assert.deepEqual(await servers[0]!.refresh(), []);
  });

  it("keep the configuration that works, and take another one in", async () => {
    const flag = args("one", shop("new"), { jvmFlags: ["-XX:+NoSuchOption"] });
    await assert.rejects(servers[0]!.up(flag), /Java refuses its options:\n.*Unrecognized VM option 'NoSuchOption'/);
    const nowhere = args("one", shop("new"), { connectors: [{ port: 8080 }, { port: 8081, address: "192.0.2.1" }] });
    await assert.rejects(servers[0]!.up(nowhere), /WildFly's own words:[^]*192\.0\.2\.1/);
    const session = await count("one");
    const changed = args("one", shop("new"), { heap: { maximum: "400MiB" } });
    assert.deepEqual(await servers[0]!.up(changed), ["heap: live"]);
    assert.equal((await count("one", session.id)).number, 2);
    await lab.inside("one", "systemctl", "stop", "wildfly-shop");
    assert.deepEqual(await servers[0]!.refresh(), ["condition"]);
    assert.equal(servers[0]!.state["condition"], "stopped");
  });

  it("leave nothing", async () => {
    for (const server of servers) await server.destroy();
    const script =
      "ls -d /srv/pulumi-kvm/* /var/log/wildfly* /var/lib/wildfly* /etc/*/wildfly* 2>/dev/null; id wildfly 2>&1";
    assert.match(await lab.inside("two", "sh", "-c", `${script} || :`), /^id: .wildfly.: no such user$/);
  });
});
