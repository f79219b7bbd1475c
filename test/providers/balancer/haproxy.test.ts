import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { haproxyFiles, withoutStates } from "../../../providers/balancer/haproxy";
import { healthOf, runningMembers, stateCommands, strayed } from "../../../providers/balancer/haproxy-runtime";
import { haproxyServerSchema, type HaproxyServerInputs } from "../../../providers/schema/haproxy-server";

const golden = (name: string, text: string) => {
  const path = join(__dirname, "golden", name);
  if (process.env["UPDATE_GOLDEN"]) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, "utf8"));
};

const member = (name: string, more: object = {}) => ({ name, address: "192.0.2.51", port: 8080, ...more });
const base = { machine: { kind: "local" }, name: "lb" };
const parsed = (farms: object, more: object = {}) =>
  v.parse(haproxyServerSchema, { ...base, farms, ...more }) as HaproxyServerInputs;
const files = (inputs: HaproxyServerInputs, ipv6 = true) =>
  haproxyFiles({ inputs, folder: "/etc/pulumi-kvm/haproxy-lb/generations/g", generation: "g", ipv6 });

describe("HAProxy's configuration", () => {
  it("is short where little is said", () => {
    golden(
      "minimal.cfg",
      files(parsed({ www: { port: 80, members: [member("web-1")] } }), false)["haproxy.cfg"]!.content,
    );
  });

  it("has farms of every kind", () => {
    const inputs = parsed(
      {
        www: {
          port: 443,
          addresses: ["192.0.2.40", "2001:db8::40"],
          tls: { certificate: "CERTIFICATE", redirect: 80, hsts: "180d" },
          balance: "sticky",
          allow: ["192.0.2.0/24"],
          maxConnections: 1000,
          proxyProtocol: { accept: true, send: "v2" },
          check: { type: "http", path: "/.health", host: "www.example.org", status: "200", interval: "1s" },
          rules: [
            { hosts: ["api.example.org", "*.api.example.org"], path: "/v1", farm: "api" },
            { path: "/static/", farm: "api" },
          ],
          members: [
            member("web-1", { weight: 3, maxConnections: 50 }),
            member("web-2", { address: "2001:db8::52", state: "drain" }),
            member("web-3", { state: "maintenance" }),
            member("old", { backup: true }),
          ],
        },
        api: { members: [member("api-1", { protocol: "https" })], ca: "CA", balance: "leastconn", retries: 0 },
        ldap: { mode: "tcp", port: 389, balance: "source", check: { type: "ldap" }, members: [member("ldap-1")] },
        smtp: {
          mode: "tcp",
          port: 25,
          check: { type: "smtp" },
          members: [member("mx-1")],
          proxyProtocol: { send: "v1" },
        },
        imap: { mode: "tcp", port: 143, check: { type: "imap", port: 144 }, members: [member("imap-1")] },
        pop3: { mode: "tcp", port: 110, check: { type: "pop3" }, members: [member("pop3-1")] },
        any: { mode: "tcp", port: 9000, check: { type: "none" }, members: [member("any-1")], allow: ["192.0.2.1"] },
      },
      {
        keys: { www: "KEY" },
        password: "word",
        stats: { addresses: ["192.0.2.41"] },
        metrics: { allow: ["192.0.2.9"] },
        log: "/dev/log",
        maxConnections: 20_000,
      },
    );
    const made = files(inputs);
    golden("all.cfg", made["haproxy.cfg"]!.content);
    assert.deepEqual(made["certificates/www.pem"], { content: "CERTIFICATE\nKEY\n", mode: 0o600 });
    assert.equal(made["haproxy.cfg"]!.mode, 0o600);
  });

  it("differs by states and weights only where a running HAProxy can be told", () => {
    const one = parsed({ www: { port: 80, members: [member("a", { state: "drain" }), member("b", { weight: 5 })] } });
    const other = parsed({ www: { port: 80, members: [member("a"), member("b", { state: "maintenance" })] } });
    assert.deepEqual(files(withoutStates(one)), files(withoutStates(other)));
  });
});

