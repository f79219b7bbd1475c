import assert from "node:assert/strict";
import { assertAccepted, computeOutputs, find, run, tree, valueOf } from "../mocks";
import { BootstrapImage, KvmHost } from "../../../components";

describe("BootstrapImage", () => {
  before(computeOutputs);

  it("is built on the host, in its first pool", async () => {
    let image!: BootstrapImage;
    const made = await run(() => {
      const host = new KvmHost("kvm1", { connection: { uri: "qemu+ssh://root@kvm1/system" } });
      image = new BootstrapImage("web", { host, suite: "trixie", packages: ["nginx-light"], size: "8GiB" });
    });
    assertAccepted(made);
    assert.deepEqual(
      tree(made).filter((line) => line.includes("Image")),
      ["BootstrapImage web", "BootstrapImage web > BootstrapImage web"],
    );
    const built = find("BootstrapImage", "web", made);
    assert.deepEqual(built.inputs, {
      machine: { kind: "ssh", host: "kvm1", user: "root" },
      directory: "/var/lib/libvirt/images",
      suite: "trixie",
      packages: ["nginx-light"],
      size: "8GiB",
    });
    assert.deepEqual(built.dependencies, ["StoragePool kvm1-images"]);
    assert.equal(await valueOf(image.path), "/var/lib/libvirt/images/web.qcow2");
    assert.equal(await valueOf(image.format), "qcow2");
    assert.equal(await valueOf(image.kernel!), "/var/lib/libvirt/images/web.vmlinuz");
    assert.equal(await valueOf(image.initrd!), "/var/lib/libvirt/images/web.initrd");
    assert.equal(image.agent, true);
  });

  it("is kept in the pool that is named", async () => {
    const made = await run(() => {
      const host = new KvmHost("kvm1", { pools: { a: { path: "/srv/a" }, b: { path: "/srv/b" } } });
      new BootstrapImage("web", { host, pool: "b" });
    });
    assertAccepted(made);
    assert.equal(find("BootstrapImage", "web", made).inputs["directory"], "/srv/b");
    assert.deepEqual(find("BootstrapImage", "web", made).dependencies, ["StoragePool kvm1-b"]);
  });

  it("is a folder among the host's filesystems for containers, without kernel and agent", async () => {
    let image!: BootstrapImage;
    const made = await run(() => {
      const host = new KvmHost("kvm1", { filesystems: "/srv/roots" });
      image = new BootstrapImage("web", { host, format: "directory" });
    });
    assertAccepted(made);
    const { inputs, dependencies } = find("BootstrapImage", "web", made);
    assert.deepEqual(inputs, { format: "directory", machine: { kind: "local" }, directory: "/srv/roots" });
    assert.deepEqual(dependencies, []);
    assert.equal(await valueOf(image.path), "/srv/roots/web.root");
    assert.deepEqual(
      [image.kind, image.agent, image.kernel, image.initrd, image.cmdline],
      ["lxc", false, undefined, undefined, undefined],
    );
  });

  it("refuses a pool for a folder", async () => {
    const program = () => new BootstrapImage("web", { host: new KvmHost("kvm1"), format: "directory", pool: "images" });
    await assert.rejects(run(program), {
      message:
        "BootstrapImage web: pool holds disk images, and a folder is kept in the host's filesystems. Fix: leave pool out",
    });
  });

  it("refuses a pool that the host does not have", async () => {
    const program = () => new BootstrapImage("web", { host: new KvmHost("kvm1"), pool: "imags" });
    await assert.rejects(run(program), { message: 'KvmHost kvm1: there is no pool "imags". Declared: images' });
  });
});
