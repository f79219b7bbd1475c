import * as pulumi from "@pulumi/pulumi";
import { SelfSignedCertificate } from "../../providers/resources/self-signed-certificate";
import { WebServer, type WebServerArgs } from "../../providers/resources/web-server";
import type { SiteArgs, SiteTlsArgs } from "../../providers/resources/web-site-args";
import { refuseUnknown } from "../refuse-unknown";
import { memberFields, membersOf, tierMembers, type TierMembersArgs } from "./members";
import { proxyArgs, type ProxyTarget, type TierProxyArgs } from "./proxy";
import { isImage } from "./server-image";
import { healthOf, serversOf, urlOf, type TierServer } from "./serving";
import type { Upstream } from "./upstream";

/** A site of a web tier; see `SiteArgs` for all else. */
export interface WebTierSiteArgs extends Omit<SiteArgs, "proxy" | "tls"> {
  /**
   * What requests below a path are handed on to: another tier, a URL, several URLs, or `{ to, balance, ... }`.
   * @example { "/shop": app, "/api": { to: "http://192.0.2.1:8080/v1", balance: "leastconn" } }
   */
  proxy?: { [path: string]: ProxyTarget | TierProxyArgs };
  /**
   * Its certificate and key. "generated", or without the two, with one that the tier makes for all its members and that
   * nobody vouches for, for labs; see `certificates`.
   */
  tls?: "generated" | (Omit<SiteTlsArgs, "certificate" | "key"> & Partial<SiteTlsArgs>);
}

type WebServerKind = "nginx" | "apache";

export interface WebTierArgs
  extends Omit<WebServerArgs, "machine" | "name" | "disk" | "sites" | "server">, TierMembersArgs {
  /** One for all members, or one for each in turn: `["nginx", "apache"]`, which no fault of either stops. Default "nginx". */
  server?: WebServerKind | WebServerKind[];
  /** By the names of their hosts: "www.example.org", "*.example.org". */
  sites: { [name: string]: WebTierSiteArgs };
}

const packages = {
  nginx: ["curl", "logrotate", "nginx-light"],
  apache: ["apache2", "curl", "logrotate"],
};

/** What their packages call them. */
const services = { nginx: "nginx", apache: "apache2" };

const serverFields = [
  ...["server", "sites", "defaultSite", "http", "https", "healthPath", "status", "trustedProxies", "logs"],
  ...["keepReleases", "drain", "timeout"],
];

/**
 * Web servers that serve the same: guests that it makes, or machines that exist. A change goes through them one after the
 * other, each has to be healthy with it before the next one begins, and one that is not goes back to what it served. One
 * that is let go finishes what it answers.
 *
 * @example
 * const web = new WebTier("web", {
 *   host, network: "lab", kind: "lxc", count: 2,
 *   sites: { "www.example.org": { root: "./site", redirects: { "/old": "/new" }, proxy: { "/shop": app } } },
 * });
 * export const url = web.url;
 */
export class WebTier extends pulumi.ComponentResource implements Upstream {
  /** The servers, known to those that hand requests on to them once they serve. */
  readonly members: pulumi.Output<TierServer[]>;
  /** What each server's health page said last: after an `up` that it is healthy. */
  readonly health: pulumi.Output<{ [name: string]: string }>;
  /** Of the members, in their order. */
  readonly addresses: pulumi.Output<string[]>;
  /** The first member's. */
  readonly url: pulumi.Output<string>;
  /** Of the members, in their order. */
  readonly urls: pulumi.Output<string[]>;
  /** Those that the tier made, by site; clients that are given them trust them. */
  readonly certificates: { readonly [site: string]: pulumi.Output<string> };
  /** In their order. */
  readonly servers: readonly WebServer[];

