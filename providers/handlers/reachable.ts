import { ConnectError, ConnectionLost } from "../libvirt/errors";

/** The connection, or undefined where the host cannot be reached: a preview then asks it nothing. */
export async function reachable<T>(connecting: Promise<T>): Promise<T | undefined> {
  try {
    return await connecting;
  } catch (error) {
    if (error instanceof ConnectError || error instanceof ConnectionLost) return undefined;
    throw error;
  }
}
