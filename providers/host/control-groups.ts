import type { Machine } from "../machine/machine";

/** Where a libvirtd sees control groups: its own mounts, which may be others than those of who asks. */
const MOUNTS = `
mounts=/proc/self/mounts
for file in /run/virtlxcd.pid /run/libvirtd.pid; do
  [ ! -r "$file" ] || { read -r pid <"$file"; [ ! -r "/proc/$pid/mounts" ] || mounts=/proc/$pid/mounts; break; }
done
grep -E '^[^ ]+ [^ ]+ cgroup2? ' "$mounts"
:`;

/**
 * Why libvirt starts no container on a host with these mounts of control groups, and what to change there; undefined where
 * it does. With hierarchies of both versions it wants to make the folder of the second before the first one's is there.
 */
export function hybridProblem(mounts: readonly string[]): string | undefined {
  const second = mounts.find((line) => / cgroup2 /.test(line))?.split(" ")[1];
  if (second === undefined || !mounts.some((line) => / cgroup /.test(line))) return undefined;
  return `libvirt starts no container on a host with control groups of both versions (${second} beside version 1)`;
}

/** What to change on such a host. */
export const hybridFix =
  "boot it with systemd.unified_cgroup_hierarchy=1 on the kernel's command line; without systemd, unmount version 2 and restart libvirtd";

/** The same of a host that can be asked. */
export async function groupsProblem(host: Machine, signal?: AbortSignal): Promise<string | undefined> {
  const { stdout } = await host.run(["sh", "-c", MOUNTS], { signal, timeout: 20_000 });
  const problem = hybridProblem(stdout.split("\n"));
  return problem && `${problem}. Fix: ${hybridFix}`;
}
