import assert from "node:assert/strict";
import { classify } from "../../../providers/dynamic/diff";
import { dispatch } from "../../../providers/dynamic/dispatch";
import { TomcatServerHandler } from "../../../providers/handlers/tomcat-server";
import type { TomcatServerInputs } from "../../../providers/schema/tomcat-server";

const [one, two] = ["1".repeat(64), "2".repeat(64)];
const machine = { kind: "local" };

describe("TomcatServer", () => {
  const handler = new TomcatServerHandler();
  const args = (applications: object, more: object = {}) => ({
    machine,
    name: "shop",
    route: "shop-1",
    applications,
    ...more,
  });
  const check = async (given: object, olds: object = {}) => {
    const { inputs, failures } = await dispatch(handler).check({ ...olds }, { ...given });
    return { inputs: inputs as TomcatServerInputs, reasons: failures.map(({ reason }) => reason) };
  };
  const refused = async (more: object, ...reasons: string[]) =>
    assert.deepEqual((await check(args({}, more))).reasons, reasons);

  it("numbers versions of applications up with their content", async () => {
    const first = (await check(args({ "/": { war: "a", sha256: one } }))).inputs;
    assert.deepEqual(first.versions, { "/": 1 });
    const same = (await check(args({ "/": { war: "b", sha256: one }, "/shop": { war: "s", sha256: one } }), first))
      .inputs;
    assert.deepEqual(same.versions, { "/": 1, "/shop": 1 });
    const next = (await check(args({ "/": { war: "b", sha256: two } }), same)).inputs;
    assert.deepEqual(next.versions, { "/": 2 });
    const converted = (await check(args({ "/": { war: "b", sha256: two, javax: true } }), next)).inputs;
    assert.deepEqual(converted.versions, { "/": 3 });
    const given = (await check(args({ "/": { war: "b", sha256: one } }, { versions: { "/": 9 } }), next)).inputs;
    assert.deepEqual(given.versions, { "/": 9 });
  });

  it("tells in the plan what a change does", async () => {
    const olds = (await check(args({ "/a": { war: "a", sha256: one }, "/b": { war: "b", sha256: one } }))).inputs;
    const wanted = args(
      { "/a": { war: "a", sha256: two }, "/c": { war: "c", sha256: one } },
      { heap: { maximum: "1GiB" } },
    );
    const news = (await check(wanted, olds)).inputs;
    const changes = classify(handler.fields, olds, news);
    assert.deepEqual(
      changes.map(({ field, disruption, why }) => [field, disruption, why]),
      [
        [
          "applications",
          "live",
          "/c comes; /a in a new version, beside the old one as long as that has sessions; /b goes",
        ],
        ["versions", "live", "the number that a version of an application goes by"],
        ["heap", "live", "Tomcat is restarted, after the requests under way"],
      ],
    );
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

  it("refuses what Tomcat could not take, word by word", async () => {
    await refused(
      { name: "My Shop" },
      'name: "My Shop" is not a name. Allowed: small letters, digits, "_", "." and "-", at most 41',
    );
    await refused(
      { connectors: [{ port: 8009, protocol: "ajp" }] },
      'connectors: has no connector of protocol "http", by which the server is asked whether it serves. Fix: add one, e.g. { port: 8080 }',
    );
    await refused(
      { connectors: [{ port: 80 }, { port: 80 }] },
      "connectors: port 80 is there twice. Allowed: each port once",
    );
    await refused({ connectors: [{ port: 0 }] }, "connectors.0.port: got 0. Allowed: a whole number from 1 to 65535");
    await refused(
      { heap: { initial: "1GiB", maximum: "512MiB" } },
      'heap: initial: got "1GiB". Allowed: at most maximum, 512MiB',
    );
    await refused({ jvmFlags: ["-Xmx1g"] }, 'jvmFlags.0: "-Xmx1g" is the heap\'s size. Fix: say heap');
    await refused({ jvmFlags: ["-jar"] }, 'jvmFlags.0: "-jar" is ours to say. Fix: leave it out');
    await refused(
      { dataSources: { "jdbc/a": { url: "jdbc:postgresql://db/a?user=a&password=b" } } },
      "dataSources.jdbc/a.url: has a user or a password in it. Fix: say username, password",
    );
    await refused(
      { dataSources: { "jdbc/a": { url: "jdbc:postgresql://db/a", maxTotal: 5, maxIdle: 9 } } },
      "dataSources.jdbc/a: got minIdle 0, maxIdle 9, maxTotal 5. Allowed: each at most the next one",
    );
    const application = { war: "a", sha256: one };
    for (const [setting, more] of [
      ["first", { first: true }],
      ["files", { files: { "WEB-INF/web.xml": "<web-app/>" } }],
    ] as const) {
      const applications = { "/": application, "/shop": { ...application, ...more } };
      assert.deepEqual((await check(args(applications))).reasons, [
        `applications: ${setting} of "/shop" takes a restart, and deploy is "parallel". Fix: say deploy: "restart"`,
      ]);
      assert.deepEqual((await check(args(applications, { deploy: "restart" }))).reasons, []);
    }
    assert.deepEqual((await check(args({ shop: application }))).reasons, [
      'applications.shop: "shop" is not a path of an application. Allowed: "/", or e.g. "/shop"',
    ]);
  });
});
