import { progress } from "../dynamic/operation";
import { ConnectError, ConnectionLost } from "../libvirt/errors";

const said = new Set<string>();

/** Says, once for all objects, that they were checked without asking their host: what comes of them shows in `up`. */
export function sayUnreachable({ message }: Error): void {
  if (said.has(message)) return;
  said.add(message);
  progress(`warning: what depends on the host was not checked: ${message}`);
}

/** The connection, or undefined where the host cannot be reached: a preview then asks it nothing. */
export async function reachable<T>(connecting: Promise<T>): Promise<T | undefined> {
  try {
    return await connecting;
  } catch (error) {
    if (!(error instanceof ConnectError || error instanceof ConnectionLost)) throw error;
    sayUnreachable(error);
    return undefined;
  }
}
