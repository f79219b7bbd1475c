import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { madeRpm } from "../providers/rpm/made-rpm";
import { skip } from "../skip";
import { Project } from "./project";

describe("an image out of RPMs in a stack", function () {
  this.timeout(180_000);
  let folder: string;
  let project: Project | undefined;

  before(function () {
    if (process.getuid?.() !== 0) skip(this, "needs root");
    folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-rpm-"));
    chmodSync(folder, 0o755); // QEMU's user enters pools.
  });
  after(async () => {
    await project?.dispose();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const program = (...packages: string[]) => `
const host = new kvm.KvmHost("here", { connection: { uri: "qemu:///system" }, pools: { rpm: { path: ${JSON.stringify(join(folder, "pool"))} } }, filesystems: ${JSON.stringify(join(folder, "roots"))} });
const image = new kvm.RpmImage("tree", { host, packages: ${JSON.stringify(packages)} });
exports.path = image.path;
exports.contents = image.contents;
`;

  it("is made, stays, takes another package, and goes", async () => {
    const one = madeRpm(join(folder, "one.rpm"), { files: [{ path: "/usr/one", content: "1" }] });
    const two = madeRpm(join(folder, "two.rpm"), { files: [{ path: "/usr/two", content: "2" }] });
    project = await Project.create(program(one));
    await project.up();
    const first = (await project.outputs<{ path: string }>()).path;
    assert.equal(readFileSync(join(first, "usr/one"), "utf8"), "1");
    assert.deepEqual(await project.plan(), []);

    await project.write(program(one, two));
    assert.ok((await project.plan()).some((step) => step.endsWith("RpmImage tree")));
    await project.up();
    const { path, contents } = await project.outputs<{ path: string; contents: string[] }>();
    assert.deepEqual(contents, ["made-1.0-1.noarch", "made-1.0-1.noarch"]);
    assert.deepEqual(readdirSync(join(path, "usr")).sort(), ["one", "two"]);
    assert.equal(existsSync(first), false);
    assert.deepEqual(await project.plan(), []);

    await project.destroy();
    assert.deepEqual(readdirSync(join(folder, "roots")), []);
  });
});