describe("HAProxy's runtime socket", () => {
  const said = [
    "1",
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight",
    "3 www 1 a 192.0.2.51 2 0 1 1",
    "3 www 2 b 192.0.2.52 0 5 1 1",
    "3 www 3 c 192.0.2.53 2 8 2 1",
    "3 www 4 d 192.0.2.54 2 4 1 1",
    "",
    "# pxname,svname,qcur,status,",
    "www,FRONTEND,,OPEN,",
    "www,a,0,UP,",
    "www,b,0,MAINT,",
    "www,c,0,DRAIN,",
    "",
  ].join("\n");
  const running = runningMembers(said);

  it("tells the members' states", () => {
    assert.deepEqual(
      running.map(({ name, state, weight }) => [name, state, weight]),
      [
        ["a", "ready", 1],
        ["b", "maintenance", 1],
        ["c", "drain", 2],
        ["d", "ready", 1],
      ],
    );
    assert.deepEqual(healthOf(running), { www: { a: "UP", b: "MAINT", c: "DRAIN", d: "unknown" } });
  });

  it("is told only what differs", () => {
    const inputs = parsed({
      www: {
        port: 80,
        members: [
          member("a", { state: "drain" }),
          member("b", { weight: 4 }),
          member("c", { state: "drain" }),
          member("d", { weight: 2 }),
        ],
      },
    });
    assert.deepEqual(stateCommands(inputs, running), [
      "set server www/a state drain",
      "set server www/b weight 4",
      "set server www/b state ready",
      "set server www/d weight 2",
    ]);
    assert.deepEqual(strayed(inputs, running), ["www/a is ready", "www/b is in maintenance", "www/d has weight 1"]);
  });
});

describe("HaproxyServer's arguments", () => {
  const refused = (farms: object, message: string, more: object = {}) => {
    const { success, issues } = v.safeParse(haproxyServerSchema, { ...base, farms, ...more });
    assert.equal(success, false);
    assert.deepEqual(
      issues!.map((issue) => issue.message),
      [message],
    );
  };
  const www = { port: 80, members: [member("a")] };

  it("are refused where they cannot be, with the reason", () => {
    refused({}, "is empty. Allowed: one farm or more, by its name");
    refused({ www: { port: 80 } }, "has no members. Allowed: one or more, or rules that lead to other farms");
    refused(
      { www: { members: [member("a")] } },
      "farms.www: nothing leads to it. Fix: say port, or name it in the rules of a farm",
    );
    refused(
      { www, other: { ...www } },
      "farms.other.port: 80 is that of farms.www.port already. Fix: choose another port",
    );
    refused({ www: { ...www, members: [member("a"), member("a")] } }, "two members have the same name");
    refused(
      { www: { ...www, members: [member("a", { backup: true })] } },
      "all members are for backup. Fix: leave backup out of one",
    );
    refused(
      { www: { ...www, mode: "tcp", balance: "sticky" } },
      'balance "sticky" is a cookie, and mode is "tcp". Allowed: "roundrobin", "leastconn" or "source"',
    );
    refused(
      { www: { ...www, rules: [{ path: "/x", farm: "none" }] } },
      'farms.www.rules: "none" is no farm with members and mode "http". Allowed: www',
    );
    refused({ www }, "stats.password is required: the page shows who is served by what. Fix: give one", { stats: {} });
    refused(
      { www: { ...www, members: [member('a" b')] } },
      '"a\\" b" is not a name. Allowed: letters, digits and . _ -, at most 63 of them',
    );
    refused({ "w w": www }, '"w w" is not a name. Allowed: letters, digits and . _ -, at most 63 of them');
    refused(
      { www: { ...www, check: { path: "/x\n  bind :1" } } },
      '"/x\\n  bind :1" is not a path. Allowed: "/", then letters, digits and . _ ~ % ! & + , = : @ - between slashes',
    );
  });
});
