import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudInitSeedHandler } from "../../../providers/handlers/cloud-init-seed";
import { skip } from "../../skip";
import { Played } from "./played";

describe("cloud-init seed handler", () => {
  let folder: string;
  let args: { machine: object; directory: string; name: string; userData?: string | object; networkConfig?: object };

  before(function () {
    if (process.getuid?.() !== 0) skip(this, "needs root, to mount");
    // The first makes images, the second reads them; they come together.
    if (!existsSync("/usr/bin/genisoimage") || !existsSync("/usr/bin/isoinfo")) skip(this, "needs genisoimage");
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-seed-"));
    args = { machine: { kind: "local" }, directory: folder, name: "web" };
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  /** A file of the seed by the name that Linux shows. */
  const content = (name: string) =>
    execFileSync("isoinfo", ["-i", join(folder, "web-seed.iso"), "-R", "-x", `/${name}`]).toString();

  it("makes an image that holds what cloud-init reads, for root alone", async () => {
    const seed = new Played(new CloudInitSeedHandler());
    const userData = { users: [{ name: "ops", passwd: "$6$secret" }] };
    await seed.up({ ...args, hostname: "web.example.org", userData, networkConfig: { version: 2 } });
    const { path } = seed.state;
    assert.equal(path, join(folder, "web-seed.iso"));
    assert.deepEqual(readdirSync(folder), ["web-seed.iso"]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(readFileSync(path).subarray(32808, 32814).toString(), "cidata");
    assert.deepEqual(JSON.parse(content("meta-data")), { "instance-id": "web", "local-hostname": "web.example.org" });
    assert.match(content("user-data"), /^#cloud-config\n\{/);
    assert.deepEqual(JSON.parse(content("user-data").replace(/^.*\n/, "")), userData);
    assert.deepEqual(JSON.parse(content("network-config")), { version: 2 });
  });

  it("changes in place, is found changed and gone, and is removed", async () => {
    const seed = new Played(new CloudInitSeedHandler());
    await seed.up({ ...args, userData: "#!/bin/sh\ntrue\n" });
    assert.deepEqual(await seed.refresh(), []);
    assert.deepEqual(await seed.up({ ...args, userData: "#!/bin/sh\nfalse\n" }), ["userData: live"]);
    assert.ok(readFileSync(seed.state["path"]).includes("false"));

    writeFileSync(seed.state["path"], "changed", { flag: "a" });
    assert.deepEqual(await seed.refresh(), ["userData"]);
    await seed.up({ ...args, userData: "#!/bin/sh\nfalse\n" });
    assert.deepEqual(await seed.refresh(), []);
    await seed.destroy();
    assert.deepEqual(readdirSync(folder), []);
  });

  it("does not overwrite what is no seed", async () => {
    writeFileSync(join(folder, "web-seed.iso"), "mine");
    await assert.rejects(
      new Played(new CloudInitSeedHandler()).up(args),
      /web-seed\.iso is there and is no seed\. Fix: choose another name/,
    );
    assert.deepEqual(readdirSync(folder), ["web-seed.iso"]);
  });

  it("shows no secret in what it refuses", async () => {
    const [reason] = await new Played(new CloudInitSeedHandler()).preview({ ...args, userData: "hunter2" });
    assert.match(reason!, /userData.*has no first line that cloud-init knows/);
    assert.doesNotMatch(reason!, /hunter2/);
  });
});
