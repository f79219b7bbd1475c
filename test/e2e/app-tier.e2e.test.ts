import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { containerImageOr } from "../lab/container-image";
import { Lab } from "../lab/lab";
import { Load } from "../providers/handlers/load";
import { tomcatPackages } from "../providers/handlers/tomcat-packages";
import { war } from "../providers/handlers/war";
import { skip } from "../skip";
import { Project } from "./project";

const visits = `<%@ page import="javax.naming.*,javax.sql.*,java.sql.*" %><%
  Integer count = (Integer) session.getAttribute("count");
  session.setAttribute("count", count = count == null ? 1 : count + 1);
  DataSource source = (DataSource) new InitialContext().lookup("java:comp/env/jdbc/shop");
  try (Connection database = source.getConnection(); Statement statement = database.createStatement()) {
    ResultSet rows = statement.executeQuery("SELECT current_user");
    rows.next();
    out.print("VERSION " + rows.getString(1));
  }
%>`;

describe("an application tier with its database, behind a web tier", function () {
  this.timeout(900_000);
  let lab: Lab;
  let project: Project;
  let image: string;

  const program = (changes: { heap?: string } = {}) => {
    const { uri, machine } = { uri: lab.host("kvm1").socketUri(), machine: lab.host("kvm1").machine };
    return `
      const host = new kvm.KvmHost("kvm1", {
        connection: { uri: ${JSON.stringify(uri)} },
        machine: ${JSON.stringify(machine)},
        networks: { lab: { ipv4: "192.168.181.0/24" } },
      });
      const image = { path: pulumi.output(${JSON.stringify(image)}), kind: "lxc" };
      const at = (first) => (number) => [{ network: "lab", ipv4: "192.168.181." + (first + number) }];
      const common = { host, kind: "lxc", image, memory: "768MiB" };
      const password = pulumi.secret("word of the shop");
      const db = new kvm.PostgresServer("db", {
        ...common, nics: at(10), allow: ["192.168.181.0/24"],
        users: { shop: { password } }, databases: { shop: { owner: "shop" } },
      });
      const app = new kvm.AppTier("app", {
        ...common, nics: at(20), count: 2,
        applications: { "/shop": { war: "./shop.war", check: "/" } },
        dataSources: { "jdbc/shop": { url: db.jdbcUrl("shop"), username: "shop", password } },
        heap: { maximum: "${changes.heap ?? "128MiB"}" },
        jvmFlags: ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"],
      });
      const web = new kvm.WebTier("web", {
        ...common, count: 1, nics: at(30), sites: { "www.example.org": { proxy: { "/": app } } },
      });
      exports.url = web.url;
      exports.urls = app.urls;
      exports.health = app.health;
      exports.database = db.members;`;
  };

  const shop = (version: string, page = visits) =>
    writeFileSync(join(project.folder, "shop.war"), war({ "index.jsp": page.replace("VERSION", version) }));

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    image = await containerImageOr(this, tomcatPackages);
    lab = await Lab.up({ disk: "6GiB" });
    project = await Project.create("");
    shop("one");
    await project.write(program());
  });

  after(async () => {
    if (project) await project.attempt("destroy", "--yes", "--skip-preview");
    await project?.dispose();
    await lab?.down();
  });

  const get = (url: string) => lab.host("kvm1").get(url);

  it("serves once it is up, and nothing is left to change", async () => {
    await project.up();
    const { url, health, database } = await project.outputs<{ url: string; health: object; database: object[] }>();
    assert.deepEqual(health, { "app-1": "healthy", "app-2": "healthy" });
    assert.deepEqual(database, [
      { name: "db-1", address: "192.168.181.11", port: 5432, role: "primary", health: "healthy" },
    ]);
    assert.equal(await get(`${url}shop/`), "one shop");
    assert.deepEqual(await project.plan(), []);
    assert.doesNotMatch(await project.stateFile(), /word of the shop/);
  });

  it("takes a new version and another setting under load without a failed request", async () => {
    const { url } = await project.outputs<{ url: string }>();
    const load = await Load.begin(lab.host("kvm1"), `${url}shop/`);
    shop("two");
    assert.deepEqual(await project.plan(), ["update TomcatServer app-1", "update TomcatServer app-2"]);
    await project.up();
    assert.equal(await get(`${url}shop/`), "two shop");
    await project.write(program({ heap: "144MiB" }));
    await project.up();
    const { failed, sent } = await load.end();
    assert.deepEqual(failed, []);
    assert.ok(sent > 100, `${sent} requests`);
    assert.deepEqual(await project.plan(), []);
  });

  it("stops at the first server on which a version does not work, and keeps serving", async () => {
    const { url, urls } = await project.outputs<{ url: string; urls: string[] }>();
    shop("three", "<% Object none = null; none.toString(); %>");
    const { exitCode, stdout } = await project.attempt("up", "--yes", "--skip-preview");
    assert.notEqual(exitCode, 0);
    assert.match(stdout, /Tomcat app on container app-1: cannot update: \/shop\/ answers 500/);
    assert.match(stdout, /NullPointerException/);
    assert.doesNotMatch(stdout, /container app-2/);
    for (const one of [url, ...urls]) assert.equal(await get(`${one}shop/`), "two shop");
    shop("two");
    assert.deepEqual(await project.plan(), []);
  });

  it("puts right what was changed in a guest, and goes without a trace", async () => {
    await lab.host("kvm1").inContainer("app-2", ["/usr/bin/systemctl", "stop", "tomcat-app"]);
    await project.refresh();
    assert.deepEqual(await project.plan(), ["update TomcatServer app-2"]);
    await project.up();
    const { urls } = await project.outputs<{ urls: string[] }>();
    assert.equal(await get(`${urls[1]}shop/`), "two shop");
    await project.destroy();
    const { stdout } = await lab.host("kvm1").run(["virsh", "-c", "lxc:///system", "list", "--all", "--name"]);
    assert.equal(stdout.trim(), "");
  });
});
