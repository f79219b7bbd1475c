import assert from "node:assert/strict";
import { BootstrapImage, Guest, GuestBackup, KvmHost, RestoredImage } from "../../../components";
import { assertAccepted, computeOutputs, find, run, valueOf } from "../mocks";

describe("RestoredImage", () => {
  before(computeOutputs);

  it("is a disk of a backup on the host, with the kernel of what the guest was made from", async () => {
    let image!: RestoredImage;
    const made = await run(() => {
      const host = new KvmHost("kvm1");
      const original = new BootstrapImage("debian", { host });
      const guest = new Guest("web", { host, image: original });
      const backup = new GuestBackup("web-images", { host, guest, target: "/srv/backup" });
      image = new RestoredImage("then", { host, backup, at: "2026-07-28 12:00", original });
      new Guest("web-then", { host, image });
    });
    assertAccepted(made);
    const restored = find("DiskRestore", "then", made);
    const to = /^\/var\/lib\/libvirt\/images\/then-[0-9a-f]{8}\.qcow2$/;
    assert.match(restored.inputs["to"], to);
    assert.deepEqual(
      { ...restored.inputs, to: "" },
      {
        ...{ machine: { kind: "local" }, from: { kind: "local" }, repository: "/srv/backup/web-images" },
        ...{ at: "2026-07-28 12:00", retain: "delete", format: "qcow2", to: "" },
      },
    );
    assert.ok(restored.dependencies.includes("GuestBackup web-images"));
    assert.match(find("Volume", "web-then-root", made).inputs["backing"].path, to);
    assert.equal(image.agent, true);
    assert.equal(await valueOf(image.kernel!), find("Domain", "web-then", made).inputs["kernel"]);
  });

  it("comes from another host too, and boots by itself without an original", async () => {
    let image!: RestoredImage;
    const made = await run(() => {
      const host = new KvmHost("kvm1");
      const from = { kind: "ssh", host: "kvm2" } as const;
      image = new RestoredImage("then", { host, from, repository: "/srv/backup/web", disk: "vda", retain: "keep" });
    });
    assertAccepted(made);
    const { from, repository, disk, retain } = find("DiskRestore", "then", made).inputs;
    assert.deepEqual(
      { from, repository, disk, retain },
      { from: { kind: "ssh", host: "kvm2" }, repository: "/srv/backup/web", disk: "vda", retain: "keep" },
    );
    assert.equal(image.agent, false);
    assert.equal(image.kernel, undefined);
  });

  const refused: [args: object, message: string][] = [
    [{}, "RestoredImage then: needs backup, or repository; one of them"],
    [{ backup: {}, repository: "/a" }, "RestoredImage then: needs backup, or repository; one of them"],
    [
      { backup: {}, from: { kind: "local" } },
      "RestoredImage then: from is the backup's own. Fix: leave it out, or name a repository",
    ],
    [
      { repository: "/a", original: { kind: "lxc" } },
      "RestoredImage then: original is a folder, for containers: GuestBackup has none of it",
    ],
  ];
  for (const [args, message] of refused)
    it(`refuses ${JSON.stringify(args)}`, async () => {
      await assert.rejects(
        run(() => void new RestoredImage("then", { host: new KvmHost("kvm1"), ...args })),
        { message },
      );
    });
});
