import type { Connection } from "../libvirt/connection";
import { ErrorCode } from "../libvirt/errors";
import { editDomain } from "../libvirt/xml/domain";
import type { Domain } from "../libvirt/handles";
import type { DomainLook, Power } from "./domain-look";
import { pauseOrResume, start, type StartAdvice } from "./domain-power";

const missing: StartAdvice = {
  codes: [ErrorCode.SYSTEM_ERROR, ErrorCode.INTERNAL_ERROR],
  fix: "see that root, init, mounts and devices exist on the host; what init says itself is in /var/log/libvirt/lxc there",
};

/** Starts a container that is off. libvirt starts none that stands still. */
export async function startContainer(connection: Connection, domain: Domain, power: Power): Promise<void> {
  await start(connection, domain, "running", missing);
  if (power === "paused") await pauseOrResume(connection, domain, power);
}

/** libvirt renames no container: it forgets the one that is off, and is told of it under its new name. */
export async function renameContainer(connection: Connection, seen: DomainLook, name: string): Promise<void> {
  const { domain, config, autostart } = seen;
  const renamed = editDomain(config.xml, { ...config.model, name }, ["name"]);
  await connection.domainUndefineFlags(domain, 0);
  await connection.domainDefineXMLFlags(renamed, 0);
  if (autostart) await connection.domainSetAutostart(domain, true);
}
