import type { Context } from "../dynamic/contract";
import { hostMachine } from "./domain-lxc-host";
import type { DomainState } from "./domain-state";

/**
 * Where no systemd runs on a host, libvirt leaves the control group of systemd's hierarchy to nobody: the container made
 * one, and it is empty now. "$1" is the container's UUID.
 */
const REMOVE_GROUPS = `
for root in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
  [ ! -d "$root" ] || find "$root" -depth -type d -path "*/kvm-$1*" -exec rmdir {} +
done`;

/** Removes what a container left of itself on its host. What cannot be removed is told, and harms nobody. */
export async function cleanUpContainer(state: DomainState, context: Context): Promise<void> {
  const host = hostMachine(state);
  if (!host) return;
  try {
    await host.run(["sh", "-c", REMOVE_GROUPS, "sh", state.uuid], { signal: context.signal, timeout: 10_000 });
  } catch (error) {
    context.progress(`an empty control group stays on the host: ${(error as Error).message}`);
  }
}
