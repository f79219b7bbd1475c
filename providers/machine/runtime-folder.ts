import { lstatSync, mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string | undefined;

/**
 * A folder for sockets that only this user can enter, the same one for every run: $XDG_RUNTIME_DIR/pulumi-kvm, or
 * pulumi-kvm-UID in the temporary folder. Where someone else was there first, a fresh one.
 */
export function runtimeFolder(): string {
  return (folder ??= find());
}

function find(): string {
  const uid = process.getuid!();
  const runtime = process.env.XDG_RUNTIME_DIR;
  for (const path of [...(runtime ? [join(runtime, "pulumi-kvm")] : []), join(tmpdir(), `pulumi-kvm-${uid}`)]) {
    try {
      mkdirSync(path, { mode: 0o700, recursive: false });
    } catch {
      // There already, or cannot be made; which of the two shows below.
    }
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (status?.isDirectory() && status.uid === uid && (status.mode & 0o077) === 0) return path;
  }
  return mkdtempSync(join(tmpdir(), "pulumi-kvm-"));
}
