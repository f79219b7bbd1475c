import type { Connection } from "../libvirt/connection";
import {
  VIR_DOMAIN_CRASHED,
  VIR_DOMAIN_PAUSED,
  VIR_DOMAIN_PMSUSPENDED,
  VIR_DOMAIN_SHUTOFF,
  VIR_DOMAIN_XML_INACTIVE,
  VIR_DOMAIN_XML_SECURE,
} from "../libvirt/constants";
import type { Domain } from "../libvirt/handles";
import { parse, type Element } from "../libvirt/xml/document";
import { parseDomain, type DomainModel } from "../libvirt/xml/domain";
import { found } from "./adopt";

export type Power = "running" | "paused" | "shutoff";

/** One of a guest's two documents. */
export interface DomainDocument {
  xml: string;
  root: Element;
  model: DomainModel;
}

/** A guest as libvirt shows it at one moment. */
export interface DomainLook {
  domain: Domain;
  power: Power;
  /** What it starts with the next time. */
  config: DomainDocument;
  /** What runs; undefined when it is off. */
  live?: DomainDocument;
  autostart: boolean;
  /** False for a guest that was undefined while it runs: it is gone when it stops. */
  persistent: boolean;
}

/** libvirt finds a guest by its UUID alone: no look-up is needed for a handle. */
export function handleOf(uuid: string, name: string): Domain {
  return { uuid, name, id: -1 };
}

export function powerOf(state: number): Power {
  if (state === VIR_DOMAIN_SHUTOFF || state === VIR_DOMAIN_CRASHED) return "shutoff";
  return state === VIR_DOMAIN_PAUSED || state === VIR_DOMAIN_PMSUSPENDED ? "paused" : "running";
}

/** Everything about a guest in one round trip; undefined when it is gone. */
export async function look(connection: Connection, domain: Domain): Promise<DomainLook | undefined> {
  return found(
    Promise.all([
      connection.domainGetState(domain),
      // Secure: a password of the screen must survive the definition being written again.
      connection.domainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE),
      connection.domainGetXMLDesc(domain),
      connection.domainGetAutostart(domain),
      connection.domainIsPersistent(domain),
    ]).then(([{ state }, config, live, autostart, persistent]) => {
      const power = powerOf(state);
      return {
        domain,
        power,
        config: document(config),
        live: power === "shutoff" ? undefined : document(live),
        autostart,
        persistent,
      };
    }),
  );
}

export function document(xml: string): DomainDocument {
  const root = parse(xml);
  return { xml, root, model: parseDomain(root) };
}
