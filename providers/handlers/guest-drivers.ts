import type { Connection } from "../libvirt/connection";
import { ConnectError } from "../libvirt/errors";
import { open } from "../libvirt/open";

export type Connect = (uri: string) => Promise<Connection>;

/** Drivers that plug guests into the networks of the same host. */
const drivers = ["qemu", "lxc"] as const;

const absent = new Set<string>();

/**
 * The connection, and those to the other drivers for guests on its host: networks and filters are one for all of them.
 * A driver that the host lacks is asked for once.
 */
export async function guestDrivers(connection: Connection, connect: Connect = open): Promise<Connection[]> {
  const others = siblings(connection.uri).filter((uri) => !absent.has(uri));
  const opened = await Promise.all(others.map((uri) => openIfThere(uri, connect)));
  // A connection that a test scripts answers for every driver.
  return [connection, ...opened.filter((other) => other !== undefined && other.uri !== connection.uri)] as Connection[];
}

async function openIfThere(uri: string, connect: Connect): Promise<Connection | undefined> {
  try {
    return await connect(uri);
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    absent.add(uri);
    return undefined;
  }
}

/** The same daemon's other drivers; only the system's daemons share their networks. */
function siblings(uri: string): string[] {
  const [, driver, rest] = /^(\w+)((?:\+\w+)?:\/\/[^/]*\/system(?:\?.*)?)$/.exec(uri) ?? [];
  if (!drivers.some((one) => one === driver)) return [];
  return drivers.filter((one) => one !== driver).map((one) => one + rest);
}

/** The URI, and those of the same daemon's other drivers. */
export function hostUris(uri: string): string[] {
  return [uri, ...siblings(uri)];
}

/** Whether two connections lead to guests of one host. */
export function sameHost(one: string | undefined, other: string | undefined): boolean {
  const host = (uri: string | undefined) => uri?.replace(/^\w+?(?=[+:])/, "");
  return one !== undefined && host(one) === host(other);
}
