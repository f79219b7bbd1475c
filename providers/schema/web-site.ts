import * as v from "valibot";
import { duration } from "./duration";
import { strict } from "./strict";
import { shorthand } from "./shorthand";
import { size } from "./size";
import { wholeNumber } from "./whole-number";
import {
  cookieName,
  headerName,
  headerValue,
  indexName,
  pathPattern,
  redirectTarget,
  rewriteTarget,
  serverAddress,
  shownName,
  siteName,
  source,
  urlPath,
  userName,
} from "./web-values";

export interface RedirectInputs {
  to: string;
  status: 301 | 302 | 303 | 307 | 308;
}

export interface ProxyMemberInputs {
  name: string;
  address: string;
  port: number;
  protocol: "http" | "https";
  weight: number;
  backup: boolean;
}

export interface ProxyInputs {
  to: ProxyMemberInputs[];
  path?: string;
  balance: "roundrobin" | "leastconn" | "sticky";
  cookie: string;
  retries?: number;
  fails: number;
  pause: string;
  connectTimeout: string;
  timeout: string;
}

export interface CacheInputs {
  valid?: string;
  size: string;
  inactive: string;
  purge?: string;
}

export interface TlsInputs {
  certificate?: string;
  /** The thumbprint of the account that it is issued for, on the machine. */
  acme?: string;
  redirect: boolean;
  hsts?: string;
}

export interface LimitsInputs {
  requests?: string;
  burst: number;
  connections?: number;
  bandwidth?: string;
}

export interface AuthInputs {
  realm: string;
  users: string[];
  paths?: string[];
}

export interface WebSiteInputs {
  aliases: string[];
  root?: string;
  content?: string;
  index: string[];
  fallback?: string;
  redirects: { [from: string]: RedirectInputs };
  rewrites: { [from: string]: string };
  proxy: { [path: string]: ProxyInputs };
  cache?: CacheInputs;
  compression: boolean;
  expires: { [path: string]: string };
  headers: { [name: string]: string };
  errorPages: { [status: string]: string };
  tls?: TlsInputs;
  limits?: LimitsInputs;
  auth?: AuthInputs;
  allow?: string[];
  maxBody: string;
  raw?: string;
}

const redirect: v.GenericSchema<unknown, RedirectInputs> = shorthand(
  v.pipe(
    redirectTarget,
    v.transform((to): RedirectInputs => ({ to, status: 301 })),
  ),
  strict({ to: redirectTarget, status: v.optional(v.picklist([301, 302, 303, 307, 308]), 301) }),
);

const requestRate = v.pipe(
  v.string(),
  v.regex(
    /^[1-9]\d{0,5}\/(s|m)$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not a rate. Allowed: requests a second or minute, e.g. "10/s" or "30/m"`,
  ),
);

const member = strict({
  name: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]+$/, "is not a name. Allowed: letters, digits and . _ -")),
  address: serverAddress,
  port: wholeNumber(1, 65535),
  protocol: v.optional(v.picklist(["http", "https"]), "http"),
  weight: v.optional(wholeNumber(1, 100), 1),
  backup: v.optional(v.boolean(), false),
});

const proxy = v.pipe(
  strict({
    to: v.pipe(v.array(member), v.minLength(1, "is empty. Allowed: the servers that requests are handed on to")),
    path: v.optional(urlPath),
    balance: v.optional(v.picklist(["roundrobin", "leastconn", "sticky"]), "roundrobin"),
    cookie: v.optional(cookieName, "kvmroute"),
    retries: v.optional(wholeNumber(0, 100)),
    fails: v.optional(wholeNumber(1, 100), 1),
    pause: v.optional(duration, "5s"),
    connectTimeout: v.optional(duration, "2s"),
    timeout: v.optional(duration, "60s"),
  }),
  v.check(
    ({ balance, path }) => balance !== "sticky" || path === undefined,
    "path cannot be changed where balance is sticky. Fix: leave one of them out, or serve the path there under its own name",
  ),
  v.check(({ to }) => new Set(to.map(({ name }) => name)).size === to.length, "two servers have the same name"),
  v.check(
    ({ to }) => new Set(to.map(({ protocol }) => protocol)).size <= 1,
    "some servers speak http and some https. Allowed: the same for all of one path",
  ),
  v.check(
    ({ to }) => to.length === 0 || to.some(({ backup }) => !backup),
    "all servers are for backup. Fix: leave backup out of one",
  ),
);

const status = v.pipe(
  v.string(),
  v.regex(/^[45]\d\d$/, (issue) => `${JSON.stringify(issue.input)} is not the status of an error. Allowed: 400 to 599`),
);

const errorPage = v.string("is not text. Allowed: a path of the site that begins with /, or the page itself");

export const webSiteSchema = v.pipe(
  strict({
    aliases: v.optional(v.array(siteName), []),
    root: v.optional(v.pipe(v.string(), v.nonEmpty("is empty. Allowed: the path of a folder beside the program"))),
    content: v.optional(v.string()),
    index: v.optional(v.array(indexName), ["index.html"]),
    fallback: v.optional(urlPath),
    redirects: v.optional(v.record(pathPattern, redirect), {}),
    rewrites: v.optional(v.record(pathPattern, rewriteTarget), {}),
    proxy: v.optional(v.record(urlPath, proxy), {}),
    cache: v.optional(
      strict({
        valid: v.optional(duration),
        size: v.optional(size, "256MiB"),
        inactive: v.optional(duration, "10m"),
        purge: v.optional(v.string()),
      }),
    ),
    compression: v.optional(v.boolean(), true),
    expires: v.optional(v.record(pathPattern, duration), {}),
    headers: v.optional(v.record(headerName, headerValue), {}),
    errorPages: v.optional(v.record(status, errorPage), {}),
    tls: v.optional(
      v.pipe(
        strict({
          certificate: v.optional(v.string()),
          acme: v.optional(
            v.pipe(
              v.string(),
              v.regex(/^[A-Za-z0-9_-]{43}$/, "is not the thumbprint of an account. Allowed: that of an AcmeAccount"),
            ),
          ),
          redirect: v.optional(v.boolean(), true),
          hsts: v.optional(duration),
        }),
        v.check(
          ({ certificate, acme }) => (certificate === undefined) !== (acme === undefined),
          "has to say where its certificate is from. Allowed: certificate and key, or acme",
        ),
      ),
    ),
    limits: v.optional(
      strict({
        requests: v.optional(requestRate),
        burst: v.optional(wholeNumber(0, 100_000), 20),
        connections: v.optional(wholeNumber(1, 65535)),
        bandwidth: v.optional(size),
      }),
    ),
    auth: v.optional(
      strict({
        realm: v.optional(shownName, "restricted"),
        users: v.array(userName),
        paths: v.optional(v.array(urlPath)),
      }),
    ),
    allow: v.optional(v.array(source)),
    maxBody: v.optional(size, "10MiB"),
    raw: v.optional(v.string()),
  }),
  v.check(
    ({ root, proxy: proxies }) => root === undefined || !("/" in proxies),
    'proxy "/" takes every request, and root none. Fix: leave one of them out, or name the paths that are handed on',
  ),
  v.check(
    ({ root, fallback }) => root !== undefined || fallback === undefined,
    "fallback is a file of root, and there is none. Fix: leave it out",
  ),
  v.check(
    ({ proxy: proxies, cache }) => cache === undefined || Object.keys(proxies).length > 0,
    "cache keeps what proxy hands on, and there is none. Fix: leave it out; for browsers' caches say expires",
  ),
) as v.GenericSchema<unknown, WebSiteInputs>;