  constructor(name: string, args: WebTierArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulumi-kvm:tier:WebTier", name, {}, opts);
    const subject = `WebTier ${name}`;
    refuseUnknown(subject, args, [...memberFields, ...serverFields]);
    const { server = "nginx", sites, ...rest } = args;
    const kinds = kindsOf(subject, server);
    const shape = Object.fromEntries(Object.entries(rest).filter(([field]) => serverFields.includes(field)));
    const generated: { [site: string]: pulumi.Output<string> } = {};
    const served = Object.fromEntries(
      Object.entries(sites ?? {}).map(([site, { proxy, tls, ...more }]) => {
        const secured = tls && this.tlsOf(name, `${subject}: sites.${site}.tls`, site, tls, more.aliases);
        if (secured?.made) generated[site] = secured.made.certificate;
        return [
          site,
          {
            ...more,
            ...(proxy && { proxy: proxies(`${subject}: sites.${site}.proxy`, proxy) }),
            ...(secured && { tls: secured.args }),
          },
        ];
      }),
    );
    this.certificates = generated;
    const needed = [...new Set(kinds.flatMap((kind) => packages[kind]))];
    const made = tierMembers(this, subject, name, onlyOurs(args, kinds), needed, (member, options, at) => {
      const { machine, disk } = member;
      const own = kinds[at % kinds.length]!;
      return new WebServer(member.name, { ...shape, machine, server: own, name, sites: served, disk }, options);
    });
    this.servers = made.map((one) => one.server);
    this.members = serversOf(made, args.http ?? 80);
    this.health = healthOf(made);
    this.addresses = this.members.apply((members) => members.map(({ address }) => address));
    const secure = Object.values(sites ?? {}).every(({ tls }) => tls !== undefined);
    this.urls = pulumi
      .all([this.members, args.http ?? 80, args.https ?? 443])
      .apply(([members, http, https]) =>
        members.map(({ address }) => urlOf(address, secure ? "https" : "http", secure ? https : http)),
      );
    this.url = this.urls.apply((urls) => urls[0]!);
    this.registerOutputs({ members: this.members, health: this.health, urls: this.urls, addresses: this.addresses });
  }

  /** A site's certificate and key as they are given, or those that the tier makes. */
  private tlsOf(
    name: string,
    subject: string,
    site: string,
    given: NonNullable<WebTierSiteArgs["tls"]>,
    aliases: SiteArgs["aliases"],
  ): { args: SiteTlsArgs; made?: SelfSignedCertificate } {
    const { certificate, key, ...more } = given === "generated" ? {} : given;
    if (certificate !== undefined && key !== undefined) return { args: { ...more, certificate, key } };
    if (certificate !== undefined || key !== undefined)
      throw new pulumi.RunError(
        `${subject}: certificate and key go together. Fix: give both, or neither for one that is made`,
      );
    const names = pulumi.output(aliases).apply((others) => [site, ...(others ?? [])]);
    const made = new SelfSignedCertificate(`${name}-${site}`, { names }, { parent: this });
    return { args: { ...more, certificate: made.certificate, key: made.key }, made };
  }
}

function proxies(subject: string, given: NonNullable<WebTierSiteArgs["proxy"]>) {
  return Object.fromEntries(
    Object.entries(given).map(([path, target]) => [path, proxyArgs(`${subject}.${path}`, target)]),
  );
}

/**
 * What the tier runs on. In an image that it makes nothing serves until it is told what: a guest on a new disk would
 * answer with the distribution's page. Nothing on the disks is lost with them, so that another image is no loss.
 */
function onlyOurs(args: WebTierArgs, kinds: readonly WebServerKind[]): TierMembersArgs {
  const { machines, image, guest } = args;
  if (machines) return membersOf(args);
  const off = Object.fromEntries(kinds.map((kind) => [services[kind], false]));
  return {
    ...membersOf(args),
    guest: { disruption: "replace", ...guest },
    ...(!isImage(image) && { image: { ...image, services: { ...off, ...image?.services } } }),
  };
}

function kindsOf(subject: string, server: NonNullable<WebTierArgs["server"]>): WebServerKind[] {
  const kinds = Array.isArray(server) ? server : [server];
  const stray = kinds.find((kind) => !Object.hasOwn(packages, kind));
  if (kinds.length === 0 || stray !== undefined)
    throw new pulumi.RunError(
      `${subject}: server: got ${JSON.stringify(stray ?? server)}. Allowed: "nginx", "apache", or a list of them`,
    );
  return kinds;
}
