import { milliseconds } from "../schema/duration";
import { bytes } from "../schema/size";
import type { WebSiteInputs } from "../schema/web-site";
import { section, type Lines } from "./lines";
import {
  bySpecificity,
  certificateOf,
  challengePath,
  defaultSite,
  fileName,
  literal,
  placesOf,
  siteEntries,
  type WebServerModel,
} from "./model";
import { cacheNames, upstreamName } from "./nginx-proxy";

const compressed = [
  ...["text/plain", "text/css", "text/xml", "text/html", "text/javascript", "application/javascript"],
  ...["application/json", "application/xml", "application/rss+xml", "application/manifest+json", "application/wasm"],
  "image/svg+xml",
].join(" ");

/** The first host answers for names that no other has. */
export function catchAll(model: WebServerModel): Lines {
  const { inputs } = model;
  const name = defaultSite(inputs);
  const none = "ServerName pulumi-kvm.invalid";
  if (name !== undefined) return hosts(model, name, inputs.sites[name]!, [none]);
  const secure = siteEntries(inputs).find(([, site]) => site.tls);
  const lines = [none, ...healthLines(model), "RewriteEngine On", ...drained(model), 'RewriteRule "^" "-" [R=404,L]'];
  return [
    ...section("VirtualHost", `*:${inputs.http}`, lines),
    ...(secure ? section("VirtualHost", `*:${inputs.https}`, [...tlsLines(model, secure[0]), ...lines]) : []),
  ];
}

/** The hosts of all sites: of two that have a name, the first one answers, so those of whole domains come last. */
export function sitesOf(model: WebServerModel): Lines {
  const wild = (name: string) => (name.startsWith("*.") ? 1 : 0);
  return siteEntries(model.inputs)
    .sort(([a], [b]) => wild(a) - wild(b))
    .flatMap(([name, site]) => {
      const names = [name, ...site.aliases];
      // A name of its own cannot have a wildcard.
      const first = name.startsWith("*.") ? name.replace("*", "pulumi-kvm-any") : name;
      return hosts(model, name, site, [
        `ServerName ${first}`,
        ...(names.length > 1 || first !== name ? [`ServerAlias ${names.join(" ")}`] : []),
      ]);
    });
}

function hosts(model: WebServerModel, name: string, site: WebSiteInputs, names: Lines): Lines {
  const { http, https } = model.inputs;
  const answer = challenge(site);
  const plain = site.tls?.redirect ? toHttps(model, answer) : served(model, name, site, answer);
  return [
    ...section("VirtualHost", `*:${http}`, [...names, ...plain]),
    ...(site.tls
      ? section("VirtualHost", `*:${https}`, [...names, ...tlsLines(model, name), ...served(model, name, site)])
      : []),
  ];
}

function tlsLines(model: WebServerModel, name: string): Lines {
  const { certificate, key } = certificateOf(model, name);
  return ["SSLEngine On", `SSLCertificateFile "${certificate}"`, `SSLCertificateKeyFile "${key}"`];
}

/** Answers for all servers of the account, whichever of them the authority asks. */
function challenge({ tls }: WebSiteInputs): Lines {
  if (tls?.acme === undefined) return [];
  return [
    `ErrorDocument 200 "%{reqenv:KVM_TOKEN}.${tls.acme}"`,
    `RewriteRule "${challengePath}" "-" [R=200,L,E=KVM_TOKEN:$1]`,
  ];
}

function toHttps(model: WebServerModel, answer: Lines): Lines {
  const port = model.inputs.https === 443 ? "" : `:${model.inputs.https}`;
  return [
    ...healthLines(model),
    "RewriteEngine On",
    ...drained(model),
    ...answer,
    'RewriteCond "%{HTTP_HOST}@%{THE_REQUEST}" "^(\\[[^\\]]*\\]|[^:@]+)[^@]*@\\S+ (/[^? ]*)"',
    `RewriteRule "^" "https://%1${port}%2" [R=301,L,NE]`,
  ];
}

/** The page that tells the generation; 503 while the server is to be left alone. */
function healthLines({ inputs, folder }: WebServerModel): Lines {
  return [
    `Alias "${inputs.healthPath}" "${folder}/health.txt"`,
    `ProxyPass "${inputs.healthPath}" "!"`,
    ...section("Location", `"${inputs.healthPath}"`, [
      "Require all granted",
      "ForceType text/plain",
      'Header set Cache-Control "no-store"',
      'ErrorDocument 503 "draining"',
    ]),
  ];
}

