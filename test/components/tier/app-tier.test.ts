import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertAccepted, computeOutputs, computes, find, ofKind, run, tree, valueOf } from "../mocks";
import { AppTier, KvmHost, WebTier, type AppTierArgs } from "../../../components";

describe("AppTier", () => {
  let folder: string;
  let shop: string;

  before(() => {
    computeOutputs();
    computes("AppServer", () => ({ health: "healthy" }));
    computes("WildFlyServer", ({ connectors = [{ port: 8080 }] }) => ({ health: "healthy", port: connectors[0].port }));
    computes("TomcatServer", ({ connectors = [{ port: 8080 }], versions }) => ({
      health: "healthy",
      port: connectors[0].port,
      versions: versions ?? { "/shop": 7 },
    }));
    folder = mkdtempSync(join(tmpdir(), "kvm-wars-"));
    shop = join(folder, "shop.war");
    writeFileSync(shop, "archive");
  });

  after(() => rmSync(folder, { recursive: true }));

  const nics = (number: number) => [{ network: "lab", ipv4: `192.168.150.${20 + number}` }];
  const tier = (more: Partial<AppTierArgs> = {}) => {
    const host = new KvmHost("kvm1", { networks: { lab: { ipv4: "192.168.150.0/24" } } });
    return new AppTier("app", { host, kind: "lxc", applications: { "/shop": shop }, ...more });
  };
  const programs = (more: Partial<AppTierArgs>) => {
    const host = new KvmHost("kvm1", { networks: { lab: { ipv4: "192.168.150.0/24" } } });
    return new AppTier("api", { host, kind: "lxc", network: "lab", source: folder, ...more });
  };
  const refused = (more: object, message: string) =>
    assert.rejects(
      run(() => tier(more)),
      { message: `AppTier app: ${message}` },
    );

  it("is guests with a Tomcat each, which keep the sessions of all", async () => {
    let app!: AppTier;
    const made = await run(() => (app = tier({ nics })));
    assertAccepted(made);
    assert.deepEqual(
      tree(made).filter((line) => /TomcatServer|Domain/.test(line)),
      [
        "AppTier app > TomcatServer app-1",
        "AppTier app > TomcatServer app-2",
        "Guest app-1 > Domain app-1",
        "Guest app-2 > Domain app-2",
      ],
    );
    const [first, second] = [find("TomcatServer", "app-1", made), find("TomcatServer", "app-2", made)];
    assert.deepEqual(first.inputs["cluster"], {
      address: "192.168.150.21",
      port: 4000,
      members: [
        { name: "app-1", address: "192.168.150.21", port: 4000 },
        { name: "app-2", address: "192.168.150.22", port: 4000 },
      ],
    });
    assert.equal(first.inputs["versions"], undefined);
    assert.deepEqual(second.inputs["versions"], { "/shop": 7 });
    assert.equal(second.inputs["cluster"].address, "192.168.150.22");
    assert.equal(second.inputs["route"], "app-2");
    assert.equal(second.inputs["name"], "app");
    assert.equal(second.inputs["applications"]["/shop"].sha256.length, 64);
    assert.ok(second.dependencies.includes("TomcatServer app-1"));
    assert.deepEqual(find("BootstrapImage", "kvm1-directory-tomcat10", made).inputs["packages"], ["tomcat10"]);
    assert.deepEqual(await valueOf(app.urls), ["http://192.168.150.21:8080/", "http://192.168.150.22:8080/"]);
    assert.deepEqual(await valueOf(app.health), { "app-1": "healthy", "app-2": "healthy" });
  });

  it("is guests with a WildFly each, which keep the sessions of all", async () => {
    let app!: AppTier;
    const dataSources = {
      "jdbc/shop": { url: "jdbc:postgresql://192.168.150.10/shop", username: "shop", password: "secret", xa: true },
    };
    const made = await run(() => {
      app = tier({ server: "jboss", nics, dataSources, heap: { maximum: "1GiB" }, transactionTimeout: "1m" });
    });
    assertAccepted(made);
    const [first, second] = [find("WildFlyServer", "app-1", made), find("WildFlyServer", "app-2", made)];
    assert.deepEqual(first.inputs["cluster"], {
      address: "192.168.150.21",
      port: 7600,
      members: [
        { name: "app-1", address: "192.168.150.21", port: 7600 },
        { name: "app-2", address: "192.168.150.22", port: 7600 },
      ],
    });
    assert.equal(second.inputs["cluster"].address, "192.168.150.22");
    const { name, route, heap, transactionTimeout, applications, passwords } = second.inputs;
    assert.deepEqual([name, route, heap, transactionTimeout], ["app", "app-2", { maximum: "1GiB" }, "1m"]);
    assert.equal(applications["/shop"].sha256.length, 64);
    assert.equal(second.inputs["dataSources"]["jdbc/shop"].xa, true);
    assert.equal(second.inputs["dataSources"]["jdbc/shop"].password, undefined);
    assert.deepEqual(passwords, { "jdbc/shop": "secret" });
    assert.ok(second.dependencies.includes("WildFlyServer app-1"));
    const image = find("BootstrapImage", "kvm1-directory-default-jre-headless-libpostgresql-jdbc-java", made);
    assert.deepEqual(image.inputs["packages"], ["default-jre-headless", "libpostgresql-jdbc-java"]);
    assert.deepEqual(await valueOf(app.urls), ["http://192.168.150.21:8080/", "http://192.168.150.22:8080/"]);
    assert.deepEqual(await valueOf(app.health), { "app-1": "healthy", "app-2": "healthy" });
  });

  it("keeps sessions of WildFlys apart where there is one, or it is told to", async () => {
    for (const more of [{ network: "lab" }, { nics, sessions: "local" as const }, { nics, count: 1 }]) {
      const made = await run(() => tier({ server: "jboss", ...more }));
      assertAccepted(made);
      assert.ok(ofKind("WildFlyServer", made).every(({ inputs }) => inputs["cluster"] === undefined));
    }
  });

  it("is what a web tier hands requests on to", async () => {
    const made = await run(() => {
      const host = new KvmHost("kvm2", { networks: { lab: { ipv4: "192.168.151.0/24" } } });
      const app = tier({ nics, connectors: [{ port: 8081 }] });
      new WebTier("web", {
        host,
        kind: "lxc",
        network: "lab",
        sites: { "www.example.org": { proxy: { "/shop": app } } },
      });
    });
    assertAccepted(made);
    assert.deepEqual(find("WebServer", "web-1", made).inputs["sites"]["www.example.org"].proxy["/shop"].to, [
      { name: "app-1", address: "192.168.150.21", port: 8081, protocol: "http" },
      { name: "app-2", address: "192.168.150.22", port: 8081, protocol: "http" },
    ]);
  });

  it("is programs of Node.js, Python, or any other, from a folder", async () => {
    for (const [more, command, image] of [
      [{ server: "node" }, ["/usr/bin/node", "server.js"], "kvm1-directory-nodejs"],
      [{ server: "python", main: "app.py" }, ["/usr/bin/python3", "app.py"], "kvm1-directory-python3"],
      [{ server: "command", command: ["./server", "-q"] }, ["./server", "-q"], "kvm1-directory"],
    ] as const) {
      let api!: AppTier;
      const made = await run(() => {
        api = programs({ ...(more as object), port: 3000, environment: { MOTTO: "a" }, healthPath: "/well" });
      });
      assertAccepted(made);
      const { inputs, dependencies } = find("AppServer", "api-2", made);
      assert.deepEqual(inputs["command"], command);
      assert.deepEqual([inputs["port"], inputs["healthPath"], inputs["name"]], [3000, "/well", "api"]);
      assert.equal(inputs["content"].length, 16);
      assert.ok(dependencies.includes("AppServer api-1"));
      find("BootstrapImage", image, made);
      assert.deepEqual(await valueOf(api.urls), ["http://192.168.122.10:3000/", "http://192.168.122.10:3000/"]);
    }
  });

  it("keeps sessions apart where it does not know its addresses before, or is told to", async () => {
    for (const more of [{ network: "lab" }, { nics, sessions: "local" as const }, { nics, count: 1 }]) {
      const made = await run(() => tier(more));
      assertAccepted(made);
      assert.ok(ofKind("TomcatServer", made).every(({ inputs }) => inputs["cluster"] === undefined));
    }
  });

  it("has what its applications need", async () => {
    const dataSources = { "jdbc/shop": { url: "jdbc:postgresql://192.168.150.10/shop", password: "secret" } };
    const made = await run(() => tier({ nics, applications: { "/": { war: shop, javax: true } }, dataSources }));
    assertAccepted(made);
    const image = find(
      "BootstrapImage",
      "kvm1-directory-libpostgresql-jdbc-java-tomcat-jakartaee-migration-tomcat10",
      made,
    );
    assert.equal(image.inputs["packages"].length, 3);
  });

  it("refuses what it cannot do", async () => {
    await refused(
      { nics, server: "jetty" },
      'server: got "jetty". Allowed: "tomcat", "jboss", "node", "python" or "command"',
    );
    await refused(
      { nics, source: folder },
      'source is of server "node", "python" and "command", and server is "tomcat". Fix: leave one of them out',
    );
    await refused(
      { nics, transactionTimeout: "1m" },
      'transactionTimeout is of server "jboss", and server is "tomcat". Fix: leave one of them out',
    );
    await refused(
      { nics, server: "jboss", jmx: 9010 },
      'jmx is of server "tomcat", and server is "jboss". Fix: leave one of them out',
    );
    await refused(
      { nics, dataSources: { "jdbc/shop": { url: "jdbc:postgresql://db/shop", xa: true } } },
      'dataSources.jdbc/shop.xa is of server "jboss", and server is "tomcat". Fix: leave one of them out',
    );
    await assert.rejects(
      run(() => programs({ server: "command" })),
      { message: 'AppTier api: command is required. Allowed: a list of words, e.g. ["./server"]' },
    );
    await assert.rejects(
      run(() => programs({ server: "node", heap: {} })),
      {
        message:
          'AppTier api: heap is of server "tomcat" and "jboss", and server is "node". Fix: leave one of them out',
      },
    );
    await refused({ nics, sessions: "database" }, 'sessions: got "database". Allowed: "cluster" or "local"');
    await refused(
      { network: "lab", sessions: "cluster" },
      'sessions: a cluster has to know the addresses of all its guests before they are there. Fix: give them nics with ipv4 or addresses, e.g. nics: (number) => [{ network: "lab", ipv4: `192.168.150.${20 + number}` }]; or sessions: "local"',
    );
    await assert.rejects(
      run(() => tier({ nics, applications: { "/shop": join(folder, "none.war") } })),
      /TomcatServer app-1: .*none\.war of \/shop does not exist/,
    );
  });
});
