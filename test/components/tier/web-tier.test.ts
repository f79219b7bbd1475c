import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { assertAccepted, computeOutputs, computes, find, ofKind, run, tree, valueOf } from "../mocks";
import { KvmHost, WebTier, type WebTierArgs } from "../../../components";

describe("WebTier", () => {
  let folder: string;

  before(() => {
    computeOutputs();
    computes("WebServer", () => ({ health: "healthy" }));
    computes("SelfSignedCertificate", () => ({ certificate: "made certificate", key: pulumi.secret("made key") }));
    computes("AcmeAccount", () => ({ key: pulumi.secret("made account"), thumbprint: "t".repeat(43) }));
    folder = mkdtempSync(join(tmpdir(), "kvm-site-"));
    writeFileSync(join(folder, "index.html"), "page");
  });

  after(() => rmSync(folder, { recursive: true }));

  const tier = (more: Partial<WebTierArgs> = {}) => {
    const host = new KvmHost("kvm1", { networks: { lab: { ipv4: "192.168.150.0/24" } } });
    const sites = { "www.example.org": { root: folder } };
    return new WebTier("web", { host, kind: "lxc", network: "lab", sites, ...more });
  };

  it("has servers of both kinds in turn, on one image", async () => {
    const made = await run(() => tier({ server: ["nginx", "apache"], count: 3 }));
    assertAccepted(made);
    assert.deepEqual(
      ofKind("WebServer", made).map(({ inputs }) => inputs["server"]),
      ["nginx", "apache", "nginx"],
    );
    const [image, ...others] = ofKind("BootstrapImage", made).filter((each) => each.inputs["packages"]);
    assert.deepEqual(others, []);
    assert.deepEqual(image!.inputs["packages"], ["apache2", "curl", "logrotate", "nginx-light"]);
    assert.deepEqual(image!.inputs["services"], { nginx: false, apache2: false });
  });

  it("is guests with one web server each, of the same configuration", async () => {
    let web!: WebTier;
    const made = await run(() => (web = tier()));
    assertAccepted(made);
    assert.deepEqual(
      tree(made).filter((line) => /WebServer|Domain|RootFilesystem/.test(line)),
      [
        "Guest web-1 > Domain web-1",
        "Guest web-1 > RootFilesystem web-1-root",
        "Guest web-2 > Domain web-2",
        "Guest web-2 > RootFilesystem web-2-root",
        "WebTier web > WebServer web-1",
        "WebTier web > WebServer web-2",
      ],
    );
    const { inputs, dependencies } = find("WebServer", "web-2", made);
    assert.equal(inputs["name"], "web");
    assert.equal(inputs["machine"].name, "web-2");
    assert.match(inputs["sites"]["www.example.org"].content, /^[0-9a-f]{16}$/);
    assert.match(inputs["disk"], /kvm1-directory-curl-logrotate-nginx-light/);
    assert.ok(dependencies.includes("WebServer web-1"));
    const [image] = ofKind("BootstrapImage", made).filter((each) => each.inputs["packages"]);
    assert.match(image!.name, /^kvm1-directory-curl-logrotate-nginx-light-[0-9a-f]{8}$/);
    assert.deepEqual(image!.inputs["packages"], ["curl", "logrotate", "nginx-light"]);
    assert.deepEqual(image!.inputs["services"], { nginx: false });
    assert.equal(find("Domain", "web-1", made).inputs["disruption"], "replace");
    assert.equal(await valueOf(web.url), "http://192.168.122.10/");
    assert.deepEqual(await valueOf(web.health), { "web-1": "healthy", "web-2": "healthy" });
    assert.deepEqual((await valueOf(web.members))[1], {
      name: "web-2",
      address: "192.168.122.10",
      port: 80,
      protocol: "http",
      ipv4: "192.168.122.10",
    });
  });

  it("hands requests on to another tier once that serves, and to URLs", async () => {
    const made = await run(() => {
      const back = tier({ http: 8080, count: 1 });
      new WebTier("front", {
        machines: [{ machine: { kind: "ssh", host: "front" }, address: "192.0.2.9" }],
        sites: {
          "www.example.org": {
            proxy: {
              "/shop": back,
              "/api": { to: ["http://192.0.2.1:9000/v1", "http://[2001:db8::1]:9000/v1"], balance: "leastconn" },
              "/": "https://other.example.org",
            },
          },
        },
      });
    });
    assertAccepted(made);
    const { inputs, dependencies } = find("WebServer", "front-1", made);
    assert.ok(dependencies.includes("WebServer web-1"));
    const { proxy } = inputs["sites"]["www.example.org"];
    assert.deepEqual(proxy["/shop"], {
      to: [{ name: "web-1", address: "192.168.122.10", port: 8080, protocol: "http" }],
    });
    assert.equal(proxy["/api"].path, "/v1");
    assert.deepEqual(proxy["/api"].to[1], {
      name: "2001_db8__1-9000",
      address: "2001:db8::1",
      port: 9000,
      protocol: "http",
    });
    assert.deepEqual(proxy["/"].to[0].port, 443);
  });

  it("keeps keys and passwords apart, as secrets", async () => {
    const made = await run(() =>
      tier({
        sites: {
          "www.example.org": {
            root: folder,
            tls: { certificate: "certificate", key: pulumi.secret("key"), hsts: "180d" },
            auth: { users: { ann: pulumi.secret("word") }, paths: ["/admin"] },
          },
        },
      }),
    );
    const [server] = ofKind("WebServer", made);
    assert.deepEqual(server!.secretFields, ["keys", "passwords"]);
    assert.deepEqual(server!.inputs["keys"], { "www.example.org": "key" });
    assert.deepEqual(server!.inputs["passwords"], { "www.example.org": { ann: "word" } });
    const { tls, auth } = server!.inputs["sites"]["www.example.org"];
    assert.deepEqual(
      [tls, auth],
      [
        { certificate: "certificate", hsts: "180d" },
        { paths: ["/admin"], users: ["ann"] },
      ],
    );
    assertAccepted(made);
  });

  it("makes a certificate for all its members where it is asked to", async () => {
    let web!: WebTier;
    const made = await run(() => {
      web = tier({ sites: { "www.example.org": { root: folder, aliases: ["example.org"], tls: "generated" } } });
    });
    assertAccepted(made);
    assert.deepEqual(find("SelfSignedCertificate", "web-www.example.org", made).inputs["names"], [
      "www.example.org",
      "example.org",
    ]);
    for (const { inputs, secretFields } of ofKind("WebServer", made)) {
      assert.deepEqual(inputs["keys"], { "www.example.org": "made key" });
      assert.equal(inputs["sites"]["www.example.org"].tls.certificate, "made certificate");
      assert.deepEqual(secretFields, ["keys"]);
    }
    assert.equal(await valueOf(web.certificates["www.example.org"]!), "made certificate");
    assert.equal(await valueOf(web.url), "https://192.168.122.10/");
  });

  it("has certificates issued for each of its members, which all answer for one account", async () => {
    const made = await run(() =>
      tier({
        server: ["nginx", "apache"],
        acme: { acceptTerms: true, email: "ops@example.org" },
        sites: {
          "www.example.org": { root: folder, aliases: ["example.org"], tls: { acme: true, hsts: "180d" } },
          "shop.example.org": { root: folder, tls: "acme" },
          "plain.example.org": { root: folder },
        },
      }),
    );
    assertAccepted(made);
    assert.equal(ofKind("AcmeAccount", made).length, 1);
    for (const { inputs } of ofKind("WebServer", made)) {
      const { tls } = inputs["sites"]["www.example.org"];
      assert.deepEqual(tls, { acme: "t".repeat(43), hsts: "180d" });
    }
    const [first, second] = ofKind("AcmeClient", made);
    assert.deepEqual(first!.inputs["reload"], ["nginx", "-s", "reload"]);
    assert.deepEqual(second!.inputs["reload"], ["apache2ctl", "graceful"]);
    assert.deepEqual(second!.inputs["certificates"], {
      "www.example.org": ["www.example.org", "example.org"],
      "shop.example.org": ["shop.example.org"],
    });
    assert.deepEqual(second!.secretFields, ["accountKey"]);
    assert.equal(second!.inputs["name"], "web");
    const [image] = ofKind("BootstrapImage", made).filter((each) => each.inputs["packages"]);
    assert.ok(image!.inputs["packages"].includes("dehydrated"));
  });

  it("refuses what it does not know", async () => {
    const refused = (args: object, message: string) =>
      assert.rejects(
        run(() => tier(args)),
        (error: Error) => {
          assert.equal(error.message.replace(/ \(looked in .*/, ""), message);
          return true;
        },
      );
    await refused(
      { site: {} },
      `WebTier web: unknown field "site"; did you mean "sites"? Allowed: host, image, count, kind, memory, network, nics, guest, machines, maxUnavailable, server, sites, defaultSite, http, https, healthPath, status, trustedProxies, logs, keepReleases, drain, timeout, acme`,
    );
    await refused(
      { sites: { a: { tls: { key: "k" } } } },
      "WebTier web: sites.a.tls: certificate and key go together. Fix: give both, or neither for one that is made",
    );
    await refused(
      { sites: { a: { tls: "acme" } } },
      "WebTier web: sites.a.tls: nobody is named who issues its certificate. Fix: say acme: { acceptTerms: true } of the tier",
    );
    await refused(
      { acme: { acceptTerms: false as true }, sites: { a: { tls: "acme" } } },
      "WebTier web: acme.acceptTerms: got false. Allowed: true, once you agree to the authority's terms of service",
    );
    await refused(
      { acme: { acceptTerms: true }, sites: { a: { tls: { acme: true, certificate: "c", key: "k" } } } },
      "WebTier web: sites.a.tls: acme has a certificate issued, and one is given. Fix: leave one of them out",
    );
    await refused({ server: "iis" }, 'WebTier web: server: got "iis". Allowed: "nginx", "apache", or a list of them');
    await refused({ server: [] }, 'WebTier web: server: got []. Allowed: "nginx", "apache", or a list of them');
    await refused(
      { sites: { a: { proxy: { "/": "ftp://a" } } } },
      'WebTier web: sites.a.proxy./: "ftp://a" has the scheme ftp. Allowed: a tier, or URLs such as "http://192.0.2.1:8080"',
    );
    await refused(
      { sites: { a: { proxy: { "/": ["http://a/x", "http://b"] } } } },
      'WebTier web: sites.a.proxy./: the URLs have different paths, "/x" and "/". Allowed: the same',
    );
    await refused({ sites: { a: { root: "/none" } } }, "WebServer web-1: a: folder /none does not exist");
  });
});
