import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConnectionUri } from "../../../../providers/libvirt/rpc/connection-uri";
import { socketPath } from "../../../../providers/libvirt/rpc/transport-unix";

describe("the socket of a daemon on this machine", () => {
  const before = process.env["XDG_RUNTIME_DIR"];
  let folder: string;
  const path = (uri: string) => socketPath(parseConnectionUri(uri));
  const put = (name: string) => writeFileSync(join(folder, "libvirt", name), "");

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "transport-unix-"));
    mkdirSync(join(folder, "libvirt"));
    process.env["XDG_RUNTIME_DIR"] = folder;
  });

  afterEach(() => {
    if (before === undefined) delete process.env["XDG_RUNTIME_DIR"];
    else process.env["XDG_RUNTIME_DIR"] = before;
    rmSync(folder, { recursive: true, force: true });
  });

  it("is the one that the URI names", () => {
    assert.equal(path("qemu:///system?socket=/tmp/sock"), "/tmp/sock");
  });

  it("is libvirtd's where that exists or none does", () => {
    assert.equal(path("qemu:///session"), join(folder, "libvirt/libvirt-sock"));
    put("libvirt-sock");
    put("virtqemud-sock");
    assert.equal(path("qemu:///session"), join(folder, "libvirt/libvirt-sock"));
  });

  it("is the driver's own daemon's where only that exists, or where the URI says so", () => {
    put("virtqemud-sock");
    put("virtlxcd-sock");
    assert.equal(path("qemu:///session"), join(folder, "libvirt/virtqemud-sock"));
    assert.equal(path("lxc:///session"), join(folder, "libvirt/virtlxcd-sock"));
    put("libvirt-sock");
    assert.equal(path("qemu:///session?mode=direct"), join(folder, "libvirt/virtqemud-sock"));
  });
});
