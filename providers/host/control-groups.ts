import type { Machine } from "../machine/machine";

/** Where a libvirtd sees control groups: its own mounts, which may be others than those of who asks. */
const GROUPS = `
mounts=/proc/self/mounts
for file in /run/virtlxcd.pid /run/libvirtd.pid; do
  [ ! -r "$file" ] || { read -r pid <"$file"; [ ! -r "/proc/$pid/mounts" ] || mounts=/proc/$pid/mounts; break; }
done
grep -E '^[^ ]+ [^ ]+ cgroup2? ' "$mounts"
[ ! -d /run/systemd/system ] || echo systemd
:`;

/**
 * Why libvirt starts no container on a host with these control groups, and what to change there; undefined where it does.
 *
 * With hierarchies of both versions it wants to make the folder of the second before the first one's is there. In those of
 * version 1 a systemd since 243 takes a container for a part of libvirtd's own service
 * (https://github.com/systemd/systemd/issues/13629).
 *
 * @param groups their mounts, as lines of /proc/mounts, and "systemd" where that is what keeps them
 */
export function groupsObstacle(groups: readonly string[]): { problem: string; fix: string } | undefined {
  const second = groups.find((line) => / cgroup2 /.test(line))?.split(" ")[1];
  if (!groups.some((line) => / cgroup /.test(line))) return undefined;
  const systemd = groups.includes("systemd");
  const boot = "boot it with systemd.unified_cgroup_hierarchy=1 on the kernel's command line";
  if (second !== undefined)
    return {
      problem: `libvirt starts no container on a host with control groups of both versions (${second} beside version 1)`,
      fix: systemd ? boot : `unmount ${second} and restart libvirtd`,
    };
  if (!systemd) return undefined;
  return { problem: "libvirt starts no container where systemd keeps control groups of version 1", fix: boot };
}

/** The same of a host that can be asked. */
export async function groupsProblem(host: Machine, signal?: AbortSignal): Promise<string | undefined> {
  const { stdout } = await host.run(["sh", "-c", GROUPS], { signal, timeout: 20_000 });
  const obstacle = groupsObstacle(stdout.split("\n"));
  return obstacle && `${obstacle.problem}. Fix: ${obstacle.fix}`;
}
