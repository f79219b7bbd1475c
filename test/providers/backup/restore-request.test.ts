import assert from "node:assert/strict";
import { findJob, jobArguments } from "../../../providers/backup/restore-request";

const job = (resource: string, name: string) => ({
  urn: `urn:pulumi:dev::p::pulumi-kvm:backup:BackupJob$pulumi-nodejs:dynamic/kvm:TarBackup::${resource}`,
  type: "pulumi-nodejs:dynamic/kvm:TarBackup",
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

  it("is a restore with a place, and a list without", () => {
    assert.deepEqual(jobArguments({}), ["list"]);
    assert.deepEqual(jobArguments({ at: "yesterday", path: ["*.txt", "/a"] }), [
      "list",
      "--at",
      "yesterday",
      "--path",
      "*.txt",
      "--path",
      "/a",
    ]);
    assert.deepEqual(jobArguments({ to: "/srv/x", target: "2", identity: "KEY", overwrite: true }), [
      "restore",
      "--to",
      "/srv/x",
      "--target",
      "2",
      "--identity",
      "-",
      "--overwrite",
    ]);
    assert.throws(() => jobArguments({ damaged: true }), { message: "--damaged needs --to DIR" });
  });
});
