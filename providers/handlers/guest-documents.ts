import type { Connection } from "../libvirt/connection";
import { VIR_DOMAIN_XML_INACTIVE } from "../libvirt/constants";
import type { Domain } from "../libvirt/handles";
import { found } from "./adopt";
import { guestDrivers, type Connect } from "./guest-drivers";
import { shared } from "./surveyor";

/** A guest's documents at one moment. */
export interface GuestDocuments {
  /** The connection to the guest's own driver. */
  connection: Connection;
  domain: Domain;
  /** What runs; undefined when it is off. */
  live?: string;
  /** What starts next time; undefined of a transient guest. */
  config?: string;
}

const looks = new Map<Connect | undefined, (connection: Connection) => Promise<GuestDocuments[]>>();

/** Every guest of the host, containers too. Those who ask at a time share one look. */
export function guestDocuments(connection: Connection, connect?: Connect): Promise<GuestDocuments[]> {
  const look =
    looks.get(connect) ??
    shared(
      (one: Connection) => documentsOf(one, connect),
      ({ uri }) => uri,
    );
  looks.set(connect, look);
  return look(connection);
}

async function documentsOf(connection: Connection, connect?: Connect): Promise<GuestDocuments[]> {
  const all = (await guestDrivers(connection, connect)).map(async (driver) => {
    const domains = await driver.connectListAllDomains();
    return Promise.all(
      domains.map(async (domain): Promise<GuestDocuments> => {
        const [live, config] = await Promise.all([
          domain.id >= 0 ? found(driver.domainGetXMLDesc(domain, 0)) : undefined,
          found(driver.domainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE)),
        ]);
        return { connection: driver, domain, live, config };
      }),
    );
  });
  return (await Promise.all(all)).flat();
}
