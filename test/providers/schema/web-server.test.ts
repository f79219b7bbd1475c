import assert from "node:assert/strict";
import * as v from "valibot";
import { webServerSchema } from "../../../providers/schema/web-server";

function complaints(site: object, more: object = {}): string[] {
  const given = { machine: { kind: "local" }, name: "www", sites: { "www.example.org": site }, ...more };
  return (v.safeParse(webServerSchema, given).issues ?? []).map((issue) =>
    [v.getDotPath(issue), issue.message].filter(Boolean).join(": "),
  );
}

const local = { name: "a", address: "127.0.0.1", port: 80 };

const refused: [site: object, complaint: string, more?: object][] = [
  [
    { redirects: { 'a"; }': "/" } },
    'sites.www.example.org.redirects.a"; }: "a\\"; }" is not a path or a beginning of paths. Allowed: "/old", or "/docs/*" for all below; letters, digits and . _ ~ % ! & + , = : @ - between slashes',
  ],
  [
    { redirects: { "/a": "/$scheme" } },
    'sites.www.example.org.redirects./a: "/$scheme" is not a place to go to. Allowed: "/new", "https://www.example.org/", and "*" at the end for the rest of the path',
  ],
  [
    { headers: { "X-A": 'b";\nc' } },
    'sites.www.example.org.headers.X-A: "b\\";\\nc" is not a header\'s value. Allowed: one line without " \\ $ and %',
  ],
  [
    { proxy: { "/": { to: [] } } },
    "sites.www.example.org.proxy./.to: is empty. Allowed: the servers that requests are handed on to",
  ],
  [{ proxy: { "/": { to: [local, local] } } }, "sites.www.example.org.proxy./: two servers have the same name"],
  [
    { proxy: { "/": { to: [local, { ...local, name: "b", protocol: "https" }] } } },
    "sites.www.example.org.proxy./: some servers speak http and some https. Allowed: the same for all of one path",
  ],
  [
    { proxy: { "/a": { to: [local], balance: "sticky", path: "/b" } } },
    "sites.www.example.org.proxy./a: path cannot be changed where balance is sticky. Fix: leave one of them out, or serve the path there under its own name",
  ],
  [
    { root: "./site", proxy: { "/": { to: [local] } } },
    'sites.www.example.org: proxy "/" takes every request, and root none. Fix: leave one of them out, or name the paths that are handed on',
  ],
  [
    { fallback: "/index.html" },
    "sites.www.example.org: fallback is a file of root, and there is none. Fix: leave it out",
  ],
  [
    { cache: {} },
    "sites.www.example.org: cache keeps what proxy hands on, and there is none. Fix: leave it out; for browsers' caches say expires",
  ],
  [
    { limits: { requests: "fast" } },
    'sites.www.example.org.limits.requests: "fast" is not a rate. Allowed: requests a second or minute, e.g. "10/s" or "30/m"',
  ],
  [
    { allow: ["lan"] },
    'sites.www.example.org.allow.0: "lan" is no address and no subnet. Allowed: e.g. "192.0.2.1", "192.168.155.0/24" or "2001:db8::/64"',
  ],
  [
    { errorPages: { 200: "/a" } },
    'sites.www.example.org.errorPages.200: "200" is not the status of an error. Allowed: 400 to 599',
  ],
  [
    { limits: { requests: "1/s" } },
    "sites: www.example.org: limits.requests is nginx's, Apache counts no client's. Fix: leave it out, or set server: \"nginx\"",
    { server: "apache" },
  ],
  [
    { proxy: { "/a": { to: [local], fails: 3 } } },
    "sites: www.example.org: proxy /a: fails: got 3. Allowed with Apache: 1, it counts no failures",
    { server: "apache" },
  ],
  [{}, "http and https are the same port. Fix: choose another for one of them", { http: 80, https: 80 }],
  [{}, "defaultSite is none of the sites. Allowed: the name of one of them", { defaultSite: "other.example.org" }],
  [
    { aliases: ["www.example.org"] },
    'sites: "www.example.org" is there twice, as a site or an alias. Fix: leave one out',
  ],
  [{}, "sites: is empty. Allowed: one site or more, by the name of its host", { sites: {} }],
];

describe("the schema of web servers", () => {
  for (const [site, complaint, more] of refused)
    it(`refuses ${JSON.stringify({ ...site, ...more })}`, () => assert.deepEqual(complaints(site, more), [complaint]));

  it("takes the shortest declaration, and its own answer again", () => {
    const given = {
      machine: { kind: "local" },
      name: "www",
      sites: { "WWW.example.org": { redirects: { "/a": "/b" } } },
    };
    const parsed = v.parse(webServerSchema, given);
    assert.deepEqual(parsed.sites["www.example.org"]!.redirects, { "/a": { to: "/b", status: 301 } });
    assert.deepEqual(v.parse(webServerSchema, parsed), parsed);
  });
});
