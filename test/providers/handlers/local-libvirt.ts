import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection } from "../../../providers/libvirt/connection";
import { VIR_DOMAIN_START_PAUSED } from "../../../providers/libvirt/constants";
import type { Domain } from "../../../providers/libvirt/handles";
import { open } from "../../../providers/libvirt/open";
import { skip } from "../../skip";

export { Played } from "./played";

export const uri = "qemu:///system";

/** This machine's libvirtd; the suite is skipped where there is none to be used. */
export async function localLibvirt(context: Mocha.Context): Promise<Connection> {
  if (process.getuid?.() !== 0) skip(context, "needs root");
  try {
    return await open(uri);
  } catch (error) {
    return skip(context, `no libvirtd answers: ${(error as Error).message}`);
  }
}

/** Names that this process alone uses: "kvmtest-4711-net". */
export function own(name: string): string {
  return `kvmtest-${process.pid}-${name}`;
}

/** A guest that needs nothing and does nothing: paused, without an operating system. */
export function pausedGuest(connection: Connection, name: string, devices: string): Promise<Domain> {
  return connection.domainCreateXML(
    `<domain type="qemu"><name>${name}</name><memory unit="MiB">16</memory><os><type>hvm</type></os>
     <devices><controller type="usb" model="none"/><memballoon model="none"/>${devices}</devices></domain>`,
    VIR_DOMAIN_START_PAUSED,
  );
}

/** A folder that guests and libvirtd can read, and that `done` removes. */
export function scratch(): { path: string; done(): void } {
  const path = mkdtempSync(join(tmpdir(), "kvmtest-"));
  chmodSync(path, 0o755);
  return { path, done: () => rmSync(path, { recursive: true, force: true }) };
}
