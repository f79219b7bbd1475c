import type * as pulumi from "@pulumi/pulumi";

/** A server that requests are handed on to. */
export interface ProxyMemberArgs {
  /** As the cookie of "sticky" names it. */
  name: pulumi.Input<string>;
  /** IPv4, IPv6 (without brackets), or a host name, which is looked up when the configuration is read. */
  address: pulumi.Input<string>;
  port: pulumi.Input<number>;
  /** Default "http". The certificate of an https server is not verified. */
  protocol?: pulumi.Input<"http" | "https">;
  /** Its share beside the others. Default 1. */
  weight?: pulumi.Input<number>;
  /** It is asked only while all others fail. Default false. */
  backup?: pulumi.Input<boolean>;
}

/** How the requests below a path are handed on. */
export interface ProxySettingsArgs {
  /** What takes the place of the path that they are below. Default: requests keep their path. */
  path?: pulumi.Input<string>;
  /**
   * "roundrobin" (default); "leastconn", the one with the fewest connections; "sticky", the one that answered the browser
   * before, by a cookie, and another one where it fails.
   */
  balance?: pulumi.Input<"roundrobin" | "leastconn" | "sticky">;
  /** The cookie of "sticky". Default "kvmroute". */
  cookie?: pulumi.Input<string>;
  /**
   * How many other servers a request is handed to where one fails, for requests that may be repeated: no connection,
   * and with nginx a time-out, 502, 503 and 504. Default: all others.
   */
  retries?: pulumi.Input<number>;
  /** After how many failures in `pause` a server is left alone. Default 1, and always with Apache. */
  fails?: pulumi.Input<number>;
  /** For how long a server that failed is left alone. Default "5s". */
  pause?: pulumi.Input<string>;
  /** For connecting to a server. Default "2s". */
  connectTimeout?: pulumi.Input<string>;
  /** For two pieces of an answer. Default "60s". */
  timeout?: pulumi.Input<string>;
}

/** A path whose requests are handed on. */
export interface ProxyArgs extends ProxySettingsArgs {
  /** The servers. */
  to: pulumi.Input<pulumi.Input<ProxyMemberArgs>[]>;
}

/** Where a redirect leads to. */
export interface RedirectArgs {
  /** A path or a URL; "*" at its end stands for the rest of the path. The query is kept where this has none. */
  to: pulumi.Input<string>;
  /** Default 301. */
  status?: pulumi.Input<301 | 302 | 303 | 307 | 308>;
}

/** What is kept of the answers of `proxy`, as their own headers allow it. Answers that set cookies never are. */
export interface CacheArgs {
  /** For how long answers are kept that do not say it themselves. Default: they are not kept. */
  valid?: pulumi.Input<string>;
  /** Default "256MiB". Apache keeps to no size. */
  size?: pulumi.Input<string | number>;
  /** What nobody asks for during this time goes, with nginx. Default "10m". */
  inactive?: pulumi.Input<string>;
  /** Any text; another one empties the cache. */
  purge?: pulumi.Input<string>;
}

/** A site over https. TLS 1.2 and 1.3, HTTP/2. */
export interface SiteTlsArgs {
  /** PEM, its chain after it. */
  certificate?: pulumi.Input<string>;
  /** PEM, not encrypted. Always a secret in the state. */
  key?: pulumi.Input<string>;
  /**
   * In their place: the thumbprint of an `AcmeAccount`. The server answers its challenges, and serves what an `AcmeClient`
   * on its machine obtains; until then, a certificate that nobody vouches for.
   */
  acme?: pulumi.Input<string>;
  /** Whether http leads to https. Default true. */
  redirect?: pulumi.Input<boolean>;
  /** For how long browsers use nothing but https after a visit (HSTS). Default: they are not told. */
  hsts?: pulumi.Input<string>;
}

/** Limits of each client, by its address. What is over them is answered with 429. `requests` and `connections` are nginx's. */
export interface LimitsArgs {
  /** "10/s" or "30/m". */
  requests?: pulumi.Input<string>;
  /** How many may come at once beyond that. Default 20. */
  burst?: pulumi.Input<number>;
  /** At the same time. */
  connections?: pulumi.Input<number>;
  /** Of each answer, a second. */
  bandwidth?: pulumi.Input<string | number>;
}

/** Basic authentication. */
export interface AuthArgs {
  /** Passwords by user. Always secrets in the state; on the machine they are hashed. */
  users: { [user: string]: pulumi.Input<string> };
  /** What browsers show. Default "restricted". */
  realm?: pulumi.Input<string>;
  /** Only below these. Default: everywhere. */
  paths?: pulumi.Input<string[]>;
}

export interface SiteArgs {
  /** Further names of it. */
  aliases?: pulumi.Input<string[]>;
  /**
   * A folder beside the program, which is served. Only the files that changed travel, and all of a change is served from
   * one moment to the next.
   */
  root?: string;
  /** What is served for a folder. Default ["index.html"]. */
  index?: pulumi.Input<string[]>;
  /** What is served where there is no such file, for applications with routes of their own: "/index.html". Default: 404. */
  fallback?: pulumi.Input<string>;
  /** By the path that was asked for, "/old", or "/docs/*" for all below; the closest one counts. */
  redirects?: { [from: string]: pulumi.Input<string | RedirectArgs> };
  /** As redirects, without telling the browser. */
  rewrites?: { [from: string]: pulumi.Input<string> };
  /** By the path whose requests are handed on, with all below. */
  proxy?: { [path: string]: ProxyArgs };
  /** Keeps what `proxy` hands on. */
  cache?: CacheArgs;
  /** Whether text is compressed. Default true. */
  compression?: pulumi.Input<boolean>;
  /** For how long browsers keep what is there, by path or "/assets/*". */
  expires?: { [path: string]: pulumi.Input<string> };
  /** Headers of every answer. */
  headers?: { [name: string]: pulumi.Input<string> };
  /** By status: a path of the site, "/404.html", or an HTML file beside the program, "./errors/502.html". */
  errorPages?: { [status: string]: string };
  tls?: SiteTlsArgs;
  limits?: LimitsArgs;
  auth?: AuthArgs;
  /** Who may ask: addresses and subnets. Default: everybody. */
  allow?: pulumi.Input<string[]>;
  /** The largest body of a request. Default "10MiB". */
  maxBody?: pulumi.Input<string | number>;
  /** Lines for the site in the server's own language, for what is not here. */
  raw?: pulumi.Input<string>;
}
