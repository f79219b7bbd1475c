import type { GenerationFiles } from "../content/generations";
import { milliseconds } from "../schema/duration";
import { bytes } from "../schema/size";
import { commonFiles } from "./common-files";
import { block, text, type Lines } from "./lines";
import { bySpecificity, defaultSite, literal, placesOf, siteEntries, variableName, type WebServerModel } from "./model";
import { health, listen } from "./nginx-listen";
import { cacheNames, proxyTables, upstreams } from "./nginx-proxy";
import { siteServer } from "./nginx-site";

const jsonLog = [
  '{"time":"$time_iso8601","client":"$remote_addr","host":"$host","request":"$request","status":$status',
  '"bytes":$body_bytes_sent,"referer":"$http_referer","agent":"$http_user_agent","seconds":$request_time',
  '"upstream":"$upstream_addr","cache":"$upstream_cache_status"}',
].join(",");

const compressed = [
  ...["text/plain", "text/css", "text/xml", "text/javascript", "application/javascript", "application/json"],
  ...["application/xml", "application/rss+xml", "application/manifest+json", "application/wasm", "image/svg+xml"],
].join(" ");

/** All files of nginx's configuration; `nginx.conf` is where it begins. */
export function nginxFiles(model: WebServerModel): GenerationFiles {
  return { "nginx.conf": { content: text(main(model)) }, ...commonFiles(model, "nginx") };
}

function main(model: WebServerModel): Lines {
  const { inputs, user } = model;
  const places = placesOf(inputs.name);
  return [
    `# Written by pulumi-kvm for the web server ${inputs.name}. What is changed here is changed back.`,
    `user ${user};`,
    "worker_processes auto;",
    "worker_rlimit_nofile 16384;",
    // Where the distribution's units and scripts look for it.
    "pid /run/nginx.pid;",
    `error_log ${places.logs}/error.log warn;`,
    "include /etc/nginx/modules-enabled/*.conf;",
    ...block("events", ["worker_connections 4096;"]),
    ...block("http", [
      "include /etc/nginx/mime.types;",
      "default_type application/octet-stream;",
      "sendfile on;",
      "tcp_nopush on;",
      "server_tokens off;",
      "server_names_hash_bucket_size 256;",
      "map_hash_bucket_size 256;",
      "variables_hash_max_size 4096;",
      "variables_hash_bucket_size 256;",
      "types_hash_max_size 4096;",
      "client_body_timeout 60s;",
      "client_header_timeout 30s;",
      `gzip_types ${compressed};`,
      "gzip_comp_level 5;",
      "gzip_min_length 1024;",
      "gzip_proxied any;",
      "gzip_vary on;",
      `log_format kvm_json escape=json '${jsonLog}';`,
      ...realAddresses(inputs.trustedProxies),
      ...block("map $http_upgrade $kvm_connection", ["default upgrade;", '"" "";']),
      ...siteEntries(inputs).flatMap(([name, site]) => [
        ...limitZones(name, site.limits),
        ...pathTable("auth", name, site.auth && (site.auth.paths ?? ["/"]), site.auth?.realm),
        ...expiresTable(name, site.expires),
        ...caches(model, name),
        ...proxyTables(name, site),
        ...upstreams(name, site),
      ]),
      ...(defaultSite(inputs) === undefined ? unknownHosts(model) : []),
      ...siteEntries(inputs).flatMap(([name, site]) => siteServer(model, name, site)),
    ]),
  ];
}

function realAddresses(trusted: readonly string[]): Lines {
  if (trusted.length === 0) return [];
  return [
    ...trusted.map((source) => `set_real_ip_from ${source};`),
    "real_ip_header X-Forwarded-For;",
    "real_ip_recursive on;",
  ];
}

function limitZones(name: string, limits: { requests?: string; connections?: number } | undefined): Lines {
  const label = variableName(name);
  return [
    ...(limits?.requests === undefined
      ? []
      : [`limit_req_zone $binary_remote_addr zone=requests_${label}:10m rate=${limits.requests.replace("/", "r/")};`]),
    ...(limits?.connections === undefined
      ? []
      : [`limit_conn_zone $binary_remote_addr zone=connections_${label}:10m;`]),
  ];
}

/** A variable that has a value below certain paths, and is off elsewhere. */
function pathTable(kind: string, name: string, paths: string[] | undefined, value: string | undefined): Lines {
  if (!paths) return [];
  const lines = paths.map((path) => `"~^${literal(path.replace(/\/$/, ""))}(/|$)" "${value}";`);
  return block(`map $uri $${kind}_${variableName(name)}`, ["default off;", ...lines]);
}

function expiresTable(name: string, expires: { [path: string]: string }): Lines {
  if (Object.keys(expires).length === 0) return [];
  const lines = bySpecificity(expires).map(([pattern, age]) => {
    const beginning = pattern.endsWith("/*");
    const path = literal(beginning ? pattern.slice(0, -1) : pattern);
    return `"~^${path}${beginning ? "" : "$"}" ${Math.round(milliseconds(age) / 1000)}s;`;
  });
  return block(`map $uri $expires_${variableName(name)}`, ["default off;", ...lines]);
}

function caches({ inputs }: WebServerModel, name: string): Lines {
  const { cache } = inputs.sites[name]!;
  if (!cache) return [];
  const { zone, folder } = cacheNames(inputs.name, name, cache.purge);
  const inactive = `${Math.ceil(milliseconds(cache.inactive) / 1000)}s`;
  return [
    `proxy_cache_path ${folder} levels=1:2 keys_zone=${zone}:10m max_size=${bytes(cache.size)} inactive=${inactive} use_temp_path=off;`,
  ];
}

/** Where no site answers for hosts that nobody names: nothing but the health page. */
function unknownHosts(model: WebServerModel): Lines {
  const { inputs } = model;
  const tls = Object.values(inputs.sites).some((site) => site.tls);
  return block("server", [
    ...listen(model, inputs.http, "default_server"),
    ...(tls ? [...listen(model, inputs.https, "ssl default_server"), "ssl_reject_handshake on;"] : []),
    'server_name "";',
    "access_log off;",
    ...health(model),
    ...block("location /", ["return 404;"]),
  ]);
}
