import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Lab } from "../lab/lab";
import { skip } from "../skip";
import { Project } from "./project";

describe("a web tier of virtual machines", function () {
  this.timeout(600_000);
  let lab: Lab;
  let project: Project;

  const program = () => `
    const host = new kvm.KvmHost("kvm1", {
      connection: { uri: ${JSON.stringify(lab.host("kvm1").socketUri())} },
      machine: ${JSON.stringify(lab.host("kvm1").machine)},
      networks: { lab: { ipv4: "192.168.181.0/24" } },
    });
    const web = new kvm.WebTier("web", {
      host, network: "lab", memory: "256MiB", count: 2, maxUnavailable: 2,
      image: { retain: "keep", shared: { machine: { kind: "local" }, directory: "/var/cache/pulumi-kvm-containers" } },
      sites: { "www.example.org": { root: "./site" } },
    });
    exports.urls = web.urls;
    exports.health = web.health;`;

  const page = (text: string) => {
    mkdirSync(join(project.folder, "site"), { recursive: true });
    writeFileSync(join(project.folder, "site/index.html"), text);
  };

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    lab = await Lab.up({ disk: "4GiB" });
    project = await Project.create("");
    page("one");
    await project.write(program());
  });

  after(async () => {
    if (project) await project.attempt("destroy", "--yes", "--skip-preview");
    await project?.dispose();
    await lab?.down();
  });

  const get = (url: string) => lab.host("kvm1").get(url);

  it("serves once it is up, and nothing is left to change", async () => {
    await project.up();
    const { urls, health } = await project.outputs<{ urls: string[]; health: object }>();
    assert.deepEqual(health, { "web-1": "healthy", "web-2": "healthy" });
    for (const one of urls) assert.equal(await get(one), "one");
    assert.deepEqual(await project.plan(), []);
  });

  it("changes content in place, and goes without a trace", async () => {
    const { urls } = await project.outputs<{ urls: string[] }>();
    page("two");
    assert.deepEqual((await project.plan()).sort(), ["update WebServer web-1", "update WebServer web-2"]);
    await project.up();
    for (const one of urls) assert.equal(await get(one), "two");
    await project.destroy();
    const { stdout } = await lab.host("kvm1").run(["virsh", "-c", "qemu:///system", "list", "--all", "--name"]);
    assert.equal(stdout.trim(), "");
  });
});
