import * as v from "valibot";
import { address } from "./address";
import { duration } from "./duration";
import { strict } from "./strict";
import { cookieName, serverAddress, siteName, source, urlPath } from "./web-values";
import { wholeNumber } from "./whole-number";

export type MemberState = "ready" | "drain" | "maintenance";

export interface FarmMemberInputs {
  name: string;
  address: string;
  port: number;
  protocol: string;
  weight: number;
  backup: boolean;
  maxConnections?: number;
  state: MemberState;
}

export interface FarmCheckInputs {
  type: "tcp" | "http" | "ldap" | "smtp" | "imap" | "pop3" | "none";
  path: string;
  host?: string;
  status: string;
  port?: number;
  interval: string;
  timeout: string;
  rise: number;
  fall: number;
}

export interface FarmRuleInputs {
  hosts: string[];
  path?: string;
  farm: string;
}

export interface FarmInputs {
  mode: "http" | "tcp";
  port?: number;
  addresses?: string[];
  members: FarmMemberInputs[];
  rules: FarmRuleInputs[];
  balance: "roundrobin" | "leastconn" | "source" | "sticky";
  cookie: string;
  check: FarmCheckInputs;
  tls?: { certificate: string; redirect?: number; hsts?: string };
  ca?: string;
  proxyProtocol: { accept: boolean; send?: "v1" | "v2" };
  allow?: string[];
  maxConnections?: number;
  queue: string;
  retries: number;
  connectTimeout: string;
  timeout: string;
}

/** What farms and their members are called, in the configuration and on the statistics page. */
export const farmName = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    (issue) => `${JSON.stringify(issue.input)} is not a name. Allowed: letters, digits and . _ -, at most 63 of them`,
  ),
);

const member = strict({
  name: farmName,
  address: serverAddress,
  port: wholeNumber(1, 65535),
  protocol: v.optional(v.string(), "tcp"),
  weight: v.optional(wholeNumber(1, 256), 1),
  backup: v.optional(v.boolean(), false),
  maxConnections: v.optional(wholeNumber(1, 1_000_000)),
  state: v.optional(v.picklist(["ready", "drain", "maintenance"]), "ready"),
});

const status = v.pipe(
  v.string(),
  v.regex(
    /^[1-5]\d\d(-[1-5]\d\d)?$/,
    (issue) => `${JSON.stringify(issue.input)} is not a status. Allowed: "200", or a range: "200-399"`,
  ),
);

const check = strict({
  type: v.optional(v.picklist(["tcp", "http", "ldap", "smtp", "imap", "pop3", "none"]), "tcp"),
  path: v.optional(urlPath, "/"),
  host: v.optional(siteName),
  status: v.optional(status, "200-399"),
  port: v.optional(wholeNumber(1, 65535)),
  interval: v.optional(duration, "500ms"),
  timeout: v.optional(duration, "1s"),
  rise: v.optional(wholeNumber(1, 100), 2),
  fall: v.optional(wholeNumber(1, 100), 2),
});

const rule = v.pipe(
  strict({
    hosts: v.optional(v.array(siteName), []),
    path: v.optional(urlPath),
    farm: farmName,
  }),
  v.check(
    ({ hosts, path }) => hosts.length > 0 || path !== undefined,
    "matches every request. Allowed: hosts, a path, or both; what no rule takes goes to the farm's own members",
  ),
);

const reversed = (farm: FarmInputs) => farm.mode === "tcp";

export const farmSchema = v.pipe(
  strict({
    mode: v.optional(v.picklist(["http", "tcp"]), "http"),
    port: v.optional(wholeNumber(1, 65535)),
    addresses: v.optional(v.array(address)),
    members: v.optional(v.array(member), []),
    rules: v.optional(v.array(rule), []),
    balance: v.optional(v.picklist(["roundrobin", "leastconn", "source", "sticky"]), "roundrobin"),
    cookie: v.optional(cookieName, "kvmmember"),
    check: v.optional(check, {}),
    tls: v.optional(
      strict({
        certificate: v.string(),
        redirect: v.optional(wholeNumber(1, 65535)),
        hsts: v.optional(duration),
      }),
    ),
    ca: v.optional(v.string()),
    proxyProtocol: v.optional(
      strict({ accept: v.optional(v.boolean(), false), send: v.optional(v.picklist(["v1", "v2"])) }),
      {},
    ),
    allow: v.optional(v.array(source)),
    maxConnections: v.optional(wholeNumber(1, 1_000_000)),
    queue: v.optional(duration, "5s"),
    retries: v.optional(wholeNumber(0, 100), 3),
    connectTimeout: v.optional(duration, "500ms"),
    timeout: v.optional(duration, "60s"),
  }),
  v.check(
    (farm) => !reversed(farm) || farm.rules.length === 0,
    'rules look at hosts and paths, and mode is "tcp". Fix: leave them out, or say mode "http"',
  ),
  v.check(
    (farm) => !reversed(farm) || farm.balance !== "sticky",
    'balance "sticky" is a cookie, and mode is "tcp". Allowed: "roundrobin", "leastconn" or "source"',
  ),
  v.check(
    (farm) => !reversed(farm) || (farm.tls?.redirect === undefined && farm.tls?.hsts === undefined),
    'tls.redirect and tls.hsts are for browsers, and mode is "tcp". Fix: leave them out',
  ),
  v.check(
    ({ port, addresses }) => port !== undefined || addresses === undefined,
    "addresses are listened on with port, and there is none. Fix: say port, or leave addresses out",
  ),
  v.check(
    ({ port, tls }) => port !== undefined || tls === undefined,
    "tls ends where port listens, and there is none. Fix: say port, or give tls to the farm whose rules lead here",
  ),
  v.check(
    ({ members, rules }) => members.length > 0 || rules.length > 0,
    "has no members. Allowed: one or more, or rules that lead to other farms",
  ),
  v.check(
    ({ members }) => new Set(members.map(({ name }) => name)).size === members.length,
    "two members have the same name",
  ),
  v.check(
    ({ members }) => members.length === 0 || members.some(({ backup }) => !backup),
    "all members are for backup. Fix: leave backup out of one",
  ),
) as v.GenericSchema<unknown, FarmInputs>;
