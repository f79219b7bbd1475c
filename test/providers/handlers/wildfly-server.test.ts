import assert from "node:assert/strict";
import { classify } from "../../../providers/dynamic/diff";
import { dispatch } from "../../../providers/dynamic/dispatch";
import { WildFlyServerHandler } from "../../../providers/handlers/wildfly-server";
import type { WildFlyServerInputs } from "../../../providers/schema/wildfly-server";

const [one, two] = ["1".repeat(64), "2".repeat(64)];
const machine = { kind: "local" };

describe("WildFlyServer", () => {
  const handler = new WildFlyServerHandler();
  const args = (applications: object, more: object = {}) => ({
    machine,
    name: "shop",
    route: "shop-1",
    applications,
    ...more,
  });
  const check = async (given: object, olds: object = {}) => {
    const { inputs, failures } = await dispatch(handler).check({ ...olds }, { ...given });
    return { inputs: inputs as WildFlyServerInputs, reasons: failures.map(({ reason }) => reason) };
  };
  const refused = async (more: object, ...reasons: string[]) =>
    assert.deepEqual((await check(args({}, more))).reasons, reasons);
  const changes = async (olds: object, news: object) => {
    const before = (await check(olds)).inputs;
    const found = classify(handler.fields, before, (await check(news, before)).inputs);
    return found.map(({ field, disruption, why }) => [field, disruption, why]);
  };
  const cluster = { address: "192.0.2.1", members: [{ name: "shop-2", address: "192.0.2.2" }] };

  it("tells in the plan what a change does", async () => {
    const old = { "/a": { war: "a", sha256: one }, "/b": { war: "b", sha256: one } };
    const wanted = { "/a": { war: "a", sha256: two }, "/c": { war: "c", sha256: one } };
    assert.deepEqual(await changes(args(old), args(wanted, { heap: { maximum: "1GiB" } })), [
      [
        "applications",
        "live",
        "/c comes; /a in a new version; /b goes, after the requests under way, without a restart",
      ],
      ["heap", "live", "WildFly is restarted, after the requests under way"],
    ]);
    assert.deepEqual(await changes(args(old, { cluster }), args({ "/a": old["/a"] }, { cluster })), [
      ["applications", "live", "/b goes, after the requests under way, with a restart, as in every cluster"],
    ]);
    assert.deepEqual(await changes(args(old), args(old, { name: "books" })), [["name", "replace", undefined]]);
  });

  it("shows no password of a database in the plan", async () => {
    const source = (password: string) => ({
      dataSources: { "jdbc/a": { url: "jdbc:postgresql://db/a" } },
      passwords: { "jdbc/a": password },
    });
    const olds = (await check(args({}, source("first")))).inputs;
    const [change] = classify(handler.fields, olds, (await check(args({}, source("second")), olds)).inputs);
    assert.equal(change?.field, "passwords");
    assert.equal(change?.hidden, true);
  });

  it("refuses what WildFly could not take, word by word", async () => {
    await refused(
      { name: "My Shop" },
      'name: "My Shop" is not a name. Allowed: small letters, digits, "_", "." and "-", at most 41',
    );
    await refused(
      { connectors: [{ port: 8009, protocol: "ajp" }] },
      'connectors.0.protocol: is not "http". Allowed: "http", what WildFly serves',
    );
    await refused({ connectors: [] }, "connectors: is empty. Allowed: at least one, e.g. [{ port: 8080 }]");
    await refused(
      { connectors: [{ port: 80 }, { port: 80 }] },
      "connectors: port 80 is there twice. Allowed: each port once",
    );
    await refused(
      { connectors: [{ port: 9990 }] },
      "management: port 9990 is one of connectors. Allowed: another port of the loopback",
    );
    await refused({ jvmFlags: ["-Xmx1g"] }, 'jvmFlags.0: "-Xmx1g" is the heap\'s size. Fix: say heap');
    await refused(
      { jvmFlags: ["-Djboss.node.name=a"] },
      'jvmFlags.0: "-Djboss.node.name=a" is ours to say. Fix: leave it out',
    );
    await refused(
      { dataSources: { "jdbc/a": { url: "jdbc:mysql://db/a" } } },
      "dataSources.jdbc/a.url: is not of PostgreSQL. Allowed: jdbc:postgresql://HOST/DATABASE",
    );
    await refused(
      { dataSources: { "jdbc/a": { url: "jdbc:postgresql://db/a", maxTotal: 5, minIdle: 9 } } },
      "dataSources.jdbc/a: got minIdle 9, maxTotal 5. Allowed: minIdle at most maxTotal",
    );
    await refused(
      { cluster: { ...cluster, members: [{ name: "shop-1", address: "192.0.2.1" }] } },
      "cluster: has no server beside this one. Allowed: at least two servers; a single one has no cluster",
    );
    assert.deepEqual((await check(args({ shop: { war: "a", sha256: one } }))).reasons, [
      'applications.shop: "shop" is not a path of an application. Allowed: "/", or e.g. "/shop"',
    ]);
  });
});
