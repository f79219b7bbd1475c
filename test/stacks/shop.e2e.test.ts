import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { SteadyLoad } from "../e2e/steady-load";
import { containerImageOr } from "../lab/container-image";
import { Lab } from "../lab/lab";
import { skip } from "../skip";
import { StackCopy } from "./stack-copy";

describe("the shop", function () {
  this.timeout(900_000);
  let lab: Lab;
  let shop: StackCopy;

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    await containerImageOr(this);
    lab = await Lab.up();
    shop = await StackCopy.create("shop", { "shop:lab": lab.name });
  });

  after(async () => {
    await lab?.down();
    await shop?.dispose();
  });

  const curl = async (...argv: string[]) =>
    (await lab.wan.run(["curl", "-s", "-g", "--max-time", "90", ...argv])).stdout;
  const title = (page: string) => /<h1>(.*)<\/h1>/.exec(page)?.[1];
  /** A browser with cookies. */
  const visit = async () =>
    title(await curl("-b", "/tmp/shop-cookies", "-c", "/tmp/shop-cookies", "http://203.0.113.80/shop/"));

  /** curl tells what it is told, and then of a mailbox that it has not asked for. */
  const greeting = async () =>
    (await lab.wan.run(["curl", "-sv", "--max-time", "20", "-X", "NOOP", "smtp://203.0.113.80"])).stderr;
  const portal = {
    host: ["-H", "Host: portal.shop.test"],
    cookies: ["-b", "/tmp/portal-cookies", "-c", "/tmp/portal-cookies"],
  };
  const news = () => curl(...portal.host, ...portal.cookies, "http://203.0.113.80/portal/Home");
  const inGuest = async (guest: string, ...argv: string[]) => (await lab.host("kvm1").inContainer(guest, argv)).stdout;

  /** A balancer takes over within a second, which a browser bridges by asking again. */
  async function eventually(ask: () => Promise<string | undefined>): Promise<string | undefined> {
    for (let tries = 1; ; tries++)
      try {
        return await ask();
      } catch (error) {
        if (tries === 10) throw error;
        await new Promise((done) => setTimeout(done, 500));
      }
  }

  it("comes up with one command, and shows no change afterwards", async () => {
    await shop.up();
    assert.deepEqual(await shop.plan(), []);
  });

  it("serves pages, redirects and the application at one address on the WAN, by IPv4 and IPv6", async () => {
    for (const address of ["203.0.113.80", "[2001:db8:203::80]"]) {
      assert.equal(title(await curl(`http://${address}/`)), "Shop");
      assert.match(await curl("-i", `http://${address}/old/page`), /^HTTP\/1.1 301 [^]*\nLocation: \S*\/\r/i);
      assert.equal(title(await curl(`http://${address}/shop/`)), "Visit 1");
    }
  });

  it("keeps pages in its web servers that say for how long they are good", async () => {
    const offers = () => curl("-i", "http://203.0.113.80/shop/offers.jsp");
    const made = async () => /<b>(.*)<\/b>/.exec(await offers())?.[1];
    const first = [await made(), await made()];
    // Each web server has a copy of its own.
    assert.ok(first.includes(await made()));
    assert.match(await offers(), /^X-Cache: HIT/im);
  });

  it("has a directory and mail there as well", async () => {
    const entry = await curl("ldap://203.0.113.80/dc=shop,dc=test?mail?sub?(uid=alice)");
    assert.match(entry, /DN: uid=alice,dc=shop,dc=test\n\s*mail: alice@shop\.test/);
    assert.match(await greeting(), /^< 220 mail\.shop\.test ESMTP/m);
  });

  it("has a portal that knows its users", async () => {
    const { host, cookies } = portal;
    assert.match(
      await curl("-i", ...host, "http://203.0.113.80/portal/Home"),
      /^HTTP\/1.1 302 [^]*\nLocation: \S*\/login/i,
    );
    const login = ["--data-urlencode", "user=alice", "--data-urlencode", "password=of-the-lab-only"];
    await curl(...host, ...cookies, ...login, "http://203.0.113.80/login");
    assert.match(await news(), /News for <b>alice<\/b>, read 1 times/);
    await inGuest("portal-1", "/usr/bin/systemctl", "kill", "--signal", "KILL", "tomcat-portal");
    assert.match(await news(), /News for <b>alice<\/b>, read 2 times/);
  });

  it("keeps what customers do in its database, and a copy of that", async () => {
    const all = async (database: string) =>
      Number(
        await inGuest(
          database,
          "/usr/sbin/runuser",
          "-u",
          "postgres",
          "--",
          "psql",
          "-XAtqd",
          "shop",
          "-c",
          "table visit",
        ).then((rows) => rows.trim().split("\n").length),
      );
    const page = await curl("http://203.0.113.80/shop/");
    const [, counted] = /<b>(\d+)<\/b> visits, says the database/.exec(page) ?? [];
    assert.equal(await all("db-1"), Number(counted));
    assert.equal(await eventually(async () => ((await all("db-2")) === Number(counted) ? "same" : undefined)), "same");
    await inGuest("db-1", "/usr/local/sbin/kvm-backup-db-backup", "run");
    await inGuest("db-1", "/usr/local/sbin/kvm-backup-db-backup", "drill");
  });

  it("goes on, with its sessions, when a balancer, a server of each tier and the database's standby are lost", async () => {
    await curl("-o", "/dev/null", "-c", "/tmp/shop-cookies", "http://203.0.113.80/");
    assert.equal(await visit(), "Visit 1");
    const lost = ["lb-1", "web-1", "app-1", "db-2", "office-1", "portal-1"];
    for (const [at, guest] of lost.entries()) {
      const load = await SteadyLoad.from(lab.wan, "http://203.0.113.80/shop/");
      await sleep(1000);
      await lab.host("kvm1").run(["virsh", "-c", "lxc:///system", "destroy", guest]);
      assert.equal(await eventually(visit), `Visit ${at + 2}`);
      await sleep(4000);
      const { answered, failed, longest } = await load.stop();
      console.log(`      ${guest}: ${answered} answered, ${failed.length} failed, the longest took ${longest} ms`);
      assert.ok(answered > 0);
      // The address moves within a second; whatever is behind the balancers is asked again elsewhere.
      if (guest !== "lb-1") assert.deepEqual(failed, []);
    }
    assert.match(await curl("ldap://203.0.113.80/dc=shop,dc=test??sub?(uid=alice)"), /cn: Alice/);
    assert.match(await greeting(), /^< 220 mail\.shop\.test ESMTP/m);
    assert.match(await news(), /News for <b>alice<\/b>, read 3 times/);
    await shop.refresh();
    const plan = await shop.plan();
    for (const guest of lost) assert.ok(plan.includes(`update Domain ${guest}`), plan.join(", "));
    await shop.up();
    await shop.refresh();
    await shop.up();
    assert.deepEqual(await shop.plan(), []);
    assert.equal(await visit(), "Visit 8");
  });

  it("serves an edited page, and changes nothing else", async () => {
    await shop.edit("stacks/shop/site/index.html", "<h1>Shop</h1>", "<h1>Sale</h1>");
    assert.deepEqual((await shop.plan()).sort(), ["update WebServer web-1", "update WebServer web-2"]);
    await shop.up();
    assert.equal(title(await curl("http://203.0.113.80/")), "Sale");
  });

  it("leaves the host as it was", async () => {
    await shop.destroy();
    const { stdout } = await lab.host("kvm1").run(["virsh", "-c", "lxc:///system", "list", "--all", "--name"]);
    assert.equal(stdout.trim(), "");
    assert.doesNotMatch((await lab.host("kvm1").run(["ip", "-br", "link"])).stdout, /^br1 /m);
  });
});
