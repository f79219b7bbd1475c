import { readFileSync } from "node:fs";
import type * as pulumi from "@pulumi/pulumi";
import { readContent } from "../content/folder";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { onMachine, type MachineArg } from "./on-machine";
import type { SiteArgs } from "./web-site-args";

export interface LogsArgs {
  /** "combined" (default), or an object of JSON a line. */
  format?: pulumi.Input<"combined" | "json">;
  /** When logrotate begins a new one. Default "daily". */
  rotate?: pulumi.Input<"daily" | "weekly" | "monthly">;
  /** How many old ones are kept. Default 14. */
  keep?: pulumi.Input<number>;
}

export interface WebServerArgs {
  /** Where: a guest, a host, or `{ kind: "local" }`. */
  machine: MachineArg;
  /** It has to be installed: Debian's package nginx-light or apache2, and curl. Default "nginx". */
  server?: pulumi.Input<"nginx" | "apache">;
  /** What its folders on the machine are called. Default: the resource's name. */
  name?: pulumi.Input<string>;
  /** By the names of their hosts: "www.example.org", "*.example.org". */
  sites: { [name: string]: SiteArgs };
  /** The site that also answers for hosts that none of them names. Default: the only one; of several none. */
  defaultSite?: pulumi.Input<string>;
  /** Default 80. */
  http?: pulumi.Input<number>;
  /** Default 443. */
  https?: pulumi.Input<number>;
  /** The page of every site that tells whether the server is well: 200 and "ok", or 503. Default "/.health". */
  healthPath?: pulumi.Input<string>;
  /** Who may see the server's figures at `/.status`. Default: there is no such page. */
  status?: pulumi.Input<string[]>;
  /** Balancers and proxies before it, whose X-Forwarded-For tells who asks. */
  trustedProxies?: pulumi.Input<string[]>;
  logs?: LogsArgs;
  /** How many releases of each site's content stay on the machine, so that going back needs no transfer. Default 3. */
  keepReleases?: pulumi.Input<number>;
  /**
   * How long its health page says 503 before it stops for good, so that those who ask it find out. Not needed for tiers
   * of the same program, which are told before. Default "0s".
   */
  drain?: pulumi.Input<string>;
  /** How long it may take until it is healthy with a change. Default "30s". */
  timeout?: pulumi.Input<string>;
  /** Any text; another one has everything put in place again. */
  disk?: pulumi.Input<string>;
}

/**
 * A web server on a machine: configuration, content and service, as one. A change is put beside what serves, checked by
 * the server itself, switched to in one move and reloaded without losing a request; where the server is not healthy with
 * it, the old one is back, and the error has the server's own words. Its main configuration file is ours while it is
 * declared, and what it was before is back on delete.
 *
 * @example
 * new WebServer("www", { machine, sites: { "www.example.org": { root: "./site", redirects: { "/old": "/new" } } } });
 */
export class WebServer extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  declare readonly name: pulumi.Output<string>;
  /** The configuration that is in force. */
  declare readonly generation: pulumi.Output<{ name: string }>;
  /** "healthy" after an `up`; after a refresh what its health page said. */
  declare readonly health: pulumi.Output<string>;

  constructor(name: string, args: WebServerArgs, opts?: pulumi.CustomResourceOptions) {
    const { machine, sites, ...rest } = args;
    const split = Object.entries(sites).map(
      ([site, shape]) => [site, partsOf(`WebServer ${name}: ${site}`, shape)] as const,
    );
    const part = (field: "site" | "key" | "passwords") =>
      Object.fromEntries(split.flatMap(([site, parts]) => (parts[field] === undefined ? [] : [[site, parts[field]]])));
    super(
      "WebServer",
      name,
      {
        ...rest,
        name: args.name ?? name,
        // Not gone with its guest: it is drained before.
        machine: onMachine(machine, undefined).machine,
        sites: part("site"),
        keys: part("key"),
        passwords: part("passwords"),
      },
      ["generation", "releases", "health", "before"],
      opts,
      ["keys", "passwords"],
    );
  }
}

/** Of sites that several servers serve, what lies beside the program is read once. */
const read = new WeakMap<SiteArgs, ReturnType<typeof splitSite>>();

function partsOf(subject: string, site: SiteArgs) {
  const parts = read.get(site) ?? splitSite(subject, site);
  read.set(site, parts);
  return parts;
}

/** A site without what is secret, with what lies beside the program in it. */
function splitSite(subject: string, site: SiteArgs) {
  const { tls, auth, errorPages, root } = site;
  const { key, ...openTls } = tls ?? {};
  const { users, ...openAuth } = auth ?? {};
  return {
    site: {
      ...site,
      ...(root !== undefined && { content: told(subject, () => readContent(root).digest) }),
      ...(errorPages && { errorPages: pages(subject, errorPages) }),
      ...(tls && { tls: openTls }),
      ...(auth && { auth: { ...openAuth, ...(users && { users: Object.keys(users).sort() }) } }),
    },
    key,
    passwords: users,
  };
}

function pages(subject: string, given: { [status: string]: string }): { [status: string]: string } {
  const page = (path: string) =>
    typeof path !== "string" || path.startsWith("/") ? path : told(subject, () => readFileSync(path, "utf8"));
  return Object.fromEntries(Object.entries(given).map(([status, path]) => [status, page(path)]));
}

function told<T>(subject: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new Error(`${subject}: ${(cause as Error).message}`, { cause });
  }
}
