import { OperatorError } from "../dynamic/errors";
import { CommandError } from "../machine/command-error";
import type { Machine } from "../machine/machine";
import { archive } from "./archive";

/** What cloud-init's NoCloud source reads (https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html). */
export interface Seed {
  instanceId: string;
  hostname?: string;
  userData?: string;
  networkConfig?: string;
}

/**
 * Makes an ISO 9660 image with the volume label cidata. Argument: its path. Standard input: an archive of its files,
 * which may hold secrets: they are unpacked in memory only, where no other process sees them and nothing is left.
 */
const MAKE = `
set -eu
umask 077
fail() { echo "kvm-image: $*" >&2; exit 1; }
path=$1
partial=\${path%/*}/.kvm-seed.\${path##*/}
for tool in genisoimage xorrisofs mkisofs none; do command -v "$tool" >/dev/null && break; done
[ "$tool" != none ] || fail "missing: genisoimage"
[ -d "\${path%/*}" ] || fail "folder: \${path%/*} does not exist"
if [ -e "$path" ] && [ "$(tail -c +32809 -- "$path" | head -c 6)" != cidata ]; then fail "taken: $path"; fi
trap 'rm -f -- "$partial"' EXIT
trap 'exit 143' HUP INT TERM
mount -t tmpfs -o mode=700 kvm-seed /dev/shm
tar -x -f - -C /dev/shm
"$tool" -quiet -output "$partial" -volid cidata -joliet -rock /dev/shm
sync "$partial"
mv -fT -- "$partial" "$path"`;

/** Writes the seed to `path` on the machine, readable by root alone; libvirt hands it to the guest that has it as a disk. */
export async function writeSeed(machine: Machine, path: string, seed: Seed, signal?: AbortSignal): Promise<void> {
  const metaData = { "instance-id": seed.instanceId, ...(seed.hostname && { "local-hostname": seed.hostname }) };
  const stdin = archive([
    { name: "meta-data", content: `${JSON.stringify(metaData, undefined, 2)}\n` },
    { name: "user-data", content: seed.userData ?? "#cloud-config\n{}\n" },
    ...(seed.networkConfig === undefined ? [] : [{ name: "network-config", content: seed.networkConfig }]),
  ]);
  try {
    await machine.run(["unshare", "--mount", "sh", "-c", MAKE, "sh", path], { stdin, signal });
  } catch (error) {
    throw error instanceof CommandError ? explained(error, machine.label) : error;
  }
}

function explained(error: CommandError, machine: string): Error {
  const [, what, detail] = /kvm-image: (\w+): (.*)/.exec(error.stderr) ?? [];
  switch (what) {
    case "missing":
      return new OperatorError(`no program that makes ISO images is installed on ${machine}`, {
        fix: "apt-get install genisoimage",
      });
    case "folder":
      return new OperatorError(detail!, { fix: "declare the pool that the seed goes into, or name another folder" });
    case "taken":
      return new OperatorError(`${detail} is there and is no seed`, { fix: "choose another name, or move it away" });
  }
  return error;
}
