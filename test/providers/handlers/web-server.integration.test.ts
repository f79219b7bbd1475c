import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { SteadyLoad } from "../../e2e/steady-load";
import { WebServerLab } from "./web-server-lab";

for (const server of ["nginx", "apache"])
  describe(`${server} on a machine in namespaces`, function () {
    this.timeout(120_000);
    let lab: WebServerLab;
    const inside = (...argv: string[]) => lab.machine.say(...argv);
    const served = (path: string) => lab.get(`http://127.0.0.1${path}`);
    const main = server === "nginx" ? "/etc/nginx/nginx.conf" : "/etc/apache2/apache2.conf";
    const service = server === "nginx" ? "nginx" : "apache2";
    let distribution: string;

    before(async function () {
      lab = await WebServerLab.start(this, server);
      lab.write({ "site/index.html": "<h1>one</h1>", "site/about/index.html": "about", "site/style.css": "body {}" });
      distribution = inside("sha256sum", main);
    });

    after(async () => {
      await lab?.stop();
    });

    it("serves a folder", async () => {
      assert.deepEqual(await lab.up({ "www.example.org": lab.root() }), ["create"]);
      assert.equal((await served("/")).body, "<h1>one</h1>");
      assert.equal((await served("/about/")).body, "about");
      assert.equal((await served("/style.css")).headers["content-type"], "text/css");
      assert.equal((await served("/none")).status, 404);
      assert.match((await served("/.health")).body, /^ok [0-9a-f]{16}\n$/);
      assert.deepEqual(await lab.up({ "www.example.org": lab.root() }), []);
      assert.deepEqual(await lab.served.refresh(), []);
      assert.equal(lab.served.state["health"], "healthy");
    });

    it("serves a new content from one moment to the next, without a reload and without sending the rest", async () => {
      const workers = () => inside("pgrep", "-P", lab.pid());
      const before = workers();
      const old = inside("stat", "-Lc", "%i", "/srv/pulumi-kvm/www/www.example.org/current/style.css");
      lab.write({ "site/index.html": "<h1>two</h1>" });
      assert.deepEqual(await lab.up({ "www.example.org": lab.root() }), ["sites: live"]);
      assert.equal((await served("/")).body, "<h1>two</h1>");
      assert.equal(inside("stat", "-Lc", "%i", "/srv/pulumi-kvm/www/www.example.org/current/style.css"), old);
      assert.equal(workers(), before);
    });

    it("keeps a configuration that works when the next one does not, and has the server's own words in the error", async () => {
      const pid = lab.pid();
      const before = inside("readlink", "/etc/pulumi-kvm/www/current");
      lab.write({ "site/index.html": "<h1>never</h1>" });
      const broken = { "www.example.org": { ...lab.root(), raw: "Sever {" } };
      await assert.rejects(
        lab.up(broken),
        new RegExp(
          `${service === "nginx" ? "nginx refuses" : "apache2 refuses"} the configuration:\\n[^]*(unknown directive "Sever"|unexpected|Invalid command)`,
        ),
      );
      assert.equal((await served("/")).body, "<h1>two</h1>");
      assert.equal(inside("readlink", "/etc/pulumi-kvm/www/current"), before);
      assert.equal(lab.pid(), pid);
      lab.write({ "site/index.html": "<h1>two</h1>" });
      assert.deepEqual(await lab.served.refresh(), []);
    });

    it("goes back to what served where the server checks it but is not healthy with it", async () => {
      // Somebody else has the port, of which the check knows nothing.
      lab.machine.spawn([process.execPath, "-e", 'require("net").createServer().listen(8099, "0.0.0.0")']);
      await lab.machine.run(["sh", "-c", "until ss -ltn | grep -q :8099; do sleep 0.05; done"]);
      await assert.rejects(
        lab.up({ "www.example.org": lab.root() }, { http: 8099, timeout: "2s" }),
        /cannot update: [^]*(8099)[^]*\nThe change was taken back: it is as it was before$/,
      );
      assert.equal((await served("/")).body, "<h1>two</h1>");
      assert.deepEqual(await lab.served.refresh(), []);
    });

    it("finds what was changed by hand, and puts it right", async () => {
      const sites = { "www.example.org": lab.root() };
      const repaired = async (condition: RegExp) => {
        assert.deepEqual(await lab.served.refresh(), ["condition"]);
        assert.match(lab.served.state["condition"], condition);
        assert.deepEqual(await lab.up(sites), ["condition: live"]);
        assert.deepEqual(await lab.served.refresh(), []);
        assert.equal((await served("/")).body, "<h1>two</h1>");
      };
      inside("sh", "-c", "echo hacked >/srv/pulumi-kvm/www/www.example.org/current/index.html");
      await repaired(/^content of www\.example\.org changed by hand: index\.html$/);
      inside("sh", "-c", `echo "# by hand" >>/etc/pulumi-kvm/www/current/${service}.conf`);
      await repaired(new RegExp(`^changed by hand: ${service}\\.conf$`));
      inside(`/etc/init.d/${service}`, "stop");
      await repaired(new RegExp(`^${service} is not running$`));
      inside("sh", "-c", `rm ${main} && touch ${main}`);
      await repaired(new RegExp(`${main} is another configuration`));
    });

    it("goes back to an older content and configuration", async () => {
      lab.write({ "site/index.html": "<h1>one</h1>" });
      await lab.up({ "www.example.org": lab.root() });
      assert.equal((await served("/")).body, "<h1>one</h1>");
    });

    it("has several sites, and answers for unknown hosts with one of them, or with 404", async () => {
      lab.write({ "other/index.html": "other" });
      const sites = {
        "www.example.org": { ...lab.root(), aliases: ["example.org"] },
        "*.example.net": lab.root("other"),
      };
      await lab.up(sites);
      const host = async (name: string, path = "/") =>
        (await lab.get(`http://127.0.0.1${path}`, "-H", `Host: ${name}`)).body;
      assert.equal(await host("example.org"), "<h1>one</h1>");
      assert.equal(await host("any.example.net"), "other");
      assert.equal((await served("/")).status, 404);
      assert.match(await host("unknown", "/.health"), /^ok /);
      await lab.up(sites, { defaultSite: "*.example.net" });
      assert.equal(await host("unknown"), "other");
      await lab.up({ "www.example.org": lab.root() });
      assert.equal(inside("ls", "/srv/pulumi-kvm/www"), "www.example.org\n");
    });

    it("changes under load without a failed request", async () => {
      const load = await SteadyLoad.start((argv) => lab.machine.argv(argv), "http://127.0.0.1/");
      for (const changed of ["1", "2", "3"]) {
        lab.write({ "site/index.html": `<h1>${changed}</h1>` });
        await lab.up({ "www.example.org": { ...lab.root(), headers: { "X-Changed": changed } } });
        assert.equal((await served("/")).headers["x-changed"], changed);
      }
      const { failed, answered } = await load.stop();
      assert.deepEqual(failed, []);
      assert.ok(answered > 20, `${answered} answers`);
      lab.write({ "site/index.html": "<h1>one</h1>" });
      await lab.up({ "www.example.org": lab.root() });
    });

    it("leaves the machine as it was", async () => {
      await lab.served.destroy();
      assert.equal(inside("sha256sum", main), distribution);
      for (const folder of ["/etc", "/srv", "/var/cache", "/var/log"])
        assert.equal(inside("find", folder, "-path", "*/pulumi-kvm/www*", "-o", "-name", "pulumi-kvm-www*"), "");
      assert.throws(() => inside("pgrep", service));
    });

    it("keeps serving when a new content does not fit on the disk, and gives the room back", async () => {
      inside("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", "/srv");
      await lab.up({ "www.example.org": lab.root() });
      lab.write({ "site/large.bin": "x".repeat(400_000) });
      await assert.rejects(
        lab.up({ "www.example.org": lab.root() }),
        /cannot update: \S+site could not be put there:\n[^]*no space left on \/srv/i,
      );
      assert.equal((await served("/")).body, "<h1>one</h1>");
      assert.deepEqual(await lab.served.refresh(), []);
      rmSync(join(lab.folder, "site/large.bin"));
      lab.write({ "site/index.html": "<h1>fits</h1>" });
      await lab.up({ "www.example.org": lab.root() });
      assert.equal((await served("/")).body, "<h1>fits</h1>");
      await lab.served.destroy();
      inside("umount", "/srv");
    });

    it("is gone when its machine has lost it", async () => {
      await lab.up({ "www.example.org": lab.root() });
      inside("rm", "-r", "/etc/pulumi-kvm/www");
      inside("sh", "-c", `rm ${main} && touch ${main}`);
      assert.deepEqual(await lab.served.refresh(), ["gone"]);
    });

    it("does not take over sites of another's making", async () => {
      const folder = server === "nginx" ? "/etc/nginx/conf.d" : "/etc/apache2/sites-enabled";
      inside("sh", "-c", `echo "# theirs" >${folder}/theirs.conf`);
      await assert.rejects(
        lab.up({ "www.example.org": lab.root() }),
        new RegExp(`serves sites of another's making: ${folder}/theirs\\.conf\\. Fix: declare them here`),
      );
    });
  });
