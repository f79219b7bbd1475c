import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TomcatServerHandler } from "../../../providers/handlers/tomcat-server";
import { ContainerLab } from "./container-lab";
import { Load } from "./load";
import { Played } from "./played";
import { tomcatPackages } from "./tomcat-packages";
import { war } from "./war";

describe("Tomcat in a container", function () {
  this.timeout(180_000);
  let lab: ContainerLab;
  let address: string;
  let folder: string;
  let played: Played;

  before(async function () {
    lab = await ContainerLab.up(this, tomcatPackages);
    folder = mkdtempSync(join(tmpdir(), "kvm-tomcat-"));
    const args = lab.args("app", await lab.root("app"));
    const domain = lab.domain();
    await domain.up({
      ...args,
      memory: "1GiB",
      nics: [{ network: "lan" }],
      ready: { booted: true, addresses: true, timeout: "60s" },
    });
    address = domain.state["ipv4"];
    played = new Played(new TomcatServerHandler());
  });

  after(async () => {
    await lab?.down();
    if (folder) rmSync(folder, { recursive: true });
  });

  const application = (name: string, files: { [path: string]: string }, more: object = {}) => {
    const path = join(folder, name);
    const bytes = war(files);
    writeFileSync(path, bytes);
    return { war: path, sha256: createHash("sha256").update(bytes).digest("hex"), ...more };
  };
  const args = (applications: object, more: object = {}) => ({
    machine: lab.machine("app"),
    name: "shop",
    route: "shop-1",
    applications,
    // It starts in half the time so.
    jvmFlags: ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"],
    ...more,
  });
  const nothing = async () => {
    const script = "ls -d /srv/pulumi-kvm/* /var/log/tomcat-* /etc/systemd/system/tomcat-* 2>/dev/null || echo none";
    return (await inside("sh", "-c", script)) === "none";
  };
  const page = (text: string) => ({ "index.jsp": `<%= "${text}" %> by <%= application.getServerInfo() %>` });
  const get = async (path: string) => {
    const argv = ["curl", "-s", "-w", " %{http_code}", `http://${address}:8080${path}`];
    return (await lab.host.run(argv)).stdout.trim();
  };
  const inside = (...argv: string[]) => lab.inside("app", ...argv);

  it("serves a WAR, finds what was changed, repairs it", async () => {
    const declared = args({ "/": application("root.war", page("root")), "/a/b": application("ab.war", page("below")) });
    await played.up(declared);
    assert.match(await get("/"), /^root by Apache Tomcat\/10.* 200$/);
    assert.match(await get("/a/b/"), /^below by .* 200$/);
    assert.match(await get("/.health"), /UP[^]* 200$/);
    assert.match(await get("/pulumi-kvm-manager/text/list"), / 403$/);
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up(declared), []);
    await inside("systemctl", "stop", "tomcat-shop");
    await inside("sh", "-c", "echo '<Server/>' >/srv/pulumi-kvm/tomcat-shop/current/conf/server.xml");
    assert.deepEqual(await played.refresh(), ["condition"]);
    assert.equal(played.state["condition"], "stopped, conf/server.xml was changed");
    assert.deepEqual(await played.up(declared), ["condition: live"]);
    assert.match(await get("/"), /^root by .* 200$/);
    assert.deepEqual(await played.refresh(), []);
  });

  it("runs what was written for Java EE, after it is converted", async () => {
    const text = `<%@ page import="javax.servlet.http.HttpServletRequest" %><% HttpServletRequest old = request; %>was <%= old.getMethod() %>`;
    const old = (more: object) =>
      args({ "/old": application("old.war", { "index.jsp": text }, { check: "/", ...more }) });
    await assert.rejects(played.up(old({})), /\/old\/ answers 500[^]*javax/);
    await played.up(old({ javax: true }));
    assert.equal(await get("/old/"), "was GET 200");
    assert.deepEqual(await played.refresh(), []);
  });

  it("rolls a new version in without a failed request", async () => {
    const begin = args({ "/shop": application("1.war", page("one")) });
    assert.deepEqual(await played.up(begin), ["applications: live", "versions: live"]);
    assert.match(await get("/"), / 404$/);
    const load = await Load.begin(lab.host, `http://${address}:8080/shop/`);
    const changes = await played.up(args({ "/shop": application("2.war", page("two")) }));
    assert.deepEqual(changes, ["applications: live", "versions: live"]);
    const { failed, sent, answers } = await load.end();
    assert.deepEqual(failed, []);
    assert.ok(sent > 10, `only ${sent} requests were sent`);
    assert.match(answers.at(-1)!, /^two by/);
    assert.match(await get("/shop/"), /^two by .* 200$/);
    assert.deepEqual(await played.refresh(), []);
  });

  it("keeps the old version where the new one does not start, and fails with Tomcat's own words", async () => {
    const good = args({ "/shop": application("good.war", page("good")) });
    await played.up(good);
    const load = await Load.begin(lab.host, `http://${address}:8080/shop/`);
    const broken = application("broken.war", {
      "WEB-INF/web.xml": `<web-app><listener><listener-class>shop.Missing</listener-class></listener></web-app>`,
    });
    await assert.rejects(played.up(args({ "/shop": broken })), (error: Error) => {
      assert.match(error.message, /broken\.war at \/shop does not start: /);
      assert.match(error.message, /java\.lang\.ClassNotFoundException: shop\.Missing/);
      return true;
    });
    const failing = application(
      "failing.war",
      { "index.jsp": "<% if (true) throw new Exception(); %>" },
      { check: "/" },
    );
    await assert.rejects(played.up(args({ "/shop": failing })), /\/shop\/ answers 500/);
    const { failed, answers } = await load.end();
    // The page that fails was served until it was found to fail.
    assert.deepEqual(
      failed.filter((each) => !each.startsWith("500")),
      [],
    );
    assert.match(answers.at(-1)!, /^good by/);
    assert.deepEqual(await played.refresh(), []);
    assert.deepEqual(await played.up(good), []);
  });

  it("keeps the configuration that works where the new one does not", async () => {
    const declared = args({ "/": application("root.war", page("root")) });
    await played.up(declared);
    const flag = { ...declared, jvmFlags: ["-XX:+NoSuchOption"] };
    await assert.rejects(played.up(flag), /Tomcat refuses the configuration:\n.*Unrecognized VM option 'NoSuchOption'/);
    await assert.rejects(
      played.up({ ...declared, connectors: [{ port: 8081, address: "192.0.2.1" }] }),
      /port 8081 does not open[^]*Cannot assign requested address/,
    );
    assert.match(await get("/"), /^root by .* 200$/);
    assert.deepEqual(await played.refresh(), []);
    const changes = await played.up({ ...declared, heap: { maximum: "128MiB" }, connectors: [{ port: 8082 }] });
    assert.deepEqual(changes, ["heap: live", "connectors: live"]);
    assert.match(await lab.host.get(`http://${address}:8082/`), /^root by/);
  });

  it("leaves nothing, and Debian's own Tomcat as it was", async () => {
    assert.equal(await inside("sh", "-c", "systemctl is-active tomcat10 || :"), "inactive");
    await played.destroy();
    assert.equal(await nothing(), true);
    assert.equal(
      await inside("sh", "-c", "systemctl is-active tomcat10; systemctl is-enabled tomcat10"),
      "active\nenabled",
    );
  });

  it("leaves nothing where it cannot come up", async () => {
    const broken = application("broken.war", { "WEB-INF/web.xml": "<web-app><servlet></web-app>" });
    await assert.rejects(played.up(args({ "/shop": broken })), /\/shop did not start[^]*web\.xml/);
    assert.equal(await nothing(), true);
  });
});
