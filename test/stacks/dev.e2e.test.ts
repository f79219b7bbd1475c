import assert from "node:assert/strict";
import { access } from "node:fs/promises";
import { LocalHost } from "../e2e/local-host";
import { StackCopy } from "./stack-copy";

describe("the dev environment", function () {
  this.timeout(900_000);
  let host: LocalHost;
  let dev: StackCopy;
  let stack: string;
  let outputs: { url: string; addresses: { [guest: string]: unknown } };
  let bridge: string;

  before(async function () {
    host = await LocalHost.prepare(this, "e2e-dev");
    stack = host.label;
    dev = await StackCopy.create(stack, {
      environment: "dev",
      "dev:subnet": "10.214.3.0/24",
      "dev:subnet6": "fd00:214:3::/64",
    });
  });

  after(async () => {
    await dev?.destroy().catch((error: Error) => console.error(error.message));
    await dev?.dispose();
    await host?.dispose();
  });

  async function page(path = ""): Promise<string> {
    const answer = await fetch(outputs.url + path, { signal: AbortSignal.timeout(30_000) });
    assert.equal(answer.status, 200);
    return answer.text();
  }

  it("comes up with one command, which ends with the page", async () => {
    const printed = await dev.start();
    assert.match(printed, /GET http:\/\/10\.214\.3\.\d+\/: 200 OK/);
    assert.match(printed, /<h1>It works<\/h1>/);
    outputs = await dev.outputs();
    bridge = (await host.virsh("net-info", stack)).match(/Bridge: +(\S+)/)![1]!;
  });

  it("answers with the page, and through its proxy with the application", async () => {
    assert.match(await page(), /This page comes from a guest/);
    const { server, path } = JSON.parse(await page("app/hello")) as { server: string; path: string };
    assert.deepEqual([server, path], [`${stack}-app`, "/hello"]);
  });

  it("shows no change afterwards", async () => {
    assert.deepEqual(await dev.plan(), []);
  });

  it("serves an edited page, and changes nothing else", async () => {
    await dev.edit("stacks/dev/index.html", "<h1>It works</h1>", "<h1>It was edited</h1>");
    assert.deepEqual(await dev.plan(), ["update File web-page"]);
    await dev.up();
    assert.match(await page(), /<h1>It was edited<\/h1>/);
    assert.deepEqual(await dev.plan(), []);
  });

  it("leaves nothing behind", async () => {
    await dev.destroy();
    assert.deepEqual(await host.traces(bridge), []);
    await assert.rejects(access(`/var/lib/libvirt/images/${stack}`));
  });
});
