import * as pulumi from "@pulumi/pulumi";
import { AcmeAccount } from "../../providers/resources/acme-account";
import { AcmeClient, type AcmeClientArgs } from "../../providers/resources/acme-client";
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
   * Its certificate and key. "acme", or `{ acme: true, ... }`: each member has one of its own issued, as the tier's `acme` says.
   * "generated", or without any of them, with one that the tier makes for all its members and that nobody vouches for, for
   * labs; see `certificates`.
   */
  tls?: "generated" | "acme" | (Omit<SiteTlsArgs, "acme"> & { acme?: boolean });
}

/** Who issues the certificates of sites with `tls: "acme"`. */
export interface WebTierAcmeArgs extends Pick<
  AcmeClientArgs,
  "directory" | "email" | "authority" | "renewBefore" | "schedule" | "jitter"
> {
  /** That you agree to the authority's terms of service. */
  acceptTerms: true;
  /** One that other tiers use as well. Default: the tier has its own. */
  account?: AcmeAccount;
}

type WebServerKind = "nginx" | "apache";

export interface WebTierArgs
  extends Omit<WebServerArgs, "machine" | "name" | "disk" | "sites" | "server">, TierMembersArgs {
  /** One for all members, or one for each in turn: `["nginx", "apache"]`, which no fault of either stops. Default "nginx". */
  server?: WebServerKind | WebServerKind[];
  /**
   * Who issues the certificates of sites with `tls: "acme"`. The authority has to reach a member, or what is before the tier, on
   * port 80 by the site's names; any member answers for all. While it does not issue one, visitors get a certificate that
   * nobody vouches for, and previews warn.
   */
  acme?: WebTierAcmeArgs;
  /** By the names of their hosts: "www.example.org", "*.example.org". */
  sites: { [name: string]: WebTierSiteArgs };
}

const packages = {
  nginx: ["curl", "logrotate", "nginx-light"],
  apache: ["apache2", "curl", "logrotate"],
};

/** What `acme` needs beside them. */
const clientPackages = ["ca-certificates", "dehydrated", "openssl"];

/** How each is told to read new certificates. */
const reloads = { nginx: ["nginx", "-s", "reload"], apache: ["apache2ctl", "graceful"] };

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
    refuseUnknown(subject, args, [...memberFields, ...serverFields, "acme"]);
    const { server = "nginx", sites, acme, ...rest } = args;
    const account = this.accountOf(name, subject, args);
    const kinds = kindsOf(subject, server);
    const shape = Object.fromEntries(Object.entries(rest).filter(([field]) => serverFields.includes(field)));
    const generated: { [site: string]: pulumi.Output<string> } = {};
    const served = Object.fromEntries(
      Object.entries(sites ?? {}).map(([site, { proxy, tls, ...more }]) => {
        const secured = tls && this.tlsOf(name, `${subject}: sites.${site}.tls`, site, tls, more.aliases, account);
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
    const needed = [...new Set([...kinds.flatMap((kind) => packages[kind]), ...(account ? clientPackages : [])])];
    const made = tierMembers(this, subject, name, onlyOurs(args, kinds), needed, (member, options, at) => {
      const { machine, disk } = member;
      const own = kinds[at % kinds.length]!;
      const one = new WebServer(member.name, { ...shape, machine, server: own, name, sites: served, disk }, options);
      if (account)
        new AcmeClient(
          member.name,
          {
            ...Object.fromEntries(Object.entries(acme!).filter(([field]) => clientFields.includes(field))),
            ...{ machine: member.guest ?? machine, name, disk, accountKey: account.key, reload: reloads[own] },
            certificates: issuedFor(sites),
          },
          { parent: this, dependsOn: one },
        );
      return one;
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

  /** The account that sites' certificates are issued for; undefined where none is. */
  private accountOf(name: string, subject: string, { acme, sites }: WebTierArgs): AcmeAccount | undefined {
    const wanted = Object.keys(issuedFor(sites));
    if (!acme) {
      if (wanted.length === 0) return undefined;
      throw new pulumi.RunError(
        `${subject}: sites.${wanted[0]}.tls: nobody is named who issues its certificate. Fix: say acme: { acceptTerms: true } of the tier`,
      );
    }
    refuseUnknown(`${subject}: acme`, acme, ["acceptTerms", "account", ...clientFields]);
    if ((acme.acceptTerms as unknown) !== true)
      throw new pulumi.RunError(
        `${subject}: acme.acceptTerms: got ${JSON.stringify(acme.acceptTerms)}. Allowed: true, once you agree to the authority's terms of service`,
      );
    if (wanted.length === 0) return undefined;
    return acme.account ?? new AcmeAccount(name, {}, { parent: this });
  }

  /** A site's certificate and key as they are given, those that the tier makes, or those that are issued. */
  private tlsOf(
    name: string,
    subject: string,
    site: string,
    given: NonNullable<WebTierSiteArgs["tls"]>,
    aliases: SiteArgs["aliases"],
    account: AcmeAccount | undefined,
  ): { args: SiteTlsArgs; made?: SelfSignedCertificate } {
    const { certificate, key, acme, ...more } = typeof given === "string" ? {} : given;
    if (given === "acme" || acme) {
      if (certificate === undefined && key === undefined) return { args: { ...more, acme: account!.thumbprint } };
      throw new pulumi.RunError(
        `${subject}: acme has a certificate issued, and one is given. Fix: leave one of them out`,
      );
    }
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

const clientFields = ["directory", "email", "authority", "renewBefore", "schedule", "jitter"];

/** The hosts of sites whose certificates are issued. */
function issuedFor(sites: WebTierArgs["sites"] | undefined) {
  return Object.fromEntries(
    Object.entries(sites ?? {}).flatMap(([site, { tls, aliases }]) =>
      tls === "acme" || (typeof tls === "object" && tls.acme)
        ? [[site, pulumi.output(aliases).apply((others) => [site, ...(others ?? [])])]]
        : [],
    ),
  );
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
