import assert from "node:assert/strict";
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

  it("goes on, with its sessions, when a balancer, a web server and an application server are lost", async () => {
    await curl("-o", "/dev/null", "-c", "/tmp/shop-cookies", "http://203.0.113.80/");
    assert.equal(await visit(), "Visit 1");
    const lost = ["lb-1", "web-1", "app-1"];
    for (const [at, guest] of lost.entries()) {
      await lab.host("kvm1").run(["virsh", "-c", "lxc:///system", "destroy", guest]);
      assert.equal(await eventually(visit), `Visit ${at + 2}`);
    }
    await shop.refresh();
    const plan = await shop.plan();
    for (const guest of lost) assert.ok(plan.includes(`update Domain ${guest}`), plan.join(", "));
    await shop.up();
    await shop.refresh();
    await shop.up();
    assert.deepEqual(await shop.plan(), []);
    assert.equal(await visit(), "Visit 5");
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
