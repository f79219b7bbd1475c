import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BalancerLab } from "./balancer-lab";

const at = "192.168.155.41";
const host = (name: string, number: number, port: number, more: object = {}) => ({
  name,
  address: `192.168.155.5${number}`,
  port,
  ...more,
});

/** A server of one protocol; "deaf" accepts and says nothing. It tells the line of a PROXY protocol, where one comes. */
const speaker = `
const [protocol, address, port] = process.argv.slice(1);
process.title = "speaker-" + port;
const greetings = { smtp: "220 mx ESMTP\\r\\n", imap: "* OK IMAP4rev1\\r\\n", pop3: "+OK POP3\\r\\n" };
require("node:net").createServer((socket) => {
  socket.on("error", () => {});
  if (protocol === "deaf") return;
  if (greetings[protocol]) socket.write(greetings[protocol]);
  socket.on("data", (data) => {
    // RFC 4511: the answer to a bind, with success.
    if (protocol === "ldap") socket.write(Buffer.from("300c02010161070a010004000400", "hex"));
    if (protocol === "smtp") socket.write(/^QUIT/i.test(data) ? "221 bye\\r\\n" : "250 mx\\r\\n");
    if (protocol === "imap") socket.end("* BYE\\r\\na OK\\r\\n");
    if (protocol === "pop3") socket.end("+OK\\r\\n");
    if (protocol === "proxy") socket.end("seen " + data.toString().split("\\r\\n")[0] + "\\n");
  });
}).listen(Number(port), address);`;

