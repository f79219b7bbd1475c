import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { webServerSchema } from "../../../providers/schema/web-server";
import { certificateProblems } from "../../../providers/web-server/certificate";
import { bySpecificity, variableName, type WebServerModel } from "../../../providers/web-server/model";
import { serverKinds } from "../../../providers/web-server/server-kind";
import { sha512Crypt } from "../../../providers/web-server/sha512-crypt";

const member = (name: string, address: string) => ({ name, address, port: 8080 });

/** Every option once. */
const everything = {
  machine: { kind: "local" },
  name: "web",
  defaultSite: "www.example.org",
  status: ["127.0.0.1"],
  trustedProxies: ["192.168.155.0/24"],
  logs: { format: "json", rotate: "weekly", keep: 4 },
  sites: {
    "www.example.org": {
      aliases: ["example.org"],
      root: "./site",
      content: "0123456789abcdef",
      redirects: { "/old": "/new", "/docs/*": { to: "https://docs.example.org/*", status: 308 } },
      rewrites: { "/v1/*": "/*" },
      proxy: {
        "/shop": {
          to: [member("app-1", "192.0.2.1"), member("app-2", "2001:db8::2")],
          balance: "sticky",
          pause: "10s",
        },
        "/api": {
          to: [{ ...member("api", "api.example.org"), weight: 2 }],
          path: "/v2",
          balance: "leastconn",
          timeout: "5m",
        },
      },
      cache: { valid: "10m", purge: "1" },
      expires: { "/assets/*": "30d", "/assets/index.js": "1m" },
      headers: { "X-Frame-Options": "DENY" },
      errorPages: { "404": "/404.html", "502": "<p>soon</p>" },
      tls: { certificate: "CERTIFICATE", hsts: "180d" },
      auth: { users: ["ann"], paths: ["/admin"] },
      maxBody: "1MiB",
      raw: "# by hand",
    },
    "*.example.net": { allow: ["192.168.155.0/24"], compression: false },
  },
  keys: { "www.example.org": "KEY" },
  passwords: { "www.example.org": { ann: "password" } },
};

function model(server: "nginx" | "apache", more: object = {}): WebServerModel {
  return {
    inputs: v.parse(webServerSchema, { ...everything, server, ...more }),
    folder: "/etc/pulumi-kvm/web/generations/G",
    generation: "G",
    user: "www-data",
    ipv6: true,
    version: [1, 22, 1],
  };
}

for (const server of ["nginx", "apache"] as const)
  describe(`${server}'s configuration`, () => {
    const files = serverKinds[server].files(model(server));

    it("is as written down", () => {
      const golden = join(__dirname, `${serverKinds[server].own}`);
      const { content } = files[serverKinds[server].own]!;
      if (!existsSync(golden)) writeFileSync(golden, content);
      assert.equal(content, readFileSync(golden, "utf8"));
    });

    it("has its secrets in files that nobody else reads", () => {
      assert.deepEqual(files["certificates/www.example.org.key"], { content: "KEY", mode: 0o600 });
      const { content, mode, group } = files["passwords/www.example.org"]!;
      assert.deepEqual([mode, group], [0o640, "www-data"]);
      assert.match(content, /^ann:\$6\$[./A-Za-z0-9]{16}\$[./A-Za-z0-9]{86}\n$/);
      assert.equal(files["errors/www.example.org-502.html"]!.content, "<p>soon</p>");
    });

    it("changes with the declaration only", () => {
      assert.deepEqual(serverKinds[server].files(model(server)), files);
      const other = serverKinds[server].files(model(server, { http: 8080 }));
      assert.notEqual(other[serverKinds[server].own]!.content, files[serverKinds[server].own]!.content);
    });
  });

describe("what configurations are made of", () => {
  it("is hashed as crypt does", () => {
    // The first vector of https://www.akkadia.org/drepper/SHA-crypt.txt.
    const hash = "svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
    assert.equal(sha512Crypt("Hello world!", "saltstring"), `$6$saltstring$${hash}`);
  });

  it("has the closest path first", () => {
    const paths = bySpecificity({ "/a/*": 1, "/a/b/*": 2, "/a/b": 3, "/*": 4 }).map(([path]) => path);
    assert.deepEqual(paths, ["/a/b", "/a/b/*", "/a/*", "/*"]);
  });

  it("has names that no two sites share", () => {
    assert.notEqual(variableName("a-b.example.org"), variableName("a.b.example.org"));
    assert.match(variableName("*.example.org"), /^[a-z0-9_]+$/);
  });

  it("is not a certificate that is none", () => {
    assert.deepEqual(certificateProblems(["a"], "no", "no"), [
      "certificate is not one. Allowed: PEM, -----BEGIN CERTIFICATE-----, with its chain after it",
    ]);
    const told = (key: string | undefined, now: string) =>
      certificateProblems(["www.example.org"], certificate, key, new Date(now)).map(
        (problem) => problem.split(". Fix")[0],
      );
    assert.deepEqual(told(undefined, "2027-06-01"), [
      "key is required. Allowed: PEM, the private key of the certificate, not encrypted",
    ]);
    assert.deepEqual(told("no", "2099-01-01"), [
      `certificate expired on ${ends}`,
      "key is not one. Allowed: PEM, the private key of the certificate, not encrypted",
    ]);
    assert.match(told("no", "2020-01-01")[0]!, /^certificate is not valid before \d{4}-\d\d-\d\d$/);
  });
});

const ends = "2036-11-23";
const certificate = `-----BEGIN CERTIFICATE-----
MIIBpjCCAUugAwIBAgIUDMhyiYtkDmr77kHbkLQo/B+imjEwCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPd3d3LmV4YW1wbGUub3JnMB4XDTI2MTEyNjAyMzczNFoXDTM2
MTEyMzAyMzczNFowGjEYMBYGA1UEAwwPd3d3LmV4YW1wbGUub3JnMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEdeeKQd5cHyr6J2olwxKMzaGigWTaYtSqQkn2yyWc
WsUK1FpxYz41LT4GcB9C+DkT02LgxMUPvh9csoeki/LLMaNvMG0wHQYDVR0OBBYE
FFZYor+omE3oQ7lHxGzX/PQs1r+nMB8GA1UdIwQYMBaAFFZYor+omE3oQ7lHxGzX
/PQs1r+nMA8GA1UdEwEB/wQFMAMBAf8wGgYDVR0RBBMwEYIPd3d3LmV4YW1wbGUu
b3JnMAoGCCqGSM49BAMCA0kAMEYCIQC+dkZD5I/Uhn3ewweFqZEnrLgxeV303hT2
39TU76Dx9wIhAMico2TaIcC0oYK04otvsnGk0TyPd3FUkWZUli26nnjP
-----END CERTIFICATE-----`;
