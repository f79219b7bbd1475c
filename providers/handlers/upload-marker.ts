import { hostname } from "node:os";
import type { Connection } from "../libvirt/connection";
import type { StoragePool, StorageVol } from "../libvirt/handles";
import { volumeXML } from "../libvirt/xml/volume";
import { found } from "./adopt";

/** A volume beside the one that is being filled, whose name says by whom: what remains of it tells that nobody finished. */
function markerPrefix(name: string): string {
  return `${name}.unfinished.`;
}

export function makeMarker(connection: Connection, pool: StoragePool, name: string): Promise<StorageVol> {
  const marker = `${markerPrefix(name)}${hostname()}.${process.pid}`;
  return connection.storageVolCreateXML(pool, volumeXML({ name: marker, format: "raw", capacity: 0 }));
}

/** The markers of uploads to `name` that did not end. */
export async function markersOf(connection: Connection, pool: StoragePool, name: string): Promise<StorageVol[]> {
  const volumes = (await found(connection.storagePoolListAllVolumes(pool))) ?? [];
  return volumes.filter((volume) => volume.name.startsWith(markerPrefix(name)));
}

/** Whether the upload's process is known to be gone. One of another machine may still be at work. */
export function isAbandoned(marker: StorageVol, name: string): boolean {
  const maker = marker.name.slice(markerPrefix(name).length);
  const dot = maker.lastIndexOf(".");
  return maker.slice(0, dot) === hostname() && !runs(Number(maker.slice(dot + 1)));
}

function runs(pid: number): boolean {
  // Every upload of this process that is still under way holds the volume's lock.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
