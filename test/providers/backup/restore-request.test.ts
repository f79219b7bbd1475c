import assert from "node:assert/strict";
import { findJob, jobArguments } from "../../../providers/backup/restore-request";

const job = (resource: string, name: string, kind = "TarBackup") => ({
  urn: `urn:pulumi:dev::p::pulumi-nodejs:dynamic/kvm:${kind}::${resource}`,
  type: `pulumi-nodejs:dynamic/kvm:${kind}`,
  outputs: { name, machine: { kind: "local" } },
});

describe("a request to restore", () => {
  const state = { resources: [job("home", "home"), job("web-1-data", "data"), job("web-2-data", "data")] };

  it("finds the job by its resource or its name", () => {
    assert.equal(findJob(state, "home", "dev").name, "home");
    assert.equal(findJob(state, "web-2-data", "dev").name, "data");
    assert.throws(() => findJob(state, "data", "dev"), {
      message: 'the stack dev has several jobs "data". Fix: name the resource: web-1-data, web-2-data',
    });
    assert.throws(() => findJob(state, "other", "dev"), {
      message: 'the stack dev has no backup job "other". Jobs: home, web-1-data, web-2-data',
    });
    assert.throws(() => findJob({}, "home", "dev"), /Jobs: none$/);
  });

  it("tells files from images of disks", () => {
    const both = { resources: [job("web", "web"), job("web", "web", "GuestBackup"), job("x", "y", "GuestBackup")] };
    assert.equal(findJob(both, "y", "dev").kind, "GuestBackup");
    assert.equal(findJob(both, "GuestBackup:web", "dev").kind, "GuestBackup");
    assert.equal(findJob(both, "TarBackup:web", "dev").kind, "TarBackup");
    assert.throws(() => findJob(both, "web", "dev"), {
      message: 'the stack dev has several jobs "web". Fix: name the resource: TarBackup:web, GuestBackup:web',
    });
  });

  it("of images of disks names one of them and a file", () => {
    assert.deepEqual(jobArguments("GuestBackup", { at: "yesterday" }), ["list", "--at", "yesterday"]);
    assert.deepEqual(
      jobArguments("GuestBackup", { at: "yesterday", disk: "vdb", to: "/srv/x", format: "raw", overwrite: true }),
      ["restore", "--to", "/srv/x", "--at", "yesterday", "--disk", "vdb", "--format", "raw", "--overwrite"],
    );
    assert.throws(() => jobArguments("GuestBackup", { disk: "vda" }), { message: "--disk needs --to FILE" });
    assert.throws(() => jobArguments("GuestBackup", { path: ["/a"], to: "/b" }), {
      message:
        "--path is of jobs that have files (BackupJob); this one has images of disks. Allowed: --at, --disk, --format, --overwrite, --to FILE",
    });
    assert.throws(() => jobArguments("TarBackup", { disk: "vda" }), {
      message: "--disk is of jobs that have images of disks (GuestBackup); this one has files",
    });
  });

  it("is a restore with a place, and a list without", () => {
    assert.deepEqual(jobArguments("TarBackup", {}), ["list"]);
    assert.deepEqual(jobArguments("TarBackup", { at: "yesterday", path: ["*.txt", "/a"] }), [
      "list",
      "--at",
      "yesterday",
      "--path",
      "*.txt",
      "--path",
      "/a",
    ]);
    assert.deepEqual(jobArguments("TarBackup", { to: "/srv/x", target: "2", identity: "KEY", overwrite: true }), [
      "restore",
      "--to",
      "/srv/x",
      "--target",
      "2",
      "--identity",
      "-",
      "--overwrite",
    ]);
    assert.throws(() => jobArguments("TarBackup", { damaged: true }), { message: "--damaged needs --to DIR" });
  });
});
