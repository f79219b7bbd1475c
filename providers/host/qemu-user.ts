import type { LibvirtReport } from "./libvirt-report";
import type { Entry, Survey } from "./survey";

/** The user that guests run as. */
export interface QemuUser {
  uid: number;
  gid: number;
  name?: string;
  /** All its groups; undefined where only the first is known. */
  groups?: number[];
}

/**
 * The user that QEMU runs as, from the base label of libvirt's dac driver, "+64055:+64055" (security/security_dac.c);
 * undefined where libvirt does not change users.
 */
export function qemuUser({ securityModels }: LibvirtReport, survey: Survey): QemuUser | undefined {
  const label = securityModels.find(({ name }) => name === "dac")?.baseLabel ?? "";
  const [uid, gid] = /^\+(\d+):\+(\d+)$/.exec(label)?.slice(1).map(Number) ?? [];
  if (uid === undefined || gid === undefined) return undefined;
  const known = survey.qemuUser?.uid === uid ? survey.qemuUser : undefined;
  return { uid, gid, name: known?.name, groups: known && [...known.groups, gid] };
}

/** Whether the permission bits allow it; access control lists may say more. Root has no capabilities when it is QEMU. */
export function may({ uid, gid, groups = [gid] }: QemuUser, what: "r" | "w" | "x", entry: Entry): boolean {
  const first = entry.uid === uid ? 1 : groups.includes(entry.gid) ? 4 : 7;
  const letter = entry.mode[first + "rwx".indexOf(what)]!;
  return what === "x" ? "xst".includes(letter) : letter === what;
}
