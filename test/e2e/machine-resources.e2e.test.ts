import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Project } from "./project";

describe("files and commands of a program", function () {
  this.timeout(300_000);
  let project: Project | undefined;
  let folder: string;

  const program = (changes: { secret?: string; page?: string } = {}) => `
    const machine = { kind: "local" };
    const secret = new kvm.File("secret", {
      machine, path: "${folder}/secret", mode: "0600", content: pulumi.secret("${changes.secret ?? "hunter2-the-first"}"),
    });
    const page = new kvm.File("page", { machine, path: "${folder}/page", content: "${changes.page ?? "first"}" });
    const count = new kvm.Command("count", {
      machine,
      create: ["sh", "-c", 'echo run >> "$1"; test "\${#TOKEN}" = 14', "sh", "${folder}/runs"],
      delete: ["rm", "${folder}/runs"],
      env: { TOKEN: pulumi.secret("token-in-clear") },
      triggers: [page.revision, secret.revision],
    });
    exports.sha256 = page.sha256;`;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "kvm-e2e-"));
    project = await Project.create(program());
  });

  after(async () => {
    await project?.dispose();
    rmSync(folder, { recursive: true });
  });

  const runs = () => readFileSync(join(folder, "runs"), "utf8").trim().split("\n").length;

  it("are made, and nothing secret is said or stored in the clear", async () => {
    const { stdout, stderr } = await project!.up();
    assert.equal(readFileSync(join(folder, "secret"), "utf8"), "hunter2-the-first");
    assert.equal(runs(), 1);
    const state = await project!.stateFile();
    for (const secret of ["hunter2", "token-in-clear"]) {
      assert.ok(!state.includes(secret), `${secret} in the state`);
      assert.ok(!(stdout + stderr).includes(secret), `${secret} in the output`);
    }
    // Nor a hash, from which a short one could be found by trying.
    assert.ok(!state.includes(createHash("sha256").update("hunter2-the-first").digest("hex")));
    assert.deepEqual(await project!.plan(), []);
  });

  it("change in place, and what depends on them runs again", async () => {
    await project!.write(program({ secret: "hunter2-the-second" }));
    const preview = await project!.preview();
    assert.ok(!JSON.stringify(preview).includes("hunter2"));
    const { stdout, stderr } = await project!.up();
    assert.ok(!(stdout + stderr).includes("hunter2"), stdout);
    assert.equal(readFileSync(join(folder, "secret"), "utf8"), "hunter2-the-second");
    assert.equal(runs(), 2);
    await project!.write(program());
    await project!.up();
    assert.equal(runs(), 3);
  });

  it("are found changed by refresh, and repaired", async () => {
    writeFileSync(join(folder, "page"), "theirs");
    rmSync(join(folder, "secret"));
    await project!.refresh();
    const planned = await project!.plan();
    assert.deepEqual(planned.sort(), ["create File secret", "update Command count", "update File page"]);
    await project!.up();
    assert.equal(readFileSync(join(folder, "page"), "utf8"), "first");
    assert.equal(readFileSync(join(folder, "secret"), "utf8"), "hunter2-the-first");
    assert.deepEqual(await project!.plan(), []);
  });

  it("leave nothing behind", async () => {
    await project!.destroy();
    for (const name of ["secret", "page", "runs"]) assert.throws(() => readFileSync(join(folder, name)), /ENOENT/);
  });
});
