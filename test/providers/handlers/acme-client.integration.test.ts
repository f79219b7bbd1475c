import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { AcmeAccountHandler } from "../../../providers/handlers/acme-account";
import { AcmeClientHandler } from "../../../providers/handlers/acme-client";
import { Pebble } from "../../lab/pebble";
import { skip } from "../../skip";
import { Played } from "./played";
import { WebServerLab } from "./web-server-lab";

const name = "www.example.org";
const alias = "example.org";

for (const server of ["nginx", "apache"])
  describe(`certificates by ACME for ${server}`, function () {
    this.timeout(240_000);
    let lab: WebServerLab;
    let pebble: Pebble;
    let account: Played;
    let client: Played;

    before(async function () {
      if (Pebble.obstacle) skip(this, Pebble.obstacle);
      lab = await WebServerLab.start(this, server);
      pebble = await Pebble.start(lab.machine, [name, alias, "shop.example.org"]);
      lab.write({ "site/index.html": "home" });
      account = new Played(new AcmeAccountHandler());
      await account.up({});
      client = new Played(new AcmeClientHandler(() => lab.machine));
    });

    after(async () => {
      await lab?.stop();
    });

    const sites = (tls: object = {}) => ({
      [name]: { ...lab.root(), aliases: [alias], tls: { acme: account.state["thumbprint"], ...tls } },
    });
    const args = (more: object = {}) => ({
      machine: { kind: "local" },
      name: "www",
      directory: pebble.directory,
      authority: pebble.authority,
      accountKey: account.state["key"],
      certificates: { [name]: [name, alias] },
      // Nothing runs it here: machines in namespaces have no init.
      schedule: "never",
      reload: server === "nginx" ? ["nginx", "-s", "reload"] : ["apache2ctl", "graceful"],
      ...more,
    });
    const served = () => {
      const script = `openssl s_client -connect 127.0.0.1:443 -servername ${name} </dev/null 2>/dev/null`;
      return new X509Certificate(lab.machine.say("sh", "-c", script));
    };

    it("begin with one that nobody vouches for, which is replaced without a word of the operator", async () => {
      await lab.up(sites());
      assert.equal(served().issuer, "CN=not issued yet");
      assert.equal(served().subjectAltName, `DNS:${name}, DNS:${alias}`);
      assert.deepEqual(await client.up(args()), ["create"]);
      assert.equal(client.state["health"], "ok");
      assert.match(served().issuer, /Pebble/);
      assert.deepEqual(served().subjectAltName!.split(", ").sort(), [`DNS:${alias}`, `DNS:${name}`]);
      assert.equal(client.state["expires"][name], served().validToDate.toISOString());
      const root = await pebble.root(lab.machine);
      await lab.machine.write("/root/root.pem", root);
      const page = await lab.get(`https://${name}/`, "--cacert", "/root/root.pem");
      assert.equal(page.body, "home");
      assert.deepEqual(await client.up(args()), []);
      assert.deepEqual(await client.refresh(), []);
    });

    // Both servers differ in how they answer and reload only.
    if (server === "nginx") {
      it("are not issued again while they last, and are when their names, time or authority change", async () => {
        const first = served().serialNumber;
        const program = "/usr/local/sbin/kvm-acme-www";
        lab.machine.say(program, "run");
        assert.equal(served().serialNumber, first);
        assert.deepEqual(await client.up(args({ certificates: { [name]: [name] } })), ["certificates: live"]);
        assert.equal(served().subjectAltName, `DNS:${name}`);
        const second = served().serialNumber;
        assert.deepEqual(await client.up(args({ certificates: { [name]: [name] }, renewBefore: "90d" })), [
          "renewBefore: live",
        ]);
        assert.notEqual(served().serialNumber, second);
        await client.up(args());
        const third = served().serialNumber;
        // Another account has nothing to do until then.
        const other = new Played(new AcmeAccountHandler());
        await other.up({});
        await lab.up(sites({ acme: other.state["thumbprint"] }));
        assert.equal(served().serialNumber, third, "the server's own change leaves the certificate");
        assert.deepEqual(await client.up(args({ accountKey: other.state["key"] })), ["accountKey: live"]);
        assert.equal(served().serialNumber, third);
        account = other;
        await client.up(args({ certificates: { [name]: [alias, name] } }));
        assert.equal(served().serialNumber, third);
        await client.up(args({ directory: pebble.directory.replace("localhost", "pebble.localhost") }));
        assert.notEqual(served().serialNumber, third);
        assert.equal(client.state["health"], "ok");
      });

      it("are served on where the authority refuses, which says why, and are asked for again by the next up", async () => {
        const before = served().serialNumber;
        const wanted = { [name]: [name, "nowhere.example.org"] };
        assert.deepEqual(await client.up(args({ certificates: wanted })), ["directory: live", "certificates: live"]);
        assert.match(
          client.state["health"],
          /^not renewed: www\.example\.org: Get "http:\/\/nowhere\.example\.org:80\/[^"]+": .*lookup nowhere/,
        );
        assert.equal(served().serialNumber, before);
        assert.equal((await lab.get(`http://127.0.0.1/`, "-H", `Host: ${name}`)).status, 301);
        assert.deepEqual(await client.refresh(), ["installed"]);
        await client.up(args());
        assert.equal(client.state["health"], "ok");
        assert.deepEqual(await client.refresh(), []);
      });
    }

    it("are found changed by hand, and go with it", async () => {
      lab.machine.say("sh", "-c", "echo >>/etc/kvm-acme/www.conf");
      assert.deepEqual(await client.refresh(), ["installed"]);
      await client.up(args());
      assert.deepEqual(await client.refresh(), []);
      const mode = lab.machine.say(
        "stat",
        "-c",
        "%a %n",
        "/etc/kvm-acme/www.conf",
        "/var/lib/kvm-acme/www/account.key",
      );
      assert.match(mode, /^600 .*\n600 /);
      await client.destroy();
      await lab.served.destroy();
      const left = lab.machine.say(
        "sh",
        "-c",
        "find / -xdev -name '*acme*' -not -path '/proc/*' -not -path '/usr/*' -not -path '/tmp/*' -not -path '/work/*' -path '*kvm*' 2>/dev/null; ls /usr/local/sbin",
      );
      assert.doesNotMatch(left, /kvm-acme/);
    });
  });

describe("an ACME client", () => {
  it("is refused for whole domains, keys that are none, and directories that are none", async () => {
    const client = new Played(new AcmeClientHandler());
    const good = { machine: { kind: "local" }, name: "www", accountKey: "x", certificates: { a: ["a"] } };
    assert.deepEqual(await client.preview({ ...good, certificates: { "*.a": ["*.a"] } }), [
      'certificates.*.a.0: "*.a": an authority issues certificates for whole domains only by DNS. Fix: name the hosts, or give a certificate',
    ]);
    assert.deepEqual(await client.preview({ ...good, directory: "http://x/dir" }), [
      'directory: "http://x/dir" is not a directory. Allowed: "letsencrypt", "letsencrypt-staging", or the https URL of an ACME directory',
    ]);
    assert.match(
      (await client.preview({ ...good, schedule: "never" })).join("\n"),
      /accountKey: is not a key\. Allowed: PEM, an RSA key of 2048 bits or more, not encrypted$/m,
    );
  });
});
