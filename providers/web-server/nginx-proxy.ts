import { milliseconds } from "../schema/duration";
import type { ProxyInputs, WebSiteInputs } from "../schema/web-site";
import { block, type Lines } from "./lines";
import { digest, literal, placesOf, variableName } from "./model";

/** The name of what a path is handed on to, which no other path of any site has. */
export function upstreamName(site: string, path: string): string {
  return `up_${digest(`${site} ${path}`)}`;
}

/** A cache that was purged is another one: nginx cannot move one. */
export function cacheNames(server: string, site: string, purge: string | undefined): { zone: string; folder: string } {
  const label = `${variableName(site)}-${digest(purge ?? "")}`;
  return { zone: `cache_${label}`, folder: `${placesOf(server).cache}/${label}` };
}

export function bracketedAddress(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** The groups of servers that a site hands requests on to. */
export function upstreams(site: string, { proxy }: WebSiteInputs): Lines {
  return Object.entries(proxy)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, handed]) => {
      const name = upstreamName(site, path);
      const all = block(`upstream ${name}`, [
        ...(handed.balance === "leastconn" ? ["least_conn;"] : []),
        ...handed.to.map((member) => serverLine(handed, member, member.backup)),
        "keepalive 32;",
      ]);
      if (handed.balance !== "sticky") return all;
      // For who was sent to one of them before: that one, and any other where it fails.
      const pinned = handed.to.flatMap((member) =>
        block(`upstream ${name}.${member.name}`, [
          serverLine(handed, member, false),
          ...handed.to.filter((other) => other !== member).map((other) => serverLine(handed, other, true)),
          "keepalive 32;",
        ]),
      );
      return [...all, ...pinned];
    });
}

function serverLine({ fails, pause }: ProxyInputs, member: ProxyInputs["to"][number], backup: boolean): string {
  const words = [
    `server ${bracketedAddress(member.address)}:${member.port}`,
    ...(member.weight === 1 ? [] : [`weight=${member.weight}`]),
    `max_fails=${fails}`,
    `fail_timeout=${Math.ceil(milliseconds(pause) / 1000)}s`,
    ...(backup ? ["backup"] : []),
  ];
  return `${words.join(" ")};`;
}

/** For sticky paths: from the cookie to the servers, and from the server that answered to the cookie. */
export function proxyTables(site: string, { proxy }: WebSiteInputs): Lines {
  return Object.entries(proxy)
    .filter(([, { balance }]) => balance === "sticky")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, { cookie, to }]) => {
      const name = upstreamName(site, path);
      return [
        ...block(`map $cookie_${cookie} $to_${name}`, [
          `default ${name};`,
          ...to.map((member) => `"${member.name}" ${name}.${member.name};`),
        ]),
        // The last of those that were tried.
        ...block(`map $upstream_addr $from_${name}`, [
          'default "";',
          ...to.map(({ name: label, address, port }) => {
            const place = `${literal(bracketedAddress(address))}:${port}`;
            return `"~(^|[ ,])${place}$" "${label}";`;
          }),
        ]),
        ...block(`map "$cookie_${cookie}=$from_${name}" $cookie_of_${name}`, [
          `default "${cookie}=$from_${name}; Path=${path}; HttpOnly; SameSite=Lax";`,
          '"~^(.*)=\\1$" "";',
          '"~=$" "";',
        ]),
      ];
    });
}

/** How one location hands its requests on. */
export function proxyLines(
  server: string,
  site: string,
  path: string,
  inputs: WebSiteInputs,
  headers: Lines,
  below: boolean,
): Lines {
  const handed = inputs.proxy[path]!;
  const { cache, errorPages } = inputs;
  const name = upstreamName(site, path);
  const sticky = handed.balance === "sticky";
  const { protocol } = handed.to[0]!;
  const tries = handed.retries === undefined ? handed.to.length : handed.retries + 1;
  const seconds = `${milliseconds(handed.timeout)}ms`;
  return [
    ...headers,
    ...(sticky ? [`add_header Set-Cookie $cookie_of_${name};`] : []),
    // With a path here, nginx puts it in the place of the location's, and what is below stays as it is.
    `proxy_pass ${protocol}://${sticky ? `$to_${name}` : name}${handed.path === undefined ? "" : basePath(handed.path, below)};`,
    "proxy_http_version 1.1;",
    "proxy_set_header Host $host;",
    "proxy_set_header Connection $kvm_connection;",
    "proxy_set_header Upgrade $http_upgrade;",
    "proxy_set_header X-Real-IP $remote_addr;",
    "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    "proxy_set_header X-Forwarded-Host $host;",
    "proxy_set_header X-Forwarded-Proto $scheme;",
    "proxy_set_header X-Forwarded-Port $server_port;",
    `proxy_connect_timeout ${milliseconds(handed.connectTimeout)}ms;`,
    `proxy_read_timeout ${seconds};`,
    `proxy_send_timeout ${seconds};`,
    // Requests that may have had an effect are not repeated: nginx's own rule.
    `proxy_next_upstream ${tries > 1 ? "error timeout http_502 http_503 http_504" : "off"};`,
    `proxy_next_upstream_tries ${tries};`,
    ...(Object.keys(errorPages).length > 0 ? ["proxy_intercept_errors on;"] : []),
    ...(cache ? cacheLines(server, site, inputs) : []),
  ];
}

function basePath(path: string, below: boolean): string {
  const own = path.replace(/\/$/, "");
  return below ? `${own}/` : own || "/";
}

function cacheLines(server: string, site: string, { cache }: WebSiteInputs): Lines {
  const { zone } = cacheNames(server, site, cache!.purge);
  return [
    `proxy_cache ${zone};`,
    'proxy_cache_key "$scheme$host$request_uri";',
    ...(cache!.valid === undefined
      ? []
      : [`proxy_cache_valid 200 301 302 308 ${Math.ceil(milliseconds(cache!.valid) / 1000)}s;`]),
    "proxy_cache_lock on;",
    "proxy_cache_revalidate on;",
    "proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;",
    "proxy_cache_background_update on;",
    "proxy_no_cache $http_authorization;",
    "proxy_cache_bypass $http_authorization;",
    "add_header X-Cache $upstream_cache_status;",
  ];
}
