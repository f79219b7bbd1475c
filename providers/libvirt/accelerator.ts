import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { parseCapabilities } from "./capabilities";
import type { Connection } from "./connection";
import { VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_START_AUTODESTROY } from "./constants";
import { isLibvirtError } from "./errors";
import { element, serialize } from "./xml/document";

/** How guests' processors are run. */
export interface Acceleration {
  accelerator: "kvm" | "tcg";
  /** Why, in words: "a guest ran under KVM". */
  reason: string;
}

/** Milliseconds in which the firmware of a guest that really runs under KVM is done; it needs a fraction of them. */
const patience = 2000;

const remembered = new Map<string, Promise<Acceleration>>();

/**
 * What "auto" means on a host: KVM where libvirt offers it, the processor can, and a tiny guest really runs, because
 * /dev/kvm may exist and accept a guest that then hangs. Found out once for every host in a process.
 *
 * @param warn told once, by the one call that finds out, when guests will be emulated
 */
export function acceleration(connection: Connection, warn?: (message: string) => void): Promise<Acceleration> {
  const known = remembered.get(connection.uri);
  if (known) return known;
  const asked = findOut(connection).then((found) => {
    if (found.accelerator === "tcg")
      warn?.(`warning: guests run emulated (TCG), several times slower than with KVM: ${found.reason}`);
    return found;
  });
  remembered.set(connection.uri, asked);
  asked.catch(() => remembered.delete(connection.uri));
  return asked;
}

async function findOut(connection: Connection): Promise<Acceleration> {
  const { cpu, guests } = parseCapabilities(await connection.connectGetCapabilities());
  if (!guests.some(({ domainTypes }) => domainTypes.includes("kvm")))
    return { accelerator: "tcg", reason: "libvirt offers no KVM; /dev/kvm is missing or closed to it" };
  if (cpu.arch !== "x86_64") return { accelerator: "kvm", reason: "libvirt offers KVM" };
  if (await lacksVirtualization(connection.uri))
    return { accelerator: "tcg", reason: "the processor has neither vmx nor svm" };
  const failure = await probe(connection);
  return failure === undefined
    ? { accelerator: "kvm", reason: "a guest ran under KVM" }
    : { accelerator: "tcg", reason: failure };
}

/** Whether this machine's processor is known to have no hardware virtualization; another host's cannot be looked at. */
async function lacksVirtualization(uri: string): Promise<boolean> {
  if (!/^[a-z]+:\/\/\//.test(uri)) return false;
  const flags = /^flags\s*:(.*)$/m.exec(await readFile("/proc/cpuinfo", "utf8").catch(() => ""))?.[1];
  return flags !== undefined && !/ (vmx|svm)( |$)/.test(flags);
}

/**
 * A guest with nothing but firmware: it finds nothing to boot and, with a reboot timeout of 0, resets at once, which ends
 * it. So a guest that runs ends within a fraction of a second, and needs no image, no file and no network.
 */
export function probeXML(name: string, type: "kvm" | "qemu"): string {
  return serialize(
    element(
      "domain",
      { type },
      element("name", {}, name),
      element("memory", { unit: "MiB" }, 16),
      element("vcpu", {}, 1),
      element(
        "os",
        {},
        element("type", { arch: "x86_64", machine: "q35" }, "hvm"),
        element("bios", { rebootTimeout: 0 }),
      ),
      element("on_reboot", {}, "destroy"),
      element(
        "devices",
        {},
        element("controller", { type: "usb", model: "none" }),
        element("memballoon", { model: "none" }),
      ),
    ),
  );
}

/** Why no guest runs under KVM; undefined when one did. */
export async function probe(
  connection: Connection,
  type: "kvm" | "qemu" = "kvm",
  limit = patience,
): Promise<string | undefined> {
  const name = `kvm-probe-${randomUUID()}`;
  let ended: () => void;
  const ran = new Promise<void>((resolve) => (ended = resolve));
  const stop = connection.onDomainLifecycle(({ dom, event }) => {
    if (dom.name === name && (event === VIR_DOMAIN_EVENT_SHUTDOWN || event === VIR_DOMAIN_EVENT_STOPPED)) ended();
  });
  try {
    await stop.ready;
    // Should this process end now, libvirt ends the guest.
    const domain = await connection.domainCreateXML(probeXML(name, type), VIR_DOMAIN_START_AUTODESTROY);
    try {
      return await within(ran, limit);
    } finally {
      // Nobody has to wait for it: a guest that ran ends on its own, and one that hangs ends with this process too.
      connection.domainDestroyFlags(domain).catch(() => {});
    }
  } catch (error) {
    if (!isLibvirtError(error)) throw error;
    return `a guest cannot be started under KVM: ${error.message}`;
  } finally {
    stop();
  }
}

async function within(ran: Promise<void>, limit: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`a guest under KVM hung: its firmware was not done in ${limit / 1000} s`), limit);
  });
  return Promise.race([ran.then(() => undefined), late]).finally(() => clearTimeout(timer));
}
