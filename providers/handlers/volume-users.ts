import type { Connection } from "../libvirt/connection";
import { VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE, VIR_DOMAIN_XML_INACTIVE } from "../libvirt/constants";
import type { Domain } from "../libvirt/handles";
import { attribute, child, children, parse, type Element } from "../libvirt/xml/document";
import { parseVolume } from "../libvirt/xml/volume";
import { found } from "./adopt";
import { shared } from "./surveyor";

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

/** The documents of one moment: of every guest and of every volume that libvirt knows. */
interface Survey {
  guests: { domain: Domain; documents: string[] }[];
  volumes: { pool: string; name: string; document: string }[];
}

const survey = shared(surveyHost, ({ uri }: Connection) => uri);

async function surveyHost(connection: Connection): Promise<Survey> {
  const [domains, pools] = await Promise.all([
    connection.connectListAllDomains(),
    connection.connectListAllStoragePools(VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE),
  ]);
  const guests = domains.map(async (domain) => {
    const kinds = domain.id >= 0 ? [0, VIR_DOMAIN_XML_INACTIVE] : [VIR_DOMAIN_XML_INACTIVE];
    const documents = await Promise.all(kinds.map((flags) => found(connection.domainGetXMLDesc(domain, flags))));
    return { domain, documents: documents.filter((document) => document !== undefined) };
  });
  const volumes = pools.map(async (pool) => {
    const known = (await found(connection.storagePoolListAllVolumes(pool))) ?? [];
    const documents = await Promise.all(known.map((volume) => found(connection.storageVolGetXMLDesc(volume))));
    return known.flatMap(({ name }, at) => {
      const document = documents[at];
      return document === undefined ? [] : [{ pool: pool.name, name, document }];
    });
  });
  return { guests: await Promise.all(guests), volumes: (await Promise.all(volumes)).flat() };
}

/** The guests and overlays that use the volume whose file is `path`. */
export async function volumeUsers(connection: Connection, path: string): Promise<VolumeUsers> {
  const { guests, volumes } = await survey(connection);

  // Parsing is what costs: only documents that may name the file are, by path or by the volume's name.
  const name = path.slice(path.lastIndexOf("/") + 1);
  const mayName = (document: string) => /[<>&"']/.test(name) || document.includes(name);
  const reports = volumes
    .filter(({ document }) => mayName(document))
    .map(({ pool, document }) => ({ pool, ...parseVolume(document) }));
  const paths = new Map(reports.map((report) => [`${report.pool}/${report.name}`, report.path]));
  const disks: DiskUse[] = [];
  for (const { domain, documents } of guests)
    for (const document of documents.filter(mayName))
      for (const { target, layer } of disksOn(document, path, paths))
        if (!disks.some((disk) => disk.domain.uuid === domain.uuid && disk.target === target))
          disks.push({ domain, running: domain.id >= 0, target, layer });
  const overlays = reports.filter((report) => report.backing?.path === path).map((report) => report.path);
  return { disks, overlays };
}

/** The disks of a guest whose chain of files, from the top down, has the file in it. */
function disksOn(document: string, path: string, paths: Map<string, string>): { target: string; layer: number }[] {
  return children(child(parse(document), "devices"), "disk").flatMap((disk) => {
    const target = attribute(child(disk, "target"), "dev") ?? "";
    const found: { target: string; layer: number }[] = [];
    let layer = 0;
    for (let at: Element | undefined = disk; at; at = child(at, "backingStore"), layer++) {
      const source = child(at, "source");
      const volume = `${attribute(source, "pool")}/${attribute(source, "volume")}`;
      const file = attribute(source, "file") ?? attribute(source, "dev") ?? paths.get(volume);
      if (file === path) found.push({ target, layer });
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
