import assert from "node:assert/strict";
import { assertAccepted, computes, find, ofKind, run, tree, valueOf } from "../mocks";
import { BackupJob, PostgresInstance, type BackupJobArgs } from "../../../components";
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

  describe("of a database", () => {
    const database = (args: Partial<BackupJobArgs> = {}) =>
      run(() => {
        const orders = new PostgresInstance("orders", { machine: local, port: 5433 });
        new BackupJob("home", { database: orders, target: "/var/backup", ...args });
      });

    it("dumps it before, takes the dump away after, and has drills look at it", async () => {
      const made = await database({ paths: ["/etc/postgresql"] });
      assertAccepted(made);
      const job = find("TarBackup", "home", made);
      const folder = "/var/lib/kvm-backup-postgresql";
      assert.deepEqual(job.inputs["machine"], local);
      assert.deepEqual(job.inputs["paths"], ["/etc/postgresql", folder]);
      assert.deepEqual(job.inputs["before"].slice(0, 2), ["sh", "-c"]);
      assert.deepEqual(job.inputs["before"].slice(3), ["sh", "5433", folder]);
      assert.deepEqual(job.inputs["after"], ["rm", "-rf", "--", folder]);
      assert.deepEqual(job.inputs["check"].slice(3), ["sh", folder]);
      assert.ok(job.dependencies.includes("PostgresInstance orders"));
    });

    it("has no check without drills", async () => {
      const made = await database({ drill: "never" });
      assertAccepted(made);
      assert.equal(find("TarBackup", "home", made).inputs["check"], undefined);
    });

    it("has hooks of its own", async () => {
      await assert.rejects(database({ before: ["true"] }), {
        message: "BackupJob home: before: the database has its own. Fix: another job for the rest",
      });
    });
  });

  it("needs a machine", async () => {
    await assert.rejects(declare({ machine: undefined }), {
      message: "BackupJob home: machine is required, or a database",
    });
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
