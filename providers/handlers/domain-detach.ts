import { OperatorError } from "../dynamic/errors";
import { type Connection, events } from "../libvirt/connection";
import { isLibvirtError } from "../libvirt/errors";
import { child, parse, type Element } from "../libvirt/xml/document";
import type { DomainLook } from "./domain-look";

/** Milliseconds that a guest gets to let go of a device. */
const patience = 20_000;
const brief = 2000;

/** What is taken out, and how it is known to be there still. */
export interface Detached {
  label: string;
  present(devices: Element | undefined): boolean;
}

/**
 * Plugs a device out of a running guest. The guest has to let go of it: libvirt's answer says only that it was asked, so
 * this waits until the device is gone.
 */
export async function detach(
  connection: Connection,
  { domain, power }: DomainLook,
  xml: string,
  flags: number,
  detached: Detached,
): Promise<void> {
  const { label } = detached;
  let refused: string | undefined;
  const stop = connection.on(events.domainDeviceRemovalFailed, ({ dom }) => {
    if (dom.uuid === domain.uuid) refused = "the guest refused to let go of it";
  });
  const gone = async () => {
    if (refused !== undefined) throw refusal(label, refused);
    return detached.present(child(parse(await connection.domainGetXMLDesc(domain)), "devices")) ? undefined : true;
  };
  let late = AbortSignal.timeout(patience);
  let reason = "the guest did not let go of it in time";
  try {
    await stop.ready;
    await connection.domainDetachDeviceFlags(domain, xml, flags).catch((error) => {
      if (!isLibvirtError(error)) throw error;
      // Gone already, or asked for by an earlier run: that shows in a moment, and nothing else follows.
      reason = error.message.trim();
      late = AbortSignal.timeout(brief);
    });
    if (power === "paused") {
      reason = "the guest is paused and cannot let go of it";
      late = AbortSignal.timeout(brief);
    }
    await connection.waitUntil([events.domainDeviceRemoved, events.domainDeviceRemovalFailed], gone, { signal: late });
  } catch (error) {
    if (late.aborted) throw refusal(label, reason);
    throw error;
  } finally {
    stop();
  }
}

function refusal(label: string, reason: string): OperatorError {
  return new OperatorError(`cannot plug out ${label}: ${reason}`, {
    fix: "see that the guest has booted and does not use it (unmount it), then run up again",
  });
}
