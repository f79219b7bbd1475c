import type { GenerationFiles } from "../content/generations";
import { milliseconds } from "../schema/duration";
import type { ProxyInputs } from "../schema/web-site";
import { catchAll, sitesOf } from "./apache-site";
import { commonFiles } from "./common-files";
import { section, text, type Lines } from "./lines";
import { placesOf, siteEntries, type WebServerModel } from "./model";
import { bracketedAddress, upstreamName } from "./nginx-proxy";

/** Where the distribution has them; each is loaded as mod_NAME.so. */
const modules = "/usr/lib/apache2/modules";

const base = [
  ...["mpm_event", "authz_core", "authz_host", "authz_user", "authn_core", "authn_file", "auth_basic", "alias", "dir"],
  ...[
    "env",
    "setenvif",
    "mime",
    "filter",
    "deflate",
    "headers",
    "expires",
    "rewrite",
    "reqtimeout",
    "remoteip",
    "status",
  ],
  ...["ratelimit", "socache_shmcb", "slotmem_shm", "proxy", "proxy_http", "proxy_wstunnel", "proxy_balancer"],
  ...["lbmethod_byrequests", "lbmethod_bybusyness", "cache", "cache_disk"],
];

const jsonLog = [
  '{\\"time\\":\\"%{%FT%T%z}t\\",\\"client\\":\\"%a\\",\\"host\\":\\"%{Host}i\\",\\"request\\":\\"%r\\",\\"status\\":%>s',
  '\\"bytes\\":%B,\\"referer\\":\\"%{Referer}i\\",\\"agent\\":\\"%{User-Agent}i\\",\\"milliseconds\\":%{ms}T}',
].join(",");

/** All files of Apache's configuration; `apache2.conf` is where it begins. */
export function apacheFiles(model: WebServerModel): GenerationFiles {
  return {
    "apache2.conf": { content: text(main(model)) },
    "health.txt": { content: `ok ${model.generation}\n` },
    ...commonFiles(model, "apache"),
  };
}

function main(model: WebServerModel): Lines {
  const { inputs } = model;
  const places = placesOf(inputs.name);
  const tls = Object.values(inputs.sites).some((site) => site.tls);
  return [
    `# Written by pulumi-kvm for the web server ${inputs.name}. What is changed here is changed back.`,
    "ServerRoot /etc/apache2",
    "ServerName localhost",
    "DefaultRuntimeDir ${APACHE_RUN_DIR}",
    "PidFile ${APACHE_PID_FILE}",
    "User ${APACHE_RUN_USER}",
    "Group ${APACHE_RUN_GROUP}",
    "Mutex file:${APACHE_LOCK_DIR} default",
    ...[...base, ...(tls ? ["ssl", "http2"] : [])].map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`),
    `Listen ${inputs.http}`,
    ...(tls ? [`Listen ${inputs.https} https`] : []),
    `ErrorLog ${places.logs}/error.log`,
    "LogLevel warn",
    'LogFormat "%a %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined',
    `LogFormat "${jsonLog}" json`,
    "ServerTokens Prod",
    "ServerSignature Off",
    "TraceEnable Off",
    "ExtendedStatus On",
    "Timeout 60",
    "KeepAlive On",
    "MaxKeepAliveRequests 1000",
    "KeepAliveTimeout 15",
    "RequestReadTimeout header=20-40,minrate=500 body=20,minrate=500",
    "TypesConfig /etc/mime.types",
    ...section("Directory", "/", ["Options FollowSymLinks", "AllowOverride None", "Require all denied"]),
    ...section("Directory", `"${places.content}"`, ["Require all granted"]),
    "ProxyPreserveHost On",
    "ProxyVia Off",
    'RequestHeader set X-Forwarded-Proto "expr=%{REQUEST_SCHEME}"',
    'RequestHeader set X-Forwarded-Port "expr=%{SERVER_PORT}"',
    'RequestHeader set X-Real-IP "expr=%{REMOTE_ADDR}"',
    ...(inputs.trustedProxies.length > 0
      ? ["RemoteIPHeader X-Forwarded-For", `RemoteIPInternalProxy ${inputs.trustedProxies.join(" ")}`]
      : []),
    ...(tls
      ? [
          "Protocols h2 http/1.1",
          "SSLProtocol -all +TLSv1.2 +TLSv1.3",
          "SSLSessionCache shmcb:${APACHE_RUN_DIR}/kvm_sessions(512000)",
          "SSLSessionCacheTimeout 86400",
          "SSLSessionTickets off",
        ]
      : []),
    ...siteEntries(inputs).flatMap(([name, site]) =>
      Object.entries(site.proxy)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([path, handed]) => balancer(upstreamName(name, path), handed)),
    ),
    ...catchAll(model),
    ...sitesOf(model),
  ];
}

function balancer(name: string, handed: ProxyInputs): Lines {
  const { balance, cookie, retries, pause, connectTimeout, timeout } = handed;
  return section("Proxy", `"balancer://${name}"`, [
    ...handed.to.map(({ name: route, address, port, protocol, weight, backup }) =>
      [
        `BalancerMember "${protocol}://${bracketedAddress(address)}:${port}" route=${route}`,
        ...(weight === 1 ? [] : [`loadfactor=${weight}`]),
        `retry=${Math.ceil(milliseconds(pause) / 1000)}`,
        `connectiontimeout=${milliseconds(connectTimeout)}ms`,
        `timeout=${Math.ceil(milliseconds(timeout) / 1000)}`,
        "upgrade=websocket",
        ...(backup ? ["status=+H"] : []),
      ].join(" "),
    ),
    `ProxySet lbmethod=${balance === "leastconn" ? "bybusyness" : "byrequests"}`,
    `ProxySet maxattempts=${retries ?? Math.max(1, handed.to.length - 1)}`,
    "ProxySet failonstatus=502,503,504",
    ...(balance === "sticky" ? [`ProxySet stickysession=${cookie}`] : []),
  ]);
}