/** Before all other rules, and none of them for the health page. */
function drained({ inputs }: WebServerModel): Lines {
  const page = `^${literal(inputs.healthPath)}$`;
  return [
    `RewriteCond "${placesOf(inputs.name).drain}" -f`,
    `RewriteRule "${page}" "-" [R=503,L]`,
    `RewriteRule "${page}" "-" [L]`,
  ];
}

function served(model: WebServerModel, name: string, site: WebSiteInputs, answer: Lines = []): Lines {
  const { inputs, folder } = model;
  const places = placesOf(inputs.name);
  const root = site.root === undefined ? undefined : `${places.content}/${fileName(name)}/current`;
  const { limits, allow, auth, tls } = site;
  return [
    `CustomLog "${places.logs}/${fileName(name)}.access.log" ${inputs.logs.format}`,
    `LimitRequestBody ${bytes(site.maxBody)}`,
    ...(site.compression ? [`AddOutputFilterByType DEFLATE ${compressed}`] : []),
    ...(root === undefined
      ? []
      : [
          `DocumentRoot "${root}"`,
          ...section("Directory", `"${root}"`, [
            `DirectoryIndex ${site.index.join(" ")}`,
            ...(site.fallback === undefined ? [] : [`FallbackResource ${site.fallback}`]),
          ]),
        ]),
    ...Object.entries(site.headers)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([header, value]) => `Header always set ${header} "${value}"`),
    ...(tls?.hsts === undefined ? [] : [`Header always set Strict-Transport-Security "max-age=${seconds(tls.hsts)}"`]),
    ...(limits?.bandwidth === undefined
      ? []
      : section("Location", '"/"', [
          "SetOutputFilter RATE_LIMIT",
          `SetEnv rate-limit ${Math.max(1, Math.round(bytes(limits.bandwidth) / 1024))}`,
        ])),
    ...section("Location", '"/"', [allow ? `Require ip ${allow.join(" ")}` : "Require all granted"]),
    ...(auth?.paths ?? (auth ? ["/"] : [])).flatMap((path) =>
      section("LocationMatch", `"^${literal(path.replace(/\/$/, ""))}(/|$)"`, [
        "AuthType Basic",
        `AuthName "${auth!.realm}"`,
        `AuthUserFile "${folder}/passwords/${fileName(name)}"`,
        "AuthMerging And",
        "Require valid-user",
      ]),
    ),
    // Of two that match, the last one counts.
    ...bySpecificity(site.expires)
      .reverse()
      .flatMap(([pattern, age]) => {
        const beginning = pattern.endsWith("/*");
        const path = literal(beginning ? pattern.slice(0, -1) : pattern);
        const lines = ["ExpiresActive On", `ExpiresDefault "access plus ${seconds(age)} seconds"`];
        return section("LocationMatch", `"^${path}${beginning ? "" : "$"}"`, lines);
      }),
    ...status(inputs.status),
    ...errorPages(model, name, site),
    ...healthLines(model),
    "RewriteEngine On",
    ...drained(model),
    ...answer,
    ...bySpecificity(site.redirects).flatMap(([from, { to, status: code }]) => redirect(from, to, code)),
    ...bySpecificity(site.rewrites).map(([from, to]) => rewrite(from, to)),
    ...caches(model, name, site),
    ...proxies(name, site),
    ...(root === undefined && !("/" in site.proxy) ? [nothingElse(site)] : []),
    ...(site.raw === undefined ? [] : [site.raw]),
  ];
}

function seconds(duration: string): number {
  return Math.round(milliseconds(duration) / 1000);
}

function status(allowed: string[] | undefined): Lines {
  if (!allowed) return [];
  return [
    'ProxyPass "/.status" "!"',
    ...section("Location", '"/.status"', ["SetHandler server-status", `Require ip ${allowed.join(" ")}`]),
  ];
}

/** A percent sign as text, where it would stand for a part of what was matched. */
function escaped(text: string): string {
  return text.replaceAll("%", "\\%");
}

