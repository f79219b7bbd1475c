import { createHash } from "node:crypto";
import { acmeFiles } from "../acme/places";
import type { WebServerInputs } from "../schema/web-server";
import type { WebSiteInputs } from "../schema/web-site";

/** What a server's configuration is written from. */
export interface WebServerModel {
  inputs: WebServerInputs;
  /** The folder that the configuration's files will be in. */
  folder: string;
  /** What the server's health page says, so that one knows which configuration answers. */
  generation: string;
  /** The user whose processes serve. */
  user: string;
  /** Whether the machine has IPv6. */
  ipv6: boolean;
  /** Of the server's program: [1, 22, 1]. */
  version: number[];
}

/** Where everything of a server is on its machine. */
export function placesOf(name: string) {
  return {
    configuration: `/etc/pulumi-kvm/${name}`,
    content: `/srv/pulumi-kvm/${name}`,
    cache: `/var/cache/pulumi-kvm/${name}`,
    logs: `/var/log/pulumi-kvm/${name}`,
    /** The server says that it is no longer to be asked while this file is there. */
    drain: `/run/pulumi-kvm-${name}.drain`,
    rotation: `/etc/logrotate.d/pulumi-kvm-${name}`,
  };
}

/** A site's name as the name of a file. */
export function fileName(site: string): string {
  return site.replace("*", "_any");
}

/** A site's name as a part of a variable's name, which no other site has. */
export function variableName(site: string): string {
  return `${site.replace(/[^a-z0-9]/g, "_").slice(0, 24)}_${digest(site)}`;
}

/** The files with a site's certificate and key. */
export function certificateOf(
  { inputs, folder }: Pick<WebServerModel, "inputs" | "folder">,
  name: string,
): { certificate: string; key: string } {
  if (inputs.sites[name]!.tls?.acme !== undefined) return acmeFiles(inputs.name, name);
  const label = `${folder}/certificates/${fileName(name)}`;
  return { certificate: `${label}.crt`, key: `${label}.key` };
}

/** The path of challenges, RFC 8555, 8.3, as a regular expression with the token as its first group. */
export const challengePath = "^/\\.well-known/acme-challenge/([A-Za-z0-9_-]+)$";

export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

export function siteEntries({ sites }: WebServerInputs): [name: string, site: WebSiteInputs][] {
  return Object.entries(sites).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The site that answers for hosts that no site names. */
export function defaultSite(inputs: WebServerInputs): string | undefined {
  const names = Object.keys(inputs.sites);
  return inputs.defaultSite ?? (names.length === 1 ? names[0] : undefined);
}

/** Patterns of paths by how much they say: exact ones, then longer beginnings. */
export function bySpecificity<T>(patterns: { [pattern: string]: T }): [pattern: string, value: T][] {
  const weight = (pattern: string) => (pattern.endsWith("*") ? pattern.length : 1000 + pattern.length);
  return Object.entries(patterns).sort(([a], [b]) => weight(b) - weight(a) || (a < b ? -1 : 1));
}

/** A text as a part of a regular expression that matches only itself. */
export function literal(text: string): string {
  return text.replace(/[.+*?^${}()|[\]\\]/g, "\\$&");
}
