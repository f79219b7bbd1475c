import assert from "node:assert/strict";
import { groupsObstacle, groupsProblem } from "../../../../providers/host/control-groups";
import type { Machine } from "../../../../providers/machine/machine";

const first = [
  "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0",
  "cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0",
];
const hybrid = [...first, "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0"];
const both =
  "libvirt starts no container on a host with control groups of both versions (/sys/fs/cgroup/unified beside version 1)";
const kept = "libvirt starts no container where systemd keeps control groups of version 1";
const boot = "boot it with systemd.unified_cgroup_hierarchy=1 on the kernel's command line";

describe("control groups for containers", () => {
  it("are fine in version 2, and in version 1 without a systemd", () => {
    assert.equal(groupsObstacle(["cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0", "systemd"]), undefined);
    assert.equal(groupsObstacle(first), undefined);
    assert.equal(groupsObstacle([]), undefined);
  });

  it("are not in both versions, nor in version 1 with a systemd", () => {
    assert.deepEqual(groupsObstacle([...hybrid, "systemd"]), { problem: both, fix: boot });
    assert.deepEqual(groupsObstacle(hybrid), {
      problem: both,
      fix: "unmount /sys/fs/cgroup/unified and restart libvirtd",
    });
    assert.deepEqual(groupsObstacle([...first, "systemd"]), { problem: kept, fix: boot });
  });

  it("are asked of the host, with what to change there", async () => {
    const asked = (lines: string[]) => {
      const run = async () => ({ exitCode: 0, stdout: lines.join("\n"), stderr: "", truncated: false });
      return groupsProblem({ label: "kvm1", run } as unknown as Machine);
    };
    assert.equal(await asked(first), undefined);
    assert.equal(await asked([...hybrid, "systemd"]), `${both}. Fix: ${boot}`);
  });
});
