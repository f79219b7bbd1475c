import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertAccepted, computeOutputs, computes, find, run, valueOf } from "../mocks";
import { KvmHost, PortalTier, type PortalTierArgs } from "../../../components";

describe("PortalTier", () => {
  let folder: string;
  let news: string;

  before(() => {
    computeOutputs();
    computes("TomcatServer", () => ({ health: "healthy", port: 8080 }));
    folder = mkdtempSync(join(tmpdir(), "kvm-portlets-"));
    news = join(folder, "news");
    mkdirSync(news);
    writeFileSync(join(news, "view.jsp"), "news");
    mkdirSync(join(folder, "none"));
    writeFileSync(join(folder, "none/other.jsp"), "other");
  });

  after(() => rmSync(folder, { recursive: true }));

  const nics = (number: number) => [{ network: "lab", ipv4: `192.168.150.${40 + number}` }];
  const tier = (more: Partial<PortalTierArgs> = {}) => {
    const host = new KvmHost("kvm1", { networks: { lab: { ipv4: "192.168.150.0/24" } } });
    const users = { alice: { password: "word", roles: ["editor"] } };
    const place = { host, kind: "lxc" as const, nics };
    return new PortalTier("portal", { ...place, users, portlets: { news }, pages: { Home: ["news"] }, ...more });
  };
  const refused = (more: Partial<PortalTierArgs>, message: string) =>
    assert.rejects(
      run(() => tier(more)),
      { message: `PortalTier portal: ${message}` },
    );

  it("is Tomcats with the portal, its portlets and users, one cluster", async () => {
    let portal!: PortalTier;
    const made = await run(() => (portal = tier()));
    assertAccepted(made);
    const { inputs, dependencies } = find("TomcatServer", "portal-2", made);
    assert.ok(dependencies.includes("TomcatServer portal-1"));
    assert.deepEqual(Object.keys(inputs["applications"]), ["/", "/portlets/news"]);
    assert.equal(inputs["deploy"], "restart");
    assert.equal(inputs["libraries"].length, 6);
    assert.deepEqual(inputs["users"], { alice: { roles: ["editor"] } });
    assert.deepEqual(inputs["cluster"].members.length, 2);
    assert.match(
      inputs["applications"]["/"].files["WEB-INF/pluto-portal-driver-config.xml"],
      /<page name="Home" uri="[^"]*"><portlet context="\/portlets\/news" name="news"\/><\/page>/,
    );
    assert.deepEqual(await valueOf(portal.urls), ["http://192.168.150.41:8080/", "http://192.168.150.42:8080/"]);
  });

  it("refuses what it cannot be, word by word", async () => {
    await refused({ pages: { Home: ["weather"] } }, 'pages.Home: there is no "weather" in portlets. Allowed: news');
    await refused({ pages: { Home: ["news/other"] } }, 'pages.Home: news has no portlet "other". Allowed: "news/news"');
    await refused({ pages: {} }, 'pages is empty. Allowed: at least one, e.g. { Home: ["news"] }');
    await refused(
      { pages: { 'a"b': ["news"] } },
      'pages: "a\\"b" is not a page\'s name. Allowed: letters, digits, blanks, "_" and "-"',
    );
    await refused(
      { pages: { Desk: { portlets: ["news"], roles: ["boss"] } } },
      'pages.Desk.roles: no user has "boss". Allowed: "editor"',
    );
    await refused(
      { pages: { Desk: { portlets: ["news"], roles: ["editor"], public: true } } },
      "pages.Desk: it is public, and has roles. Fix: leave one of them out",
    );
    await refused(
      { users: { bob: {} as never } },
      'users.bob: password is required. Allowed: a secret, e.g. config.requireSecret("password")',
    );
    const none = join(folder, "none");
    await refused(
      { portlets: { news: none } },
      `portlets.news: ${none} has neither WEB-INF/portlet.xml nor view.jsp. Fix: it needs one of them`,
    );
    await refused({ portlets: { news: "gone.war" } }, "portlets.news: gone.war does not exist");
  });
});
