import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { containerImageOr } from "../lab/container-image";
import { Lab } from "../lab/lab";
import { skip } from "../skip";
import { Project } from "./project";
import { SteadyLoad } from "./steady-load";

describe("a web tier of containers, behind another one", function () {
  this.timeout(600_000);
  let lab: Lab;
  let project: Project;

  /** Two web servers with a folder, and one before them that hands on what it is asked for. */
  const program = (changes: { count?: number; site?: string; baked?: string } = {}) => {
    const { count = 2, site = "", baked = "" } = changes;
    const { uris, machine } = { uris: lab.host("kvm1").socketUri(), machine: lab.host("kvm1").machine };
    return `
      const host = new kvm.KvmHost("kvm1", {
        connection: { uri: ${JSON.stringify(uris)} },
        machine: ${JSON.stringify(machine)},
        networks: { lab: { ipv4: "192.168.180.0/24" } },
      });
      const image = { retain: "keep", shared: { machine: { kind: "local" }, directory: "/var/cache/pulumi-kvm-containers" } };
      const common = { host, kind: "lxc", network: "lab", image, memory: "128MiB" };
      const web = new kvm.WebTier("web", {
        ...common, image: { ...image, ${baked} }, count: ${count}, sites: { "www.example.org": { root: "./site", ${site} } },
      });
      const front = new kvm.WebTier("front", {
        ...common, count: 1, sites: { "www.example.org": { proxy: { "/": web } } },
      });
      exports.url = front.url;
      exports.urls = web.urls;
      exports.health = web.health;`;
  };

  const page = (text: string) => {
    mkdirSync(join(project.folder, "site"), { recursive: true });
    writeFileSync(join(project.folder, "site/index.html"), text);
  };

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    await containerImageOr(this);
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
  const inside = (guest: string, ...argv: string[]) => lab.host("kvm1").inContainer(guest, argv);

  it("serves once it is up, and nothing is left to change", async () => {
    await project.up();
    const { url, urls, health } = await project.outputs<{ url: string; urls: string[]; health: object }>();
    assert.deepEqual(health, { "web-1": "healthy", "web-2": "healthy" });
    for (const one of [url, ...urls]) assert.equal(await get(one), "one");
    assert.deepEqual(await project.plan(), []);
  });

  it("changes content, setting and count under load without a failed request", async () => {
    const { url } = await project.outputs<{ url: string }>();
    const load = await SteadyLoad.from(lab.host("kvm1"), url);
    page("two");
    assert.deepEqual(await project.plan(), ["update WebServer web-1", "update WebServer web-2"]);
    await project.up();
    assert.equal(await get(url), "two");
    await project.write(program({ site: 'headers: { "X-Changed": "yes" }' }));
    await project.up();
    await project.write(program({ count: 3, site: 'headers: { "X-Changed": "yes" }' }));
    await project.up();
    await project.write(program({ count: 1 }));
    await project.up();
    await project.write(program());
    await project.up();
    const { failed, answered } = await load.stop();
    assert.deepEqual(failed, []);
    assert.ok(answered > 100, `${answered} answers`);
  });

  it("stops at the first member that is not healthy, and keeps serving", async () => {
    const { url, urls } = await project.outputs<{ url: string; urls: string[] }>();
    const load = await SteadyLoad.from(lab.host("kvm1"), url);
    page("three");
    await project.write(program({ site: 'raw: "sever {"' }));
    const { exitCode, stdout } = await project.attempt("up", "--yes", "--skip-preview");
    assert.notEqual(exitCode, 0);
    assert.match(
      stdout,
      /nginx web on container web-1: cannot update: nginx refuses the configuration:\s+.*unknown directive "sever"/,
    );
    assert.doesNotMatch(stdout, /container web-2/);
    for (const one of urls) assert.equal(await get(one), "two");
    await project.write(program());
    await project.up();
    for (const one of urls) assert.equal(await get(one), "three");
    const { failed } = await load.stop();
    assert.deepEqual(failed, []);
  });

  it("keeps serving where the disk of a member is full, and goes on once there is room", async () => {
    const { url, urls } = await project.outputs<{ url: string; urls: string[] }>();
    const load = await SteadyLoad.from(lab.host("kvm1"), url);
    // The content's folder is moved to a disk of its own, with little room.
    const content = "/srv/pulumi-kvm/web";
    const fill = [
      "mount -t tmpfs -o size=300k,mode=755 tmpfs /mnt",
      `cp -a ${content}/. /mnt`,
      `mount --bind /mnt ${content}`,
    ];
    await inside("web-2", "/bin/sh", "-c", fill.join(" && "));
    writeFileSync(join(project.folder, "site/large"), randomBytes(1_000_000));
    const { exitCode, stdout } = await project.attempt("up", "--yes", "--skip-preview");
    assert.notEqual(exitCode, 0);
    assert.match(stdout, /nginx web on container web-2: cannot update: [^]*no space left on \/srv\/pulumi-kvm\/web/);
    for (const one of urls) assert.equal(await get(one), "three");
    await inside("web-2", "/bin/sh", "-c", `umount --lazy ${content} /mnt`);
    await project.up();
    const large = `/srv/pulumi-kvm/web/www.example.org/current/large`;
    assert.equal((await inside("web-2", "/usr/bin/stat", "-c", "%s", large)).stdout, "1000000\n");
    const { failed } = await load.stop();
    assert.deepEqual(failed, []);
  });

  it("gives its members another image one after the other, under load without a failed request", async () => {
    const { url, urls } = await project.outputs<{ url: string; urls: string[] }>();
    const load = await SteadyLoad.from(lab.host("kvm1"), url);
    await project.write(program({ baked: 'files: { "/etc/motd": "new" }' }));
    await project.up();
    for (const one of urls) assert.equal(await get(one), "three");
    const { stdout } = await inside("web-2", "/bin/cat", "/etc/motd");
    assert.match(stdout, /^new/);
    assert.deepEqual(await project.plan(), []);
    const { failed } = await load.stop();
    assert.deepEqual(failed, []);
  });

  it("puts right what was changed in a guest", async () => {
    await inside("web-2", "/bin/sh", "-c", "echo hacked >/srv/pulumi-kvm/web/www.example.org/current/index.html");
    await project.refresh();
    assert.deepEqual(await project.plan(), ["update WebServer web-2"]);
    await project.up();
    const { urls } = await project.outputs<{ urls: string[] }>();
    assert.equal(await get(urls[1]!), "three");
  });

  it("goes without a trace", async () => {
    await project.destroy();
    const { stdout } = await lab.host("kvm1").run(["virsh", "-c", "lxc:///system", "list", "--all", "--name"]);
    assert.equal(stdout.trim(), "");
  });
});
