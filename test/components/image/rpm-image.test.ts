import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertAccepted, computeOutputs, find, run, valueOf } from "../mocks";
import { KvmHost, RpmImage } from "../../../components";

const url = "https://example.org/nginx.rpm";
const sha256 = "ab".repeat(32);
const key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n";

describe("RpmImage", () => {
  let folder: string;
  before(computeOutputs);
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "pulumi-kvm-rpm-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is a folder among the host's filesystems, of files and URLs with their digests", async () => {
    const path = join(folder, "base.rpm");
    writeFileSync(path, "base");
    writeFileSync(join(folder, "key"), key);
    let image!: RpmImage;
    const made = await run(async () => {
      const host = new KvmHost("kvm1", { filesystems: "/srv/roots" });
      image = new RpmImage("appliance", { host, packages: [path, { url, sha256 }], keys: [join(folder, "key")] });
      await valueOf(image.path);
    });
    assertAccepted(made);
    assert.deepEqual(find("RpmImage", "appliance", made).inputs, {
      machine: { kind: "local" },
      directory: "/srv/roots",
      format: "directory",
      packages: [
        { path, sha256: createHash("sha256").update("base").digest("hex") },
        { url, sha256 },
      ],
      keys: [key],
    });
    assert.equal(await valueOf(image.path), "/srv/roots/appliance.root");
    assert.deepEqual([image.kind, image.agent], ["lxc", false]);
  });

  it("is of packages by name, in repositories whose keys are files", async () => {
    writeFileSync(join(folder, "key"), key);
    const baseurl = "https://example.org/os/";
    const made = await run(async () => {
      const host = new KvmHost("kvm1", { filesystems: "/srv/roots" });
      const repositories = {
        base: { baseurl, gpgkey: join(folder, "key") },
        more: { baseurl, gpgkey: [key, join(folder, "key")], repo_gpgcheck: false },
        own: { baseurl: "file:///srv/own", gpgcheck: false, repo_gpgcheck: false },
      };
      const packages = ["nginx", "base-1.0-1.noarch", { name: "bash" }];
      await valueOf(new RpmImage("appliance", { host, packages, repositories, architecture: "aarch64" }).path);
    });
    assertAccepted(made);
    const { packages, repositories } = find("RpmImage", "appliance", made).inputs;
    assert.deepEqual(packages, [{ name: "nginx" }, { name: "base-1.0-1.noarch" }, { name: "bash" }]);
    assert.deepEqual(repositories, {
      base: { baseurl, gpgkey: [key] },
      more: { baseurl, gpgkey: [key, key], repo_gpgcheck: false },
      own: { baseurl: "file:///srv/own", gpgcheck: false, repo_gpgcheck: false },
    });
  });

  it("is a disk in a pool", async () => {
    let image!: RpmImage;
    const made = await run(async () => {
      const host = new KvmHost("kvm1", { pools: { a: { path: "/srv/a" } } });
      image = new RpmImage("data", { host, format: "qcow2", packages: [{ url, sha256 }] });
      await valueOf(image.path);
    });
    assertAccepted(made);
    assert.equal(await valueOf(image.path), "/srv/a/data.qcow2");
    assert.equal(image.kind, "qemu");
  });

  it("refuses a pool for what is no disk", async () => {
    const program = () => new RpmImage("a", { host: new KvmHost("kvm1"), pool: "images", packages: [{ url, sha256 }] });
    await assert.rejects(run(program), {
      message:
        "RpmImage a: pool holds disk images, and this one is kept in the host's filesystems. Fix: leave pool out",
    });
  });
});
