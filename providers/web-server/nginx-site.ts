import { milliseconds } from "../schema/duration";
import { bytes } from "../schema/size";
import type { WebSiteInputs } from "../schema/web-site";
import { block, type Lines } from "./lines";
import {
  bySpecificity,
  certificateOf,
  challengePath,
  defaultSite,
  fileName,
  literal,
  placesOf,
  variableName,
  type WebServerModel,
} from "./model";
import { health, listen } from "./nginx-listen";
import { proxyLines } from "./nginx-proxy";

/** The servers of one site: over http, and over https where it has a certificate. */
export function siteServer(model: WebServerModel, name: string, site: WebSiteInputs): Lines {
  const { inputs, version } = model;
  const first = defaultSite(inputs) === name ? "default_server" : "";
  const names = `server_name ${[name, ...site.aliases].join(" ")};`;
  if (!site.tls) return block("server", [...listen(model, inputs.http, first), names, ...served(model, name, site)]);
  const [major = 0, minor = 0, patch = 0] = version;
  const files = certificateOf(model, name);
  const newer = major > 1 || minor > 25 || (minor === 25 && patch >= 1);
  const secured = [
    ...listen(model, inputs.https, ["ssl", ...(newer ? [] : ["http2"]), first].filter(Boolean).join(" ")),
    ...(newer ? ["http2 on;"] : []),
    names,
    `ssl_certificate ${files.certificate};`,
    `ssl_certificate_key ${files.key};`,
    "ssl_protocols TLSv1.2 TLSv1.3;",
    "ssl_session_cache shared:kvm:10m;",
    "ssl_session_timeout 1d;",
    "ssl_session_tickets off;",
    ...served(model, name, site),
  ];
  const plain = [...listen(model, inputs.http, first), names, ...challenge(site)];
  return [
    ...block("server", [...plain, ...(site.tls.redirect ? toHttps(model) : served(model, name, site))]),
    ...block("server", secured),
  ];
}

/** Answers for all servers of the account, whichever of them the authority asks. */
function challenge({ tls }: WebSiteInputs): Lines {
  return tls?.acme === undefined ? [] : block(`if ($uri ~ "${challengePath}")`, [`return 200 "$1.${tls.acme}";`]);
}

function toHttps(model: WebServerModel): Lines {
  const port = model.inputs.https === 443 ? "" : `:${model.inputs.https}`;
  return [
    "access_log off;",
    ...health(model),
    ...block("location /", [`return 301 https://$host${port}$request_uri;`]),
  ];
}

function served(model: WebServerModel, name: string, site: WebSiteInputs): Lines {
  const { inputs, folder } = model;
  const places = placesOf(inputs.name);
  const label = variableName(name);
  const { limits, auth, allow } = site;
  const format = inputs.logs.format === "json" ? "kvm_json" : "combined";
  const headers = headerLines(site);
  return [
    `access_log ${places.logs}/${fileName(name)}.access.log ${format};`,
    `client_max_body_size ${bytes(site.maxBody)};`,
    ...(site.compression ? ["gzip on;"] : []),
    ...(site.root === undefined
      ? []
      : [`root ${places.content}/${fileName(name)}/current;`, `index ${site.index.join(" ")};`]),
    ...(limits?.requests === undefined
      ? []
      : [`limit_req zone=requests_${label} burst=${limits.burst} nodelay;`, "limit_req_status 429;"]),
    ...(limits?.connections === undefined
      ? []
      : [`limit_conn connections_${label} ${limits.connections};`, "limit_conn_status 429;"]),
    ...(limits?.bandwidth === undefined ? [] : [`limit_rate ${bytes(limits.bandwidth)};`]),
    ...(allow ? [...allow.map((source) => `allow ${source};`), "deny all;"] : []),
    ...(auth ? [`auth_basic $auth_${label};`, `auth_basic_user_file ${folder}/passwords/${fileName(name)};`] : []),
    ...(Object.keys(site.expires).length > 0 ? [`expires $expires_${label};`] : []),
    ...headers,
    ...health(model),
    ...status(inputs.status),
    ...bySpecificity(site.redirects).flatMap(([from, { to, status: code }]) => redirect(from, to, code)),
    ...bySpecificity(site.rewrites).map(([from, to]) => rewrite(from, to)),
    ...errorPages(model, name, site),
    ...locations(model, name, site, headers),
    ...(site.raw === undefined ? [] : [site.raw]),
  ];
}

function headerLines({ headers, tls }: WebSiteInputs): Lines {
  const all = Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...all.map(([name, value]) => `add_header ${name} "${value}" always;`),
    ...(tls?.hsts === undefined
      ? []
      : [`add_header Strict-Transport-Security "max-age=${Math.round(milliseconds(tls.hsts) / 1000)}" always;`]),
  ];
}

function status(allowed: string[] | undefined): Lines {
  if (!allowed) return [];
  return block("location = /.status", [
    "access_log off;",
    "auth_basic off;",
    "stub_status;",
    ...allowed.map((source) => `allow ${source};`),
    "deny all;",
  ]);
}

/** By the path as it was asked for, so that what is in it stays as it is written. */
function redirect(from: string, to: string, code: number): Lines {
  const beginning = from.endsWith("/*");
  const path = encodeURI(decodeURI(from.replace(/\*$/, "")));
  const pattern = beginning ? `^${literal(path)}([^?]*)` : `^${literal(path)}(\\?|$)`;
  const target = to.endsWith("*") ? `${to.slice(0, -1)}${beginning ? "$1" : ""}` : to;
  const query = to.includes("?") || to.includes("#") ? "" : "$is_args$args";
  return block(`if ($request_uri ~ "${pattern}")`, [`return ${code} "${target}${query}";`]);
}

function rewrite(from: string, to: string): string {
  const beginning = from.endsWith("/*");
  const path = literal(decodeURI(from.replace(/\*$/, "")));
  const target = to.endsWith("*") ? `${to.slice(0, -1)}${beginning ? "$1" : ""}` : to;
  return `rewrite "^${path}${beginning ? "(.*)" : ""}$" "${target}" last;`;
}

function errorPages({ folder }: WebServerModel, name: string, { errorPages: pages }: WebSiteInputs): Lines {
  return Object.entries(pages)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([code, page]) => {
      if (page.startsWith("/")) return [`error_page ${code} ${page};`];
      const own = `/.error-${code}.html`;
      return [
        `error_page ${code} ${own};`,
        ...block(`location = ${own}`, [
          "internal;",
          "auth_basic off;",
          "allow all;",
          "default_type text/html;",
          `alias ${folder}/errors/${fileName(name)}-${code}.html;`,
        ]),
      ];
    });
}

function locations({ inputs }: WebServerModel, name: string, site: WebSiteInputs, headers: Lines): Lines {
  const proxied = Object.keys(site.proxy)
    .sort()
    .flatMap((path) => {
      const lines = (inside: boolean) => proxyLines(inputs.name, name, path, site, headers, inside);
      if (path === "/") return block("location /", lines(true));
      const below = path.endsWith("/") ? path : `${path}/`;
      return [
        ...(path.endsWith("/") ? [] : block(`location = ${path}`, lines(false))),
        ...block(`location ^~ ${below}`, lines(true)),
      ];
    });
  if ("/" in site.proxy) return proxied;
  const rest = site.root === undefined ? ["return 404;"] : [`try_files $uri $uri/ ${site.fallback ?? "=404"};`];
  return [...proxied, ...block("location /", rest)];
}
