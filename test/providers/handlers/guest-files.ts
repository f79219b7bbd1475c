import { chmodSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Empty disks of 1 MiB in a folder that QEMU's user can enter. */
export class GuestFiles {
  readonly folder = mkdtempSync(join(tmpdir(), "kvmtest-"));

  constructor() {
    chmodSync(this.folder, 0o755);
  }

  create(name: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, "");
    truncateSync(path, 1024 * 1024);
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
