import assert from "node:assert/strict";
import { groupsProblem, hybridProblem } from "../../../../providers/host/control-groups";
import type { Machine } from "../../../../providers/machine/machine";

const first = [
  "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0",
  "cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0",
];
const hybrid = [...first, "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0"];
const problem =
  "libvirt starts no container on a host with control groups of both versions (/sys/fs/cgroup/unified beside version 1)";
const fix =
  "boot it with systemd.unified_cgroup_hierarchy=1 on the kernel's command line; without systemd, unmount version 2 and restart libvirtd";

describe("control groups for containers", () => {
  it("are fine in either version, and not in both", () => {
    assert.equal(hybridProblem(first), undefined);
    assert.equal(hybridProblem(["cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0"]), undefined);
    assert.equal(hybridProblem(hybrid), problem);
  });

  it("are asked of the host, with what to change there", async () => {
    const asked = (lines: string[]) => {
      const run = async () => ({ exitCode: 0, stdout: lines.join("\n"), stderr: "", truncated: false });
      return groupsProblem({ label: "kvm1", run } as unknown as Machine);
    };
    assert.equal(await asked(first), undefined);
    assert.equal(await asked(hybrid), `${problem}. Fix: ${fix}`);
  });
});
