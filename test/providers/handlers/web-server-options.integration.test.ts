import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { WebServerLab } from "./web-server-lab";

const name = "www.example.org";

for (const server of ["nginx", "apache"])
  describe(`${server}'s options on a machine in namespaces`, function () {
    this.timeout(120_000);
    let lab: WebServerLab;
    const get = (path: string, ...options: string[]) => lab.get(`http://127.0.0.1${path}`, ...options);
    const up = (site: object, more: object = {}) => lab.up({ [name]: site }, more);
    const members = (...ports: number[]) => ports.map((port) => ({ name: `app-${port}`, address: "127.0.0.1", port }));
    /** Who answers to so many requests. */
    const answers = async (count: number, ...options: string[]) => {
      const all = [];
      for (let at = 0; at < count; at++) all.push((await get("/shop/", ...options)).body.split(" ")[0]!);
      return all;
    };

    before(async function () {
      lab = await WebServerLab.start(this, server);
      const script = "x".repeat(5000);
      lab.write({
        "site/index.html": "home",
        "site/docs/a b.html": "spaced",
        "site/big.js": script,
        "site/404.html": "lost",
      });
      for (const port of [9001, 9002, 9003]) await lab.upstream(`app-${port}`, port);
    });

    after(async () => {
      await lab?.stop();
    });

    it("redirects and rewrites, by whole paths and their beginnings, and keeps queries", async () => {
      await up({
        ...lab.root(),
        proxy: { "/shop": { to: members(9001) } },
        redirects: {
          "/shop/old": "/shop/new",
          "/old": "/new",
          "/docs/*": "https://docs.example.org/v2/*",
          "/docs/special": { to: "/special", status: 308 },
          "/all/*": { to: "/one?fixed=1", status: 302 },
        },
        rewrites: { "/v1/*": "/*", "/home": "/index.html" },
      });
      const to = async (path: string) => {
        const { status, headers } = await get(path);
        return `${status} ${headers["location"]}`;
      };
      assert.match(await to("/old"), /^301 (http:\/\/[^/]+)?\/new$/);
      assert.match(await to("/old?a=1&b=%20"), /^301 (http:\/\/[^/]+)?\/new\?a=1&b=%20$/);
      assert.equal(await to("/docs/x/a%20b?q=1"), "301 https://docs.example.org/v2/x/a%20b?q=1");
      assert.match(await to("/docs/special"), /^308 (http:\/\/[^/]+)?\/special$/);
      assert.match(await to("/all/that?q=1"), /^302 (http:\/\/[^/]+)?\/one\?fixed=1$/);
      assert.match(await to("/shop/old"), /^301 (http:\/\/[^/]+)?\/shop\/new$/);
      assert.match((await get("/shop/older")).body, /^app-9001 /);
      assert.equal((await get("/older")).status, 404);
      assert.equal((await get("/v1/docs/a%20b.html")).body, "spaced");
      assert.equal((await get("/home")).body, "home");
    });

    it("hands requests on, round robin, and tells who asked", async () => {
      await up({ ...lab.root(), proxy: { "/shop": { to: members(9001, 9002) } } });
      assert.equal((await get("/")).body, "home");
      const { body } = await get("/shop/cart?a=1", "-H", `Host: ${name}`);
      assert.match(body, new RegExp(`^app-900\\d /shop/cart\\?a=1 ${name} 127\\.0\\.0\\.1 http$`));
      assert.equal((await get("/shopping")).status, 404);
      assert.match((await get("/shop")).body, /^app-900\d \/shop /);
      const seen = await answers(10);
      assert.deepEqual([...new Set(seen)].sort(), ["app-9001", "app-9002"]);
      assert.equal(seen.filter((one) => one === "app-9001").length, 5);
    });

    it("asks another server where one does not answer, and leaves it alone for a while", async () => {
      const dead = { name: "dead", address: "127.0.0.1", port: 9999 };
      await up({ proxy: { "/shop": { to: [dead, ...members(9001)], pause: "60s" } } });
      assert.deepEqual([...new Set(await answers(10))], ["app-9001"]);
      await up({ proxy: { "/shop": { to: [...members(9001), { ...members(9002)[0]!, backup: true }] } } });
      assert.deepEqual([...new Set(await answers(6))], ["app-9001"]);
      await up({ proxy: { "/shop": { to: [dead, { ...members(9002)[0]!, backup: true }] } } });
      assert.deepEqual([...new Set(await answers(6))], ["app-9002"]);
    });

    it("repeats what may be repeated after a 503, and nothing else", async () => {
      await lab.upstream("sick", 9004, sick);
      const sites = {
        proxy: { "/shop": { to: [{ name: "sick", address: "127.0.0.1", port: 9004 }, ...members(9001)], pause: "1s" } },
      };
      await up(sites);
      // Apache hands on the answer itself, and leaves the server alone from then on.
      const seen = (await answers(8)).filter((one) => one !== "app-9001");
      assert.deepEqual(seen, server === "nginx" ? [] : ["sick"]);
    });

    it("puts another path in the place of its own", async () => {
      await up({ proxy: { "/shop": { to: members(9001), path: "/v2" } } });
      assert.match((await get("/shop/a%20b?b=1")).body, /^app-9001 \/v2\/a%20b\?b=1 /);
      assert.match((await get("/shop")).body, /^app-9001 \/v2 /);
    });

    it("takes the server with the fewest connections", async () => {
      await up({ proxy: { "/shop": { to: members(9001, 9002), balance: "leastconn" } } });
      assert.deepEqual([...new Set(await answers(8))].sort(), ["app-9001", "app-9002"]);
    });

    it("sends a browser to the server that it was sent to before, and to another one where that fails", async () => {
      const third = members(9003)[0]!;
      await up({ proxy: { "/shop": { to: [...members(9001, 9002), third], balance: "sticky" } } });
      const first = await get("/shop/");
      const who = first.body.split(" ")[0]!;
      const cookie = first.headers["set-cookie"]!.split(";")[0]!;
      assert.match(first.headers["set-cookie"]!, /^kvmroute=.*app-900\d; Path=\/shop/i);
      assert.deepEqual([...new Set(await answers(8, "-H", `Cookie: ${cookie}`))], [who]);
      assert.equal((await get("/shop/", "-H", `Cookie: ${cookie}`)).headers["set-cookie"], undefined);
      const gone = { name: who, address: "127.0.0.1", port: 9999 };
      await up({
        proxy: {
          "/shop": {
            to: [
              gone,
              ...members(9003).filter(() => who !== "app-9003"),
              ...members(9002).filter(() => who !== "app-9002"),
            ],
            balance: "sticky",
          },
        },
      });
      const moved = await get("/shop/", "-H", `Cookie: ${cookie}`);
      assert.notEqual(moved.body.split(" ")[0], who);
      assert.match(moved.headers["set-cookie"] ?? "", /app-900\d/);
    });

    it("keeps answers, and forgets them when it is told to", async () => {
      await lab.upstream("counter", 9005, counter);
      const site = (purge: string) => ({
        proxy: { "/shop": { to: [{ name: "counter", address: "127.0.0.1", port: 9005 }] } },
        cache: { valid: "10m", purge },
      });
      await up(site("1"));
      const first = await get("/shop/a");
      const again = await get("/shop/a");
      assert.equal(again.body, first.body);
      assert.match(again.headers["x-cache"]!, /^HIT/);
      assert.notEqual((await get("/shop/b")).body, first.body);
      assert.notEqual((await get("/shop/cookie")).body, (await get("/shop/cookie")).body);
      const secret = [
        await get("/shop/c", "-H", "Authorization: Basic eA=="),
        await get("/shop/c", "-H", "Authorization: Basic eQ=="),
      ];
      assert.notEqual(secret[0]!.body, secret[1]!.body);
      await up(site("2"));
      assert.notEqual((await get("/shop/a")).body, first.body);
      const caches = () => lab.machine.say("ls", "/var/cache/pulumi-kvm/www").trim().split("\n").length;
      assert.equal(caches(), 1);
    });

    it("serves an answer that it has kept when no server is there", async () => {
      const site = (port: number) => ({
        proxy: { "/shop": { to: [{ name: "counter", address: "127.0.0.1", port }] } },
        cache: { valid: "1s", purge: "stale" },
      });
      await up(site(9005));
      const { body } = await get("/shop/stale");
      await up(site(9999));
      assert.equal((await get("/shop/stale")).body, body);
    });

    it("compresses text, has browsers keep what they may, and adds headers", async () => {
      await up({ ...lab.root(), expires: { "/big.js": "1d" }, headers: { "X-Frame-Options": "DENY" } });
      const small = await get("/big.js", "--compressed");
      assert.equal(small.headers["content-encoding"], "gzip");
      assert.match(small.headers["cache-control"]!, /max-age=86400/);
      assert.equal(small.headers["x-frame-options"], "DENY");
      assert.equal((await get("/")).headers["cache-control"], undefined);
      await up({ ...lab.root(), compression: false });
      assert.equal((await get("/big.js", "--compressed")).headers["content-encoding"], undefined);
    });

    it("serves a fallback, and error pages of the site and of the program's folder", async () => {
      await up({ ...lab.root(), fallback: "/index.html" });
      assert.equal((await get("/a/route/of/the/app")).body, "home");
      const proxy = { "/shop": { to: [{ name: "dead", address: "127.0.0.1", port: 9999 }] } };
      await up({ ...lab.root(), proxy, errorPages: { 404: "/404.html", 502: "<p>soon</p>", 503: "<p>soon</p>" } });
      const lost = await get("/none");
      assert.deepEqual([lost.status, lost.body], [404, "lost"]);
      const down = await get("/shop/");
      assert.ok(down.status === 502 || down.status === 503);
      assert.equal(down.body, "<p>soon</p>");
    });

    it("asks for a password, and keeps out who is not allowed", async () => {
      const auth = { users: ["ann"], paths: ["/docs"] };
      await up({ ...lab.root(), auth }, { passwords: { [name]: { ann: "s3cret:word" } } });
      assert.equal((await get("/")).status, 200);
      assert.equal((await get("/docs/a%20b.html")).status, 401);
      assert.equal((await get("/docs/a%20b.html", "-u", "ann:wrong")).status, 401);
      assert.equal((await get("/docs/a%20b.html", "-u", "ann:s3cret:word")).body, "spaced");
      // Also where the path becomes another one on its way.
      const hidden = { ...auth, paths: ["/shop", "/docs"] };
      await up(
        {
          ...lab.root(),
          proxy: { "/shop": { to: members(9001), path: "/v2" } },
          rewrites: { "/open/*": "/docs/*" },
          auth: hidden,
        },
        { passwords: { [name]: { ann: "s3cret:word" } } },
      );
      for (const path of ["/shop", "/shop/a", "/sh%6fp/a", "//shop/a", "/x/../shop/a", "/open/a%20b.html"])
        assert.equal((await get(path, "--path-as-is")).status, 401, path);
      assert.match((await get("/shop/a", "-u", "ann:s3cret:word")).body, /^app-9001 \/v2\/a /);
      await up({ ...lab.root(), allow: ["127.0.0.2", "192.0.2.0/24"] });
      assert.equal((await get("/")).status, 403);
      assert.equal((await get("/", "--interface", "127.0.0.2")).status, 200);
      assert.equal((await get("/.health")).status, 200);
      lab.machine.say("sh", "-c", "! grep -r s3cret /etc/pulumi-kvm");
    });

    it("knows who asks behind a balancer that it trusts", async () => {
      const client = ["-H", "X-Forwarded-For: 192.0.2.7"];
      await up({ ...lab.root(), allow: ["192.0.2.0/24"] }, { trustedProxies: ["127.0.0.0/8"] });
      assert.equal((await get("/", ...client)).status, 200);
      await up({ ...lab.root(), allow: ["192.0.2.0/24"] });
      assert.equal((await get("/", ...client)).status, 403);
    });

    it("answers over TLS, leads there, and has browsers remember it", async () => {
      const script = `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /dev/stdout -out /dev/stdout -days 2 -subj /CN=$0 -addext subjectAltName=DNS:$0 | cat`;
      const made = execFileSync("sh", ["-c", script, name], { stdio: "pipe" }).toString();
      const certificate = /-----BEGIN CERTIFICATE-----[^]*-----END CERTIFICATE-----\n/.exec(made)![0];
      const keys = { [name]: /-----BEGIN PRIVATE KEY-----[^]*-----END PRIVATE KEY-----\n/.exec(made)![0] };
      await up({ ...lab.root(), tls: { certificate, hsts: "1d" } }, { keys });
      const plain = await get("/a?b=1", "-H", `Host: ${name}`);
      assert.deepEqual([plain.status, plain.headers["location"]], [301, `https://${name}/a?b=1`]);
      lab.write({ "certificate.pem": certificate });
      const secure = [...["--cacert", `${lab.folder}/certificate.pem`], "--resolve", `${name}:443:127.0.0.1`];
      const answer = await lab.get(`https://${name}/`, ...secure);
      assert.equal(answer.body, "home");
      assert.equal(answer.headers["strict-transport-security"], "max-age=86400");
      const said = await lab.machine.run([
        "curl",
        "-sS",
        "--noproxy",
        "*",
        "-o",
        "/dev/null",
        "-w",
        "%{http_version}",
        ...secure,
        `https://${name}/`,
      ]);
      assert.equal(said.stdout, "2");
      assert.equal((await get("/.health")).status, 200);
      assert.equal(
        lab.machine.say("sh", "-c", "stat -c %a /etc/pulumi-kvm/www/current/certificates/*.key").trim(),
        "600",
      );
      const [wrong] = await lab.served.preview(
        lab.args({ "other.example.org": { tls: { certificate } } }, { keys: { "other.example.org": keys[name] } }),
      );
      assert.match(
        wrong!,
        /tls: certificate is not for other\.example\.org, but for DNS:www\.example\.org\. Fix: have it issued for all names of the site$/,
      );
    });

    // The schema refuses it with Apache.
    if (server === "nginx")
      it("limits how much one client asks for", async () => {
        await up({ ...lab.root(), limits: { requests: "1/m", burst: 2 } });
        const seen = [];
        for (let at = 0; at < 5; at++) seen.push((await get("/")).status);
        assert.deepEqual(seen, [200, 200, 200, 429, 429]);
        assert.equal((await get("/.health")).status, 200);
      });

    it("limits how fast one answer is", async () => {
      lab.write({ "site/large.bin": "x".repeat(400_000) });
      await up({ ...lab.root(), limits: { bandwidth: "200KiB" } });
      const { stdout } = await lab.machine.run([
        "curl",
        "-sS",
        "--noproxy",
        "*",
        "-o",
        "/dev/null",
        "-w",
        "%{time_total}",
        "http://127.0.0.1/large.bin",
      ]);
      assert.ok(Number(stdout) > 0.9, stdout);
    });

    it("shows its figures to those who may see them", async () => {
      await up(lab.root(), { status: ["127.0.0.1"] });
      assert.match((await get("/.status")).body, /Active connections|Total Accesses|ServerUptime|Apache Server Status/);
      assert.equal((await get("/.status", "--interface", "127.0.0.2")).status, 403);
      await up(lab.root());
      assert.equal((await get("/.status")).status, 404);
    });

    it("logs by site, and begins a new log without losing a line", async () => {
      const log = `/var/log/pulumi-kvm/www/${name}.access.log`;
      await up(lab.root(), { logs: { format: "json", rotate: "daily", keep: 2 } });
      await get("/?first");
      const last = () => JSON.parse(lab.machine.say("tail", "-n", "1", log)) as { request: string; status: number };
      assert.deepEqual([last().request, last().status], ["GET /?first HTTP/1.1", 200]);
      lab.machine.say("logrotate", "--force", `/etc/logrotate.d/pulumi-kvm-www`);
      await lab.machine.run(
        [
          "sh",
          "-c",
          `until curl -s -o /dev/null --noproxy '*' 'http://127.0.0.1/?second' && grep -q second ${log}; do sleep 0.1; done`,
        ],
        { timeout: 20_000 },
      );
      assert.match(lab.machine.say("tail", "-n", "1", `${log}.1`), /first/);
    });

    it("says 503 on its health page for as long as it is told before it stops", async () => {
      await up(lab.root(), { drain: "1s" });
      const destroyed = lab.served.destroy();
      const { stdout } = await lab.machine.run(
        [
          "sh",
          "-c",
          "until [ \"$(curl -s -o /dev/null --noproxy '*' -w '%{http_code}' http://127.0.0.1/.health)\" = 503 ]; do sleep 0.05; done; curl -s --noproxy '*' http://127.0.0.1/",
        ],
        { timeout: 10_000 },
      );
      assert.equal(stdout, "home");
      await destroyed;
    });
  });

/** Answers all but what `upstream` asks first with 503. */
const sick = `
let asked = 0;
require("node:http").createServer((request, response) => {
  response.writeHead(asked++ ? 503 : 200);
  response.end("sick");
}).listen(Number(process.argv[2]), "127.0.0.1");`;

/** Every answer is another one. */
const counter = `
let asked = 0;
require("node:http").createServer((request, response) => {
  response.setHeader("content-type", "text/plain");
  if (request.url.includes("cookie")) response.setHeader("set-cookie", "who=" + asked);
  response.end("answer " + asked++);
}).listen(Number(process.argv[2]), "127.0.0.1");`;
