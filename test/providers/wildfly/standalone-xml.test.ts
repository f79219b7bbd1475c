import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { strFromU8, unzipSync } from "fflate";
import * as v from "valibot";
import { wildflyServerSchema } from "../../../providers/schema/wildfly-server";
import { fitted } from "../../../providers/wildfly/fit";
import { deploymentName, deploymentPath, nodeIdentifier, type WildFlyModel } from "../../../providers/wildfly/model";
import { releaseOf, sameSettings } from "../../../providers/wildfly/release";
import { standaloneXml } from "../../../providers/wildfly/standalone-xml";
import { unitFile } from "../../../providers/wildfly/unit";
import { war } from "../handlers/war";

const sha256 = "ab".repeat(32);

function model(more: object = {}): WildFlyModel {
  const machine = { kind: "local" };
  const applications = { "/shop": { war: "shop.war", sha256 } };
  return v.parse(wildflyServerSchema, { machine, name: "shop", route: "shop-1", applications, ...more });
}

const members = ["1", "2", "3"].map((at) => ({ name: `shop-${at}`, address: `192.0.2.${at}` }));
const everything = {
  applications: { "/": { war: "root.war", sha256 }, "/a/b": { war: "b.war", sha256, javax: true } },
  connectors: [{ port: 80, address: "192.0.2.1", maxConnections: 500 }, { port: 8080 }],
  management: 9991,
  dataSources: {
    "jdbc/shop": { url: "jdbc:postgresql://db/shop", username: "shop", xa: true, maxTotal: 5, minIdle: 2 },
    plain: { url: "jdbc:postgresql://db/plain?a=1&b=2", maxWait: "3s", validationQuery: "SELECT 1" },
  },
  passwords: { "jdbc/shop": "p<w ${user.home} $1" },
  transactionTimeout: "90s",
  cluster: { address: "192.0.2.1", members },
  logs: { access: false },
};

describe("WildFly's files", () => {
  const golden = (name: string) => readFileSync(join(__dirname, "golden", name), "utf8");

  it("are as WildFly reads them", () => {
    assert.equal(standaloneXml(model()), golden("alone.xml"));
    assert.equal(standaloneXml(model(everything)), golden("everything.xml"));
    assert.equal(unitFile(model()), golden("wildfly-shop.service"));
  });

  it("hand java its options as one argument each, whatever is in them", () => {
    const { files } = releaseOf(model({ drain: "90s", properties: { "shop.motd": 'a "quoted" \\ #word' } }));
    const options = files["java.options"]!.split("\n");
    for (const option of [
      '"-Xmx536870912"',
      '"-Djboss.node.name=shop-1"',
      '"-Dorg.wildfly.sigterm.suspend.timeout=90"',
    ])
      assert.ok(options.includes(option), option);
    assert.ok(options.includes('"-Dshop.motd=a \\"quoted\\" \\\\ #word"'));
  });

  it("have PostgreSQL's driver only where there are databases", () => {
    const driver = "modules/org/postgresql/jdbc/main/module.xml";
    assert.equal(releaseOf(model()).files[driver], undefined);
    assert.match(releaseOf(model(everything)).files[driver]!, /path="\/usr\/share\/java\/postgresql\.jar"/);
  });

  it("tell by their name whether a change takes a restart", () => {
    const { hash } = releaseOf(model());
    assert.equal(releaseOf(model()).hash, hash);
    const other = releaseOf(model({ applications: {} }));
    assert.notEqual(other.hash, hash);
    assert.ok(sameSettings(hash, other));
    assert.ok(!sameSettings(hash, releaseOf(model({ heap: { maximum: "300MiB" } }))));
  });

  it("name deployments after their paths, and transactions in at most 23 bytes", () => {
    for (const [path, name] of [
      ["/", "ROOT.war"],
      ["/a/b", "a#b.war"],
    ] as const) {
      assert.equal(deploymentName(path), name);
      assert.equal(deploymentPath(name), path);
    }
    assert.equal(nodeIdentifier("shop-1"), "shop-1");
    const [one, two] = ["1", "2"].map((end) => nodeIdentifier(`a-long-name-of-a-shop-of-books-${end}`));
    assert.equal(one!.length, 23);
    assert.notEqual(one, two);
  });
});

describe("a WAR that is fitted for WildFly", () => {
  const texts = (bytes: Buffer) =>
    Object.fromEntries(Object.entries(unzipSync(bytes)).map(([name, content]) => [name, strFromU8(content)]));

  it("says its path, and that its sessions may be shared", () => {
    assert.deepEqual(texts(fitted(war({ "index.jsp": "shop" }), "/a/b", true)), {
      "index.jsp": "shop",
      "WEB-INF/jboss-web.xml": "<jboss-web><context-root>/a/b</context-root></jboss-web>",
      "WEB-INF/web.xml":
        '<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0"><distributable/></web-app>',
    });
    assert.equal(texts(fitted(war({ "index.jsp": "shop" }), "/", false))["WEB-INF/web.xml"], undefined);
  });

  it("keeps what it says beside", () => {
    const namespace = 'xmlns="http://xmlns.jcp.org/xml/ns/javaee"';
    const own = war({
      "WEB-INF/web.xml": `<web-app ${namespace}><display-name>Shop</display-name></web-app>`,
      "WEB-INF/jboss-web.xml":
        "<jboss-web><context-root>/old</context-root><security-domain>a</security-domain></jboss-web>",
    });
    assert.deepEqual(texts(fitted(own, "/shop", true)), {
      "WEB-INF/web.xml": `<web-app ${namespace}><display-name>Shop</display-name><distributable/></web-app>`,
      "WEB-INF/jboss-web.xml":
        "<jboss-web><context-root>/shop</context-root><security-domain>a</security-domain></jboss-web>",
    });
  });

  it("is the same where nothing is different", () => {
    const bytes = war({ "index.jsp": "shop" });
    assert.deepEqual(fitted(bytes, "/shop", true), fitted(bytes, "/shop", true));
  });
});
