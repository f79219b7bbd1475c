import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readArchive } from "../../../providers/content/archive";
import { readWar } from "../../../providers/content/war";
import { TomcatServerHandler } from "../../../providers/handlers/tomcat-server";
import { portalApplications, readPortlets } from "../../../providers/portal/applications";
import { plutoLibraries, plutoPortal } from "../../../providers/portal/pluto";
import { skip } from "../../skip";
import { ContainerLab } from "./container-lab";
import { Played } from "./played";
import { tomcatPackages } from "./tomcat-packages";

const news = `<%@ taglib uri="http://java.sun.com/portlet_2_0" prefix="portlet" %><portlet:defineObjects/><%
  Integer visits = (Integer) portletSession.getAttribute("visits");
  portletSession.setAttribute("visits", visits = visits == null ? 1 : visits + 1);
%>NEWS of <%= renderRequest.getRemoteUser() %> <%= visits %>`;

describe("a portal of two servers", function () {
  this.timeout(300_000);
  let lab: ContainerLab;
  let folder: string;
  const names = ["one", "two"];
  const addresses: { [name: string]: string } = { one: "192.168.170.11", two: "192.168.170.12" };
  let servers: Played[];

  before(async function () {
    try {
      await readArchive(plutoPortal.war, plutoPortal.sha256);
      for (const { file, sha256 } of plutoLibraries) await readArchive(file, sha256);
    } catch (error) {
      skip(this, (error as Error).message);
    }
    lab = await ContainerLab.up(this, tomcatPackages);
    folder = mkdtempSync(join(tmpdir(), "kvm-portal-"));
    mkdirSync(join(folder, "news"));
    writeFileSync(join(folder, "news/view.jsp"), news);
    const roots: { root: string; init: string }[] = [];
    for (const name of names) roots.push(await lab.root(name));
    await Promise.all(
      names.map((name, at) =>
        lab.domain().up({
          ...lab.args(name, roots[at]!),
          memory: "1GiB",
          nics: [{ network: "lan", addresses: [`${addresses[name]}/24`], gateway: ["192.168.170.1"] }],
          ready: { booted: true, timeout: "90s" },
        }),
      ),
    );
    servers = names.map(() => new Played(new TomcatServerHandler()));
  });

  after(async () => {
    await lab?.down();
    if (folder) rmSync(folder, { recursive: true });
  });

  const page = (portlets: string[], roles: string[] = []) => ({
    portlets: portlets.map((one) => ({ application: one, portlet: one })),
    roles,
    public: false,
  });
  const args = (name: string, pages: { [name: string]: ReturnType<typeof page> }, broken = false) => {
    const portlets = { news: readPortlets("news", join(folder, broken ? "broken" : "news")) };
    const applications = Object.fromEntries(
      Object.entries(portalApplications({ pages }, portlets)).map(([path, { sha256, ...one }]) => [
        path,
        {
          ...one,
          sha256:
            sha256 ??
            createHash("sha256")
              .update(readWar(one.war as string))
              .digest("hex"),
        },
      ]),
    );
    return {
      machine: lab.machine(name),
      name: "portal",
      route: name,
      applications,
      libraries: plutoLibraries,
      deploy: "restart",
      users: { alice: { roles: ["editor"] }, bob: {} },
      userPasswords: { alice: "wörd of alice", bob: "wörd of bob" },
      jvmFlags: ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"],
      cluster: {
        address: addresses[name],
        members: names.map((each) => ({ name: each, address: addresses[each] })),
      },
    };
  };
  const pages = { Home: page(["news"]), Desk: page(["news"], ["editor"]) };
  let cookie = "";
  const curl = async (name: string, path: string, ...more: string[]) => {
    const argv = ["curl", "-sS", "-i", "-b", cookie, ...more, `http://${addresses[name]}:8080${path}`];
    const { stdout } = await lab.host.run(argv);
    const set = [...stdout.matchAll(/^Set-Cookie: (JSESSIONID=[^;]*)/gim)].at(-1);
    if (set) cookie = set[1]!;
    return stdout;
  };
  const login = (name: string, user: string, password: string) =>
    curl(name, "/login", "--data-urlencode", `user=${user}`, "--data-urlencode", `password=${password}`);
  const status = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

  it("lets in whom it knows, to the pages that are for them, and by no other way", async () => {
    await Promise.all(servers.map((server, at) => server.up(args(names[at]!, pages))));
    assert.match(await curl("one", "/portal/Home"), /302[^]*Location: \/login\?page=%2Fportal%2FHome/);
    assert.equal(status(await login("one", "alice", "wrong")), 401);
    assert.equal(status(await login("one", "tomcat", "tomcat")), 401);
    assert.equal(status(await login("one", "pluto", "pluto")), 401);
    await login("one", "bob", "wörd of bob");
    assert.match(await curl("one", "/portal/Home"), /NEWS of bob 1/);
    for (const path of ["/portal/Desk", "/portal/__x/Desk", "/portlets/news/view.jsp", "/about.jsp"])
      assert.equal(status(await curl("one", path)), 403, path);
    for (const path of ["/portlets/news/PlutoInvoker/news", "/PlutoInvoker/AdminPortlet"])
      assert.equal(status(await curl("one", path)), 403, path);
    for (const path of ["/admin/Publish", "/tck/x"]) assert.equal(status(await curl("one", path)), 404, path);
    const users = await lab.inside("one", "cat", "/srv/pulumi-kvm/tomcat-portal/current/conf/users.xml");
    assert.doesNotMatch(users, /wörd/);
  });

  it("keeps somebody logged in whose server is killed", async () => {
    cookie = "";
    await login("one", "alice", "wörd of alice");
    assert.match(await curl("one", "/portal/Desk"), /NEWS of alice 1/);
    await lab.inside("one", "systemctl", "kill", "--signal", "KILL", "tomcat-portal");
    assert.match(await curl("two", "/portal/Desk"), /NEWS of alice 2/);
  });

  it("brings another page in without logging anybody out", async () => {
    const more = { ...pages, More: page(["news"]) };
    for (const [at, name] of names.entries())
      assert.deepEqual(await servers[at]!.up(args(name, more)), ["applications: live"]);
    assert.match(await curl("one", "/portal/More"), /NEWS of alice/);
    assert.deepEqual(await servers[0]!.refresh(), []);
    assert.deepEqual(await servers[0]!.up(args("one", more)), []);
  });

  it("goes back where a portlet does not start, with the server's words", async () => {
    mkdirSync(join(folder, "broken/WEB-INF"), { recursive: true });
    writeFileSync(
      join(folder, "broken/WEB-INF/portlet.xml"),
      `<portlet-app xmlns="http://java.sun.com/xml/ns/portlet/portlet-app_2_0.xsd" version="2.0"><portlet>
        <portlet-name>news</portlet-name><portlet-class>shop.Missing</portlet-class>
        <supports><mime-type>text/html</mime-type></supports></portlet></portlet-app>`,
    );
    const broken = args("one", { Home: page(["news"]) }, true);
    await assert.rejects(
      servers[0]!.up(broken),
      /\/portlets\/news did not start[^]*ClassNotFoundException: shop\.Missing/,
    );
    assert.match(await curl("two", "/portal/More"), /NEWS of alice/);
    assert.match(await curl("one", "/portal/More"), /NEWS of alice/);
    for (const server of servers) await server.destroy();
  });
});
