import assert from "node:assert/strict";
import { unknownValue } from "../../../providers/dynamic/unknown";
import { RpmImageHandler } from "../../../providers/handlers/rpm-image";
import { rpmImageSchema, type RpmImageInputs, type RpmSource } from "../../../providers/schema/rpm-image";
import { parsed } from "../schema/parse";

const sha256 = "ab".repeat(32);
const found = (name: string): RpmSource => ({
  name,
  found: `${name}-1-1.noarch`,
  repository: "base",
  href: `${name}.rpm`,
  sha256,
});
const repository = { baseurl: "http://127.0.0.1/", gpgcheck: false, repo_gpgcheck: false };
const image = (more: object = {}): RpmImageInputs =>
  parsed(rpmImageSchema, {
    machine: { kind: "local" },
    directory: "/srv/images",
    packages: [{ name: "one" }, { path: "./two.rpm", sha256 }],
    repositories: { base: repository },
    ...more,
  });
const olds: RpmImageInputs = { ...image(), packages: [found("one"), { path: "./two.rpm", sha256 }] };
const kept = (more: object) => new RpmImageHandler().generate(image(more), olds).packages;

describe("names of packages that were looked up", () => {
  it("stay while the image does", () => {
    assert.deepEqual(kept({}), olds.packages);
    assert.deepEqual(kept({ retain: "keep", maxSize: "1GiB" }), olds.packages);
    const moved = { path: "./elsewhere.rpm", sha256 };
    assert.deepEqual(kept({ packages: [{ name: "one" }, moved] }), [found("one"), moved]);
  });

  it("are looked up again for another image", () => {
    for (const more of [
      { serial: "2" },
      { format: "tar" },
      { architecture: "aarch64" },
      { repositories: { base: { ...repository, baseurl: "http://127.0.0.2/" } } },
      { packages: [{ name: "one" }] },
      { packages: [{ name: "one-1" }, { path: "./two.rpm", sha256 }] },
      { packages: [{ name: "one" }, { name: "more" }, { path: "./two.rpm", sha256 }] },
    ])
      assert.equal(kept(more), undefined, JSON.stringify(more));
    assert.deepEqual(new RpmImageHandler().generate(image(), undefined), {});
  });

  it("stay where other inputs are not known yet, and where all packages are not", () => {
    const handler = new RpmImageHandler();
    const unknown = unknownValue as never;
    assert.deepEqual(handler.generate({ ...image(), maxSize: unknown }, olds).packages, olds.packages);
    assert.deepEqual(handler.generate({ ...image(), packages: unknown }, olds), {});
    const [one] = olds.packages;
    assert.deepEqual(handler.generate({ ...image(), packages: [{ name: "one" }, unknown] }, olds).packages, [
      one,
      unknown,
    ]);
  });

  it("ask for the architecture where the machine cannot tell it", async () => {
    const handler = new RpmImageHandler();
    const machine = { kind: "ssh" as const, host: "127.0.0.1", port: 1 };
    const context = { signal: AbortSignal.timeout(30_000), progress: () => {} };
    await assert.rejects(handler.lookUp(image({ machine }), context), {
      message:
        'packages are looked up for the architecture of ssh 127.0.0.1:1, which cannot be asked. Fix: set architecture: "x86_64" or what it has',
    });
  });
});