/** By the path as it was asked for, so that what is in it stays as it is written. */
function redirect(from: string, to: string, code: number): Lines {
  const beginning = from.endsWith("/*");
  const path = literal(encodeURI(decodeURI(from.replace(/\*$/, ""))));
  const pattern = beginning ? `^\\S+ ${path}([^? ]*)` : `^\\S+ ${path}(\\?| )`;
  const target = to.endsWith("*") ? `${escaped(to.slice(0, -1))}${beginning ? "%1" : ""}` : escaped(to);
  const flags = [`R=${code}`, "L", "NE", ...(to.includes("#") ? ["QSD"] : [])];
  return [`RewriteCond "%{THE_REQUEST}" "${pattern}"`, `RewriteRule "^" "${target}" [${flags.join(",")}]`];
}

function rewrite(from: string, to: string): string {
  const beginning = from.endsWith("/*");
  const path = literal(decodeURI(from.replace(/\*$/, "")));
  const target = to.endsWith("*") ? `${escaped(to.slice(0, -1))}${beginning ? "$1" : ""}` : escaped(to);
  return `RewriteRule "^${path}${beginning ? "(.*)" : ""}$" "${target}" [PT]`;
}

function errorPages({ folder }: WebServerModel, name: string, { errorPages: pages }: WebSiteInputs): Lines {
  const all = Object.entries(pages).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...all.flatMap(([code, page]) => {
      if (page.startsWith("/")) return [`ErrorDocument ${code} ${page}`];
      const own = `/.error-${code}.html`;
      return [
        `ErrorDocument ${code} ${own}`,
        `Alias "${own}" "${folder}/errors/${fileName(name)}-${code}.html"`,
        `ProxyPass "${own}" "!"`,
        ...section("Location", `"${own}"`, ["Require all granted", "ForceType text/html"]),
      ];
    }),
    ...(all.length > 0 ? [`ProxyErrorOverride On ${all.map(([code]) => code).join(" ")}`] : []),
  ];
}

function proxies(name: string, { proxy }: WebSiteInputs): Lines {
  return Object.entries(proxy)
    .sort(([a], [b]) => b.length - a.length || (a < b ? -1 : 1))
    .flatMap(([path, handed]) => {
      const balancer = `balancer://${upstreamName(name, path)}`;
      const slash = path.endsWith("/") ? "/" : "";
      const target = `${balancer}${handed.path === undefined ? path : handed.path.replace(/\/$/, "") + slash}`;
      return [
        `ProxyPass "${path}" "${target}"`,
        `ProxyPassReverse "${path}" "${target}"`,
        ...(handed.balance === "sticky"
          ? section("LocationMatch", `"^${literal(path.replace(/\/$/, ""))}(/|$)"`, [
              `Header add Set-Cookie "${handed.cookie}=.%{BALANCER_WORKER_ROUTE}e; Path=${path}; HttpOnly; SameSite=Lax" env=BALANCER_ROUTE_CHANGED`,
            ])
          : []),
      ];
    });
}

function caches({ inputs }: WebServerModel, name: string, { cache, proxy }: WebSiteInputs): Lines {
  if (!cache) return [];
  const valid = cache.valid === undefined ? 0 : seconds(cache.valid);
  return [
    `CacheRoot "${cacheNames(inputs.name, name, cache.purge).folder}"`,
    "CacheQuickHandler Off",
    "CacheLock On",
    "CacheHeader On",
    "CacheStaleOnError On",
    "CacheLastModifiedFactor 0",
    `CacheDefaultExpire ${valid}`,
    ...(valid > 0 ? ["CacheIgnoreNoLastMod On"] : []),
    // What sets a cookie is for one visitor; that of "sticky" is not kept with an answer.
    'Header set Cache-Control "private" "expr=-n resp(\'Set-Cookie\')"',
    "CacheIgnoreHeaders Set-Cookie",
    ...Object.keys(proxy)
      .sort()
      .map((path) => `CacheEnable disk "${path}"`),
  ];
}

/** A site without a folder has nothing but what it hands on. */
function nothingElse({ proxy, errorPages: pages }: WebSiteInputs): string {
  const paths = Object.keys(proxy).map((path) => `${literal(path.replace(/\/$/, ""))}(/|$)`);
  const own = ["/\\.status$", ...Object.keys(pages).map((code) => `/\\.error-${code}\\.html$`)];
  return `RewriteRule "^(?!${[...paths, ...own].join("|")})" "-" [R=404,L]`;
}