describe("farms of a balancer in namespaces", function () {
  this.timeout(180_000);
  let lab: BalancerLab;
  const web = [host("web-1", 1, 8080), host("web-2", 2, 8080), host("web-3", 3, 8080)];

  before(async function () {
    lab = await BalancerLab.start(this);
    await lab.serve(...web);
  });

  after(async () => {
    await lab?.stop();
  });

  const up = (farms: object, more: object = {}) => lab.balancers[0].haproxy.up(lab.haproxyArgs(farms, more));
  const names = async (times: number, url: string, ...options: string[]) => {
    const found: string[] = [];
    for (let time = 0; time < times; time++) found.push((await lab.get(url, ...options)).split(" ")[0]!);
    return found;
  };
  const count = (list: string[], name: string) => list.filter((one) => one === name).length;
  const speak = async (protocol: string, number: number, port: number) => {
    lab.back.spawn([process.execPath, "-e", speaker, protocol, `192.168.155.5${number}`, String(port)]);
    await lab.back.run(["sh", "-c", 'until ss -ltn | grep -q ":$0 "; do sleep 0.05; done', String(port)]);
  };
  /** The health of the members, once each has been looked at. */
  const health = async (settled: (health: { [farm: string]: { [member: string]: string } }) => boolean) => {
    const { haproxy } = lab.balancers[0];
    for (let attempt = 0; attempt < 200; attempt++) {
      assert.deepEqual(await haproxy.refresh(), []);
      if (settled(haproxy.state["health"])) break;
    }
    return haproxy.state["health"];
  };

  it("hand requests on by host and path", async () => {
    await up({
      www: {
        port: 80,
        members: [web[0]],
        rules: [
          { hosts: ["api.example.org"], path: "/v1", farm: "api" },
          { hosts: ["*.shop.example.org"], farm: "shop" },
        ],
      },
      api: { members: [web[1]] },
      shop: { members: [web[2]] },
    });
    const by = async (name: string, path: string) => (await names(1, `http://${at}${path}`, "-H", `Host: ${name}`))[0];
    assert.equal(await by("api.example.org", "/v1"), "web-2");
    assert.equal(await by("API.example.org:80", "/v1/x"), "web-2");
    assert.equal(await by("api.example.org", "/v10"), "web-1");
    assert.equal(await by("a.shop.example.org", "/v1"), "web-3");
    assert.equal(await by("shop.example.org", "/"), "web-1");
  });

  it("keep a client to a member by a cookie, and spread by weight", async () => {
    await up({
      www: { port: 80, balance: "sticky", members: [{ ...web[0], weight: 3 }, web[1]] },
      other: { port: 81, members: web, balance: "source" },
    });
    const spread = await names(8, `http://${at}/`);
    assert.deepEqual([count(spread, "web-1"), count(spread, "web-2")], [6, 2]);
    for (const name of ["web-1", "web-2"])
      assert.deepEqual(new Set(await names(4, `http://${at}/`, "-b", `kvmmember=${name}`)), new Set([name]));
    assert.match(await lab.get(`http://${at}/`, "-i"), /set-cookie: kvmmember=web-[12]; path=\/; HttpOnly/i);
    assert.equal(new Set(await names(6, `http://${at}:81/`)).size, 1);
    // One that drains keeps those who are its own.
    await up({
      www: {
        port: 80,
        balance: "sticky",
        members: [
          { ...web[0], weight: 3 },
          { ...web[1], state: "drain" },
        ],
      },
      other: { port: 81, members: web, balance: "source" },
    });
    assert.deepEqual(new Set(await names(4, `http://${at}/`)), new Set(["web-1"]));
    assert.deepEqual(new Set(await names(2, `http://${at}/`, "-b", "kvmmember=web-2")), new Set(["web-2"]));
  });

  it("end TLS with a certificate, and send http there", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kvm-lb-"));
    try {
      const [key, certificate] = ["key.pem", "certificate.pem"].map((file) => join(folder, file)) as [string, string];
      const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=www.example.org"];
      execFileSync("openssl", [...request, "-keyout", key, "-out", certificate], { stdio: "ignore" });
      const read = (path: string) => readFileSync(path, "utf8");
      const farms = (pem: string) => ({
        www: { port: 443, members: [web[0]], tls: { certificate: pem, redirect: 80, hsts: "180d" } },
      });
      await up(farms(read(certificate)), { keys: { www: read(key) } });
      const answer = await lab.get(`https://${at}/x`, "-k", "-i", "-H", "Host: www.example.org");
      assert.match(answer, /^HTTP\/2 200/);
      assert.match(answer, /strict-transport-security: max-age=15552000/);
      assert.match(answer, /web-1 GET \/x www\.example\.org 192\.168\.155\.10 https$/);
      const redirected = await lab.get(`http://${at}/a?b=c`, "-i", "-H", "Host: www.example.org");
      assert.match(redirected, /^HTTP\/1\.1 301[^]*location: https:\/\/www\.example\.org\/a\?b=c/i);
      const mode = "stat -c '%a %U' /etc/pulumi-kvm/haproxy-lb/current/certificates/www.pem";
      assert.equal(lab.balancers[0].machine.say("sh", "-c", mode), "600 root\n");
      assert.deepEqual(await lab.balancers[0].haproxy.preview(lab.haproxyArgs(farms("x"), { keys: { www: "y" } })), [
        "HAProxy lb on this machine: farms.www.tls: certificate is not one. Allowed: PEM, -----BEGIN CERTIFICATE-----, with its chain after it",
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("ask LDAP, SMTP, IMAP and POP3 servers in their own words", async () => {
    const protocols = { ldap: 389, smtp: 25, imap: 143, pop3: 110 };
    for (const [protocol, port] of Object.entries(protocols)) {
      await speak(protocol, 1, port);
      await speak("deaf", 2, port);
    }
    const farms = Object.fromEntries(
      Object.entries(protocols).map(([protocol, port]) => [
        protocol,
        { mode: "tcp", port, check: { type: protocol }, members: [host("good", 1, port), host("deaf", 2, port)] },
      ]),
    );
    await up(farms);
    const wanted = Object.fromEntries(Object.keys(farms).map((name) => [name, { good: "UP", deaf: "DOWN" }]));
    const found = await health((seen) => JSON.stringify(seen).match(/"DOWN"/g)?.length === 4);
    assert.deepEqual(found, wanted);
    const greeting = await lab.client.run(["sh", "-c", "printf 'QUIT\\r\\n' | socat -t 3 - TCP:$0:25", at]);
    assert.match(greeting.stdout, /^220 mx ESMTP/);
  });

  it("tell members who the client is by the PROXY protocol, and hear it", async () => {
    await speak("proxy", 3, 9001);
    await up({
      out: {
        mode: "tcp",
        port: 9000,
        members: [host("a", 3, 9001)],
        check: { type: "none" },
        proxyProtocol: { send: "v1" },
      },
      in: { port: 80, members: [web[0]], proxyProtocol: { accept: true } },
    });
    const ask = (port: number, text: string) =>
      lab.client.run(["sh", "-c", `printf '${text}' | socat -t 3 - TCP:${at}:${port}`]);
    assert.match((await ask(9000, "x")).stdout, /^seen PROXY TCP4 192\.168\.155\.10 192\.168\.155\.41 \d+ 9000\n/);
    const header =
      "PROXY TCP4 203.0.113.7 192.0.2.1 1000 80\\r\\nGET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n";
    assert.match((await ask(80, header)).stdout, /web-1 GET \/ x 203\.0\.113\.7 http/);
  });

  it("ask backup members when no other is well, queue what a member cannot take, and let in who may", async () => {
    await up({
      spare: {
        port: 80,
        check: { type: "http" },
        members: [host("gone", 1, 9999), { ...web[1], backup: true }],
      },
      narrow: { port: 81, members: [{ ...web[2], maxConnections: 1 }], queue: "10s" },
      brief: { port: 82, members: [{ ...web[2], maxConnections: 1 }], queue: "100ms" },
      shut: { port: 83, members: [web[2]], allow: ["192.0.2.1"] },
    });
    await health((seen) => seen["spare"]?.["gone"] === "DOWN");
    assert.deepEqual(await names(2, `http://${at}/`), ["web-2", "web-2"]);
    const status = async (url: string) => (await lab.get(url, "-o", "/dev/null", "-w", "%{http_code}")).trim();
    const both = (port: number) =>
      Promise.all([1, 2].map(() => status(`http://${at}:${port}/?wait=700`))).then((all) => all.sort());
    assert.deepEqual(await both(81), ["200", "200"]);
    assert.deepEqual(await both(82), ["200", "503"]);
    assert.equal(await status(`http://${at}:83/`), "403");
  });

  it("are seen on the statistics page by those who know the password, and by Prometheus", async () => {
    await up(
      { www: { port: 80, members: web } },
      { stats: { addresses: [at] }, password: "word", metrics: { addresses: [at], allow: ["192.168.155.10"] } },
    );
    const status = (...options: string[]) =>
      lab.get(`http://${at}:8404/`, "-o", "/dev/null", "-w", "%{http_code}", ...options);
    assert.equal(await status(), "401");
    assert.equal(await status("-u", "admin:other"), "401");
    assert.equal(await status("-u", "admin:word"), "200");
    const metrics = await lab.get(`http://${at}:8405/metrics`);
    assert.match(metrics, /haproxy_server_status\{proxy="www",server="web-1",state="UP"\} 1/);
    const back = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*", `http://${at}:8405/metrics`];
    assert.equal((await lab.back.run(back)).stdout, "403");
  });

  it("share two addresses, each on the balancer that it prefers, and both on one where the other fails", async () => {
    await up({ www: { port: 80, members: web } });
    await lab.balancers[1].haproxy.up(lab.haproxyArgs({ www: { port: 80, members: web } }));
    for (const number of [0, 1] as const) {
      const router = (id: number, preferred: number) => ({
        id,
        addresses: [`192.168.155.${id}/24`],
        priority: number === preferred ? 250 : 240,
        preemptDelay: "1s",
      });
      const routers = { one: router(40, 0), two: router(50, 1) };
      await lab.balancers[number].keepalived.up(lab.keepalivedArgs(number, { routers }));
    }
    const spread = async (one: number[], two: number[]) => {
      for (let attempt = 0; attempt < 300; attempt++) {
        const found = [lab.holders("192.168.155.40"), lab.holders("192.168.155.50")];
        if (JSON.stringify(found) === JSON.stringify([one, two])) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assert.fail(`${lab.holders("192.168.155.40").join()} and ${lab.holders("192.168.155.50").join()}`);
    };
    await spread([0], [1]);
    for (const vip of ["192.168.155.40", "192.168.155.50"]) assert.match(await lab.get(`http://${vip}/`), /^web-/);
    lab.link(1, "down");
    await spread([0], [0, 1].slice(0, 1));
    assert.match(await lab.get("http://192.168.155.50/"), /^web-/);
    lab.link(1, "up");
    await spread([0], [1]);
  });
});
