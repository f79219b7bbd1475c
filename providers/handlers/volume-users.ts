import type { Connection } from "../libvirt/connection";
import { VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE, VIR_DOMAIN_XML_INACTIVE } from "../libvirt/constants";
import type { Domain } from "../libvirt/handles";
import { attribute, child, children, parse, type Element } from "../libvirt/xml/document";
import { parseVolume } from "../libvirt/xml/volume";
import { found } from "./adopt";

/** A guest's disk that is the volume, or (`layer` > 0) lies on it. */
export interface DiskUse {
  domain: Domain;
  running: boolean;
  /** The disk's name in the guest: "vda". */
  target: string;
  layer: number;
}

export interface VolumeUsers {
  disks: DiskUse[];
  /** Paths of the volumes, in any pool of the host, that are overlays of it. */
  overlays: string[];
}

type Index = Map<string, VolumeUsers>;

/**
 * Who uses the volumes of one host. A scan reads the document of every guest and every volume; the questions that come
 * while one runs share the next, so that each is answered by a scan that began after it was asked.
 */
class VolumeUsersScanner {
  private running?: Promise<Index>;
  private next?: Promise<Index>;

  async usersOf(connection: Connection, path: string): Promise<VolumeUsers> {
    const index = await this.scan(connection);
    return index.get(path) ?? { disks: [], overlays: [] };
  }

  private scan(connection: Connection): Promise<Index> {
    if (this.next) return this.next;
    if (!this.running) return this.start(connection);
    const restart = () => {
      this.next = undefined;
      return this.start(connection);
    };
    return (this.next = this.running.then(restart, restart));
  }

  private start(connection: Connection): Promise<Index> {
    const scan = scanHost(connection).finally(() => {
      if (this.running === scan) this.running = undefined;
    });
    return (this.running = scan);
  }
}

const scanners = new Map<string, VolumeUsersScanner>();

/** The guests and overlays that use the volume whose file is `path`. */
export function volumeUsers(connection: Connection, path: string): Promise<VolumeUsers> {
  const scanner = scanners.get(connection.uri) ?? new VolumeUsersScanner();
  scanners.set(connection.uri, scanner);
  return scanner.usersOf(connection, path);
}

async function scanHost(connection: Connection): Promise<Index> {
  const index: Index = new Map();
  const users = (path: string) => {
    const known = index.get(path) ?? { disks: [], overlays: [] };
    index.set(path, known);
    return known;
  };
  const [domains, pools] = await Promise.all([
    connection.connectListAllDomains(),
    connection.connectListAllStoragePools(VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE),
  ]);
  const paths = new Map<string, string>();
  await Promise.all(
    pools.map(async (pool) => {
      const volumes = (await found(connection.storagePoolListAllVolumes(pool))) ?? [];
      await Promise.all(
        volumes.map(async (volume) => {
          const xml = await found(connection.storageVolGetXMLDesc(volume));
          if (xml === undefined) return;
          const { path, backing } = parseVolume(xml);
          paths.set(`${pool.name}/${volume.name}`, path);
          if (backing) users(backing.path).overlays.push(path);
        }),
      );
    }),
  );
  await Promise.all(
    domains.map(async (domain) => {
      const live = await found(connection.domainGetXMLDesc(domain, 0));
      const config = await found(connection.domainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE));
      const running = domain.id >= 0;
      for (const { path, target, layer } of [...disksOf(live, paths), ...disksOf(config, paths)]) {
        const { disks } = users(path);
        if (!disks.some((disk) => disk.domain.uuid === domain.uuid && disk.target === target))
          disks.push({ domain, running, target, layer });
      }
    }),
  );
  return index;
}

/** Every file that a guest's disks consist of, from the top of each chain down. */
function disksOf(
  xml: string | undefined,
  paths: Map<string, string>,
): { path: string; target: string; layer: number }[] {
  if (xml === undefined) return [];
  return children(child(parse(xml), "devices"), "disk").flatMap((disk) => {
    const target = attribute(child(disk, "target"), "dev") ?? "";
    const found: { path: string; target: string; layer: number }[] = [];
    let layer = 0;
    for (let at: Element | undefined = disk; at; at = child(at, "backingStore"), layer++) {
      const source = child(at, "source");
      const volume = `${attribute(source, "pool")}/${attribute(source, "volume")}`;
      const path = attribute(source, "file") ?? attribute(source, "dev") ?? paths.get(volume);
      if (path !== undefined) found.push({ path, target, layer });
    }
    return found;
  });
}

/** "guest web-1 (vda), overlay /srv/app-1.qcow2"; undefined when nobody uses it. */
export function nameUsers({ disks, overlays }: VolumeUsers): string | undefined {
  const names = [
    ...disks.map(({ domain, target }) => `guest ${domain.name} (${target})`),
    ...overlays.map((path) => `overlay ${path}`),
  ];
  return names.length > 0 ? names.join(", ") : undefined;
}
