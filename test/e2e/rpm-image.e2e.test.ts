import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab } from "../lab/lab";
import { builtRpm } from "../providers/rpm/built-rpm";
import { skip } from "../skip";
import { Project } from "./project";

/** As little of a system as a container boots. */
const system = `mkdir -p bin sbin usr/bin etc root tmp proc sys dev run var/log
cp /bin/busybox bin/busybox
for name in $(/bin/busybox --list); do [ $name = busybox ] || ln -s busybox bin/$name; done
ln -s ../bin/busybox sbin/init
echo 'root:x:0:0::/root:/bin/sh' >etc/passwd
echo '::sysinit:/bin/true' >etc/inittab
echo one >etc/issue`;

describe("an image out of RPMs in a stack", function () {
  this.timeout(240_000);
  let folder: string;
  let lab: Lab | undefined;
  let project: Project | undefined;

  before(async function () {
    if (Lab.obstacle) skip(this, Lab.obstacle);
    for (const tool of ["/usr/bin/rpmbuild", "/usr/bin/createrepo_c", "/bin/busybox"])
      if (!existsSync(tool)) skip(this, `needs ${tool}`);
    folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-rpm-"));
    lab = await Lab.up();
  });
  after(async () => {
    if (project) await project.attempt("destroy", "--yes", "--skip-preview");
    await project?.dispose();
    await lab?.down();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const host = () => lab!.host("kvm1");
  const program = (packages: string[], { image = "", guest = "" } = {}) => `
const host = new kvm.KvmHost("kvm1", { connection: { uri: ${JSON.stringify(host().socketUri())} }, machine: ${JSON.stringify(host().machine)} });
const image = new kvm.RpmImage("appliance", { host, packages: ${JSON.stringify(packages)}, ${image} });
const guest = new kvm.Guest("appliance", { host, kind: "lxc", image, memory: "64MiB", shutdownTimeout: "1s", ${guest} });
new kvm.File("note", { machine: guest, path: "/etc/note", content: "by the program" });
exports.path = image.path;
exports.contents = image.contents;
`;
  const inside = async (...argv: string[]) => (await host().inContainer("appliance", argv)).stdout.trim();
  const images = async () =>
    (await host().run(["ls", "/var/lib/libvirt/filesystems"])).stdout
      .split("\n")
      .filter((name) => name.startsWith("rpm-"));

  const repository = () => join(folder, "repository");
  const publish = (version: string, content: string) => {
    const install = `mkdir usr; printf ${content} >usr/more`;
    const made = builtRpm(folder, { name: "more", version, install, files: "/usr/more" });
    mkdirSync(repository(), { recursive: true });
    renameSync(made, join(repository(), `more-${version}.rpm`));
    execFileSync("createrepo_c", ["--quiet", repository()], { stdio: ["ignore", "ignore", "pipe"] });
  };

  it("is what a container boots, stays, takes another package, and goes", async () => {
    const base = builtRpm(folder, { name: "base", install: system, files: "/*" });
    project = await Project.create(program([base]));
    await project.up();
    assert.equal(await inside("/bin/cat", "/etc/issue", "/etc/note"), "one\nby the program");
    const first = await images();
    assert.deepEqual(await project.plan(), []);

    publish("1.9", "one");
    publish("1.10", "two");
    const repositories = `repositories: { own: { baseurl: "file://${repository()}", gpgcheck: false, repo_gpgcheck: false } }`;
    const changed = { image: `format: "tar", ${repositories}`, guest: 'disruption: "replace"' };
    await project.write(program([base, "mere"], { image: changed.image }));
    await assert.rejects(
      project.preview(),
      /cannot check: there is no package .* in own; near it: more \(own\)\. Fix: correct/,
    );
    await project.write(program([base, "more"], { image: changed.image }));
    await assert.rejects(project.up(), /what was written in it is lost\) disturbs more than is allowed: reboot/);
    await project.write(program([base, "more"], changed));
    await project.up();
    const { path, contents } = await project.outputs<{ path: string; contents: string[] }>();
    assert.deepEqual(contents, ["base-1.0-1.noarch", "more-1.10-1.noarch"]);
    assert.match(path, /\.tar$/);
    assert.equal(await inside("/bin/cat", "/etc/issue", "/usr/more"), "one\ntwo");
    for (const part of first) assert.ok(!(await images()).includes(part), part);
    publish("2.0", "three");
    assert.deepEqual(await project.plan(), []);

    await project.write(program([base, "more"], { ...changed, image: `serial: "2", ${changed.image}` }));
    await project.up();
    assert.deepEqual((await project.outputs<{ contents: string[] }>()).contents[1], "more-2.0-1.noarch");
    assert.equal(await inside("/bin/cat", "/usr/more"), "three");

    await project.destroy();
    assert.equal((await host().run(["ls", "/var/lib/libvirt/filesystems"])).stdout, "");
  });
});
