import assert from "node:assert/strict";
import { assertAccepted, computes, find, ofKind, run, tree, valueOf } from "../mocks";
import { BackupJob, type BackupJobArgs } from "../../../components";
import * as pulumi from "@pulumi/pulumi";

const local = { kind: "local" } as const;
const base = { machine: local, paths: ["/home"], target: "/var/backup" };

/** A machine that is a guest, as far as a job can see. */
class Place extends pulumi.ComponentResource {
  readonly machine = { kind: "agent" as const, uri: "qemu:///system", domain: "web" };
  readonly domain = new pulumi.ComponentResource("test:index:Domain", "domain");
}

describe("BackupJob", () => {
  const declare = async (args: Partial<BackupJobArgs>) => {
    const made = await run(() => new BackupJob("home", { ...base, ...args }));
    assertAccepted(made);
    return made;
  };

  it("is a job with a weekly drill, and installs nothing on a host", async () => {
    const made = await declare({ keep: { days: 14 }, split: "20MiB" });
    assert.deepEqual(tree(made), ["BackupJob home", "BackupJob home > TarBackup home"]);
    assert.deepEqual(find("TarBackup", "home", made).inputs, {
      machine: local,
      name: "home",
      paths: ["/home"],
      target: "/var/backup",
      keep: { days: 14 },
      split: "20MiB",
      drill: "weekly",
    });
  });

  it("installs what it needs in a guest first", async () => {
    const key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    const made = await run(
      () => new BackupJob("home", { ...base, machine: new Place("test:index:Place", "place"), encrypt: [key] }),
    );
    assert.deepEqual(find("Package", "home-tools", made).inputs["names"], ["zstd", "age"]);
    const job = find("TarBackup", "home", made);
    assert.ok(job.dependencies.includes("Package home-tools"));
    assert.equal(job.inputs["drill"], undefined, "without the private key nothing can be restored there");
  });

  it("installs what a bucket needs", async () => {
    const made = await declare({ install: true, target: ["/var/backup", { bucket: "backups" }] });
    assert.deepEqual(find("Package", "home-tools", made).inputs["names"], ["zstd", "rclone"]);
  });

  it("installs on a host when told to, and has no drill when told so", async () => {
    const made = await declare({ install: true, drill: "never" });
    assert.equal(ofKind("Package", made).length, 1);
    assert.equal(find("TarBackup", "home", made).inputs["drill"], "never");
  });

  it("hands on what the job is like", async () => {
    computes("TarBackup", () => ({ health: "ok", lastVerifiedRestore: "2026-07-29T11:59:00Z" }));
    let job!: BackupJob;
    await run(() => void (job = new BackupJob("home", base)));
    assert.equal(await valueOf(job.health), "ok");
    assert.equal(await valueOf(job.lastVerifiedRestore), "2026-07-29T11:59:00Z");
  });
});
