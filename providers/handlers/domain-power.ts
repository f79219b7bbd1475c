import type { Context } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import { type Connection, events } from "../libvirt/connection";
import { VIR_DOMAIN_START_PAUSED } from "../libvirt/constants";
import { ErrorCode, ErrorDomain, isLibvirtError, isMissing } from "../libvirt/errors";
import type { Domain } from "../libvirt/handles";
import { powerOf, type Power } from "./domain-look";

/** Milliseconds after which a guest that has not shut down is asked again: one that boots does not hear the button. */
const askAgain = 5000;

/** What to do about a start that failed with one of these codes. */
export interface StartAdvice {
  codes: number[];
  fix: string;
}

const unreadable: StartAdvice = {
  codes: [ErrorCode.SYSTEM_ERROR],
  fix: "see that the file exists on the host and QEMU's user (libvirt-qemu) may read it and enter its folders",
};

/** Starts a guest that is off. */
export async function start(
  connection: Connection,
  domain: Domain,
  power: Power,
  advice: StartAdvice = unreadable,
): Promise<void> {
  const flags = power === "paused" ? VIR_DOMAIN_START_PAUSED : 0;
  for (let attempt = 1; ; attempt++)
    try {
      await connection.domainCreateWithFlags(domain, flags);
      return;
    } catch (cause) {
      if (!isPassing(cause) || attempt === attempts) throw startError(cause, advice);
    }
}

const attempts = 5;

/** The kernel refuses to load a cgroup's device filter while a signal is pending, and libvirt does not ask again. */
function isPassing(error: unknown): boolean {
  return isLibvirtError(error, ErrorCode.SYSTEM_ERROR) && error.domain === ErrorDomain.CGROUP;
}

/** libvirt's reason with what an operator can do about it, where the reason has a number of its own. */
function startError(cause: unknown, { codes, fix }: StartAdvice): unknown {
  if (!isLibvirtError(cause)) return cause;
  const reason = `cannot start: ${cause.message.trim()}`;
  if (cause.is(ErrorCode.NO_NETWORK))
    return new OperatorError(reason, {
      fix: "declare it as a Network, or name one that virsh net-list --all shows",
      cause,
    });
  if (cause.is(ErrorCode.OPERATION_INVALID) && cause.domain === ErrorDomain.NETWORK)
    return new OperatorError(reason, { fix: "virsh net-start NETWORK", cause });
  if (cause.is(ErrorCode.NO_MEMORY))
    return new OperatorError(reason, { fix: "give it less memory, or free some on the host", cause });
  // The only thing that libvirt asks about a host bridge, where it fails first.
  if (cause.is(ErrorCode.SYSTEM_ERROR) && cause.message.includes("interface MTU"))
    return new OperatorError(reason, { fix: "name a bridge that ip link shows on the host, or make it", cause });
  if (cause.is(...codes)) return new OperatorError(reason, { fix, cause });
  return new OperatorError(reason, { cause });
}

/** Brings a guest that runs or is paused to the other of the two. */
export async function pauseOrResume(connection: Connection, domain: Domain, wanted: Power): Promise<void> {
  if (wanted === "paused") await connection.domainSuspend(domain);
  else await connection.domainResume(domain);
}

/**
 * Asks the guest to shut down, by its agent or else by the power button, and turns it off when it has not done so in
 * `timeout` milliseconds. A paused guest cannot do anything, and is turned off.
 */
export async function shutDown(
  connection: Connection,
  domain: Domain,
  power: Power,
  timeout: number,
  context: Context,
): Promise<void> {
  if (power === "shutoff") return;
  if (power === "running" && timeout > 0) {
    const asking = setInterval(() => ask(connection, domain), askAgain);
    try {
      ask(connection, domain);
      await untilOff(connection, domain, AbortSignal.any([context.signal, AbortSignal.timeout(timeout)]));
      return;
    } catch (error) {
      context.signal.throwIfAborted();
      if (!isTimeout(error)) throw error;
      context.progress(`has not shut down in ${timeout / 1000} s, and is turned off`);
    } finally {
      clearInterval(asking);
    }
  }
  await turnOff(connection, domain);
}

/** libvirt asks the agent where there is one, and presses the power button where that fails. */
function ask(connection: Connection, domain: Domain): void {
  // That a guest cannot be asked shows in that it stays on.
  connection.domainShutdown(domain).catch(() => {});
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

async function untilOff(connection: Connection, domain: Domain, signal: AbortSignal): Promise<void> {
  await connection.waitUntil(
    [events.domainLifecycle],
    async () => {
      const state = await connection.domainGetState(domain).catch(goneIsOff);
      return state === undefined || powerOf(state.state) === "shutoff" ? true : undefined;
    },
    { signal },
  );
}

function goneIsOff(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  throw error;
}

/** Turns a guest off at once; one that is off or gone already is fine. */
export async function turnOff(connection: Connection, domain: Domain, flags = 0): Promise<void> {
  await connection.domainDestroyFlags(domain, flags).catch((error) => {
    if (!isMissing(error) && !isLibvirtError(error, ErrorCode.OPERATION_INVALID)) throw error;
  });
}

/** Turns a guest off and forgets it; never what its data is in. */
export async function undefine(
  connection: Connection,
  domain: Domain,
  destroyFlags: number,
  undefineFlags: number,
): Promise<void> {
  try {
    await turnOff(connection, domain, destroyFlags);
  } catch (error) {
    if (!isLibvirtError(error, ErrorCode.SYSTEM_ERROR, ErrorCode.OPERATION_FAILED)) throw error;
    await turnOff(connection, domain);
  }
  await connection.domainUndefineFlags(domain, undefineFlags).catch((error) => {
    // A transient guest is gone with its end.
    if (!isMissing(error) && !isLibvirtError(error, ErrorCode.OPERATION_INVALID)) throw error;
  });
}
