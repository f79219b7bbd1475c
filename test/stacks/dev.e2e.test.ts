import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { LocalHost } from "../e2e/local-host";

const run = promisify(execFile);
const repository = resolve(__dirname, "../..");
const parts = ["Pulumi.yaml", "package.json", "package-lock.json", "tsconfig.json"];
const folders = ["components", "providers", "scripts", "stacks", "node_modules"];

describe("the dev environment", function () {
  this.timeout(900_000);
  let host: LocalHost;
  let clone: string;
  let stack: string;
  let outputs: { url: string; addresses: { [guest: string]: unknown } };
  let bridge: string;

  before(async function () {
    host = await LocalHost.prepare(this, "e2e-dev");
    stack = host.label;
    clone = join(host.folder, "clone");
    await mkdir(clone);
    for (const part of [...parts, ...folders]) await run("cp", ["-a", join(repository, part), clone]);
    await rm(join(clone, "stacks/config"), { recursive: true, force: true });
    await script("pulumi", "stack", "init", stack);
    for (const [name, value] of [
      ["environment", "dev"],
      ["dev:subnet", "10.214.3.0/24"],
      ["dev:subnet6", "fd00:214:3::/64"],
    ] as const)
      await script("pulumi", "config", "set", name, value, "--stack", stack);
  });

  after(async () => {
    if (!clone) return;
    await script("destroy", "--stack", stack, "--skip-preview").catch((error: Error) => console.error(error.message));
    await host.dispose();
  });

  /** What the npm scripts run, in a copy of the repository with a state of its own. */
  async function script(...argv: string[]): Promise<string> {
    const own = /^PULUMI_(BACKEND_URL|CONFIG_PASSPHRASE|CONFIG_PASSPHRASE_FILE|STACK)$/;
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
    const running = run("bash", ["scripts/run.sh", ...argv], { cwd: clone, env, maxBuffer: 64 * 1024 * 1024 });
    running.child.stdin?.end();
    try {
      return (await running).stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`run.sh ${argv.join(" ")} failed:\n${stdout}\n${stderr}`);
    }
  }

  async function page(path = ""): Promise<string> {
    const answer = await fetch(outputs.url + path, { signal: AbortSignal.timeout(30_000) });
    assert.equal(answer.status, 200);
    return answer.text();
  }

  /** What the preview would change: `["update File web-page"]`. */
  async function plan(): Promise<string[]> {
    const preview = JSON.parse(await script("preview", "--stack", stack, "--json")) as {
      steps: { op: string; urn: string }[];
    };
    return preview.steps
      .filter(({ op }) => op !== "same")
      .map(
        ({ op, urn }) =>
          `${op} ${urn
            .split(":")
            .filter((part) => part !== "")
            .slice(-2)
            .join(" ")}`,
      );
  }

  it("comes up with one command, which ends with the page", async () => {
    const printed = await script("start", "--stack", stack);
    assert.match(printed, /GET http:\/\/10\.214\.3\.\d+\/: 200 OK/);
    assert.match(printed, /<h1>It works<\/h1>/);
    outputs = JSON.parse(await script("pulumi", "stack", "output", "--json", "--stack", stack));
    bridge = (await host.virsh("net-info", stack)).match(/Bridge: +(\S+)/)![1]!;
  });

  it("answers with the page, and through its proxy with the application", async () => {
    assert.match(await page(), /This page comes from a guest/);
    const { server, path } = JSON.parse(await page("app/hello")) as { server: string; path: string };
    assert.deepEqual([server, path], [`${stack}-app`, "/hello"]);
  });

  it("shows no change afterwards", async () => {
    assert.deepEqual(await plan(), []);
  });

  it("serves an edited page, and changes nothing else", async () => {
    const file = join(clone, "stacks/dev/index.html");
    await writeFile(file, (await readFile(file, "utf8")).replace("<h1>It works</h1>", "<h1>It was edited</h1>"));
    assert.deepEqual(await plan(), ["update File web-page"]);
    await script("up", "--stack", stack, "--skip-preview");
    assert.match(await page(), /<h1>It was edited<\/h1>/);
    assert.deepEqual(await plan(), []);
  });

  it("leaves nothing behind", async () => {
    await script("destroy", "--stack", stack, "--skip-preview");
    assert.deepEqual(await host.traces(bridge), []);
    await assert.rejects(access(`/var/lib/libvirt/images/${stack}`));
  });
});
