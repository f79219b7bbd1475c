import * as v from "valibot";
import { parseAddress } from "./address";
import { duration } from "./duration";
import { bytes, size } from "./size";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

/** What servers of Java have in common, whichever they are. */

export const serverName = v.pipe(
  v.string(),
  v.regex(
    /^[a-z0-9][a-z0-9_.-]{0,40}$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not a name. Allowed: small letters, digits, "_", "." and "-", at most 41`,
  ),
);

export const contextPath = v.pipe(
  v.string(),
  v.regex(
    /^\/$|^(\/[A-Za-z0-9_.~-]+)+$/,
    (issue) => `${JSON.stringify(issue.input)} is not a path of an application. Allowed: "/", or e.g. "/shop"`,
  ),
  v.check(
    (path) => path !== "/pulumi-kvm-manager" && !path.split("/").some((part) => part === "." || part === ".."),
    (issue) => `${JSON.stringify(issue.input)} is taken. Allowed: another path`,
  ),
);

/** The path of a page: no blanks, nothing that ends a request's line. */
export const pagePath = v.pipe(
  v.string(),
  v.regex(
    /^\/[\x21-\x7e]*$/,
    (issue) => `${JSON.stringify(issue.input)} is not a page. Allowed: a path as in a URL, e.g. "/health"`,
  ),
);

export const port = wholeNumber(1, 65535);

export const address = v.pipe(
  v.string(),
  v.check(
    (text) => parseAddress(text) !== undefined,
    (issue) => `${JSON.stringify(issue.input)} is not an address. Allowed: IPv4 or IPv6, without a mask`,
  ),
);

export const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** A WAR by its path, with its digest. */
export const warFields = {
  war: v.pipe(v.string(), v.nonEmpty("is empty. Allowed: the path of a WAR beside the program")),
  sha256,
  javax: v.optional(v.boolean(), false),
  check: v.optional(pagePath),
};

// No message here shows what it got: it may be a secret.
export const secret = v.pipe(
  v.string("is not text. Allowed: a string"),
  v.regex(/^[\x20-\uffff]+$/, "is empty, or has characters that XML cannot hold"),
);

export const databaseUrl = v.pipe(
  v.string(),
  v.regex(
    /^jdbc:[a-z0-9]+:\S+$/,
    'is not a database\'s URL. Allowed: e.g. "jdbc:postgresql://192.168.150.20/shop"; no user or password in it',
  ),
  v.check((url) => !/[?&;](user|password)=/i.test(url), "has a user or a password in it. Fix: say username, password"),
);

export const jndiName = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9_]+(\/[A-Za-z0-9_-]+)*$/,
    (issue) => `${JSON.stringify(issue.input)} is not a name of JNDI. Allowed: e.g. "jdbc/shop"`,
  ),
);

/** Memory for objects. */
export function heap(maximum: string) {
  return v.pipe(
    strict({ initial: v.optional(size), maximum: v.optional(size, maximum) }),
    v.check(
      (given) => bytes(given.maximum) >= 32 * 1024 * 1024,
      ({ input }) => `maximum: got ${JSON.stringify(input.maximum)}. Allowed: at least "32MiB"`,
    ),
    v.check(
      (given) => given.initial === undefined || bytes(given.initial) <= bytes(given.maximum),
      ({ input }) => `initial: got ${JSON.stringify(input.initial)}. Allowed: at most maximum, ${input.maximum}`,
    ),
  );
}

/** Options of java, but for those that `ours` begins. */
export function jvmFlags(ours: RegExp) {
  const flag = v.pipe(
    v.string(),
    v.regex(
      /^-[^\n\0]+$/,
      (issue) => `${JSON.stringify(issue.input)} is not an option of java. Allowed: e.g. "-XX:+UseZGC", one a string`,
    ),
    v.check(
      (text) => !/^-(Xmx|Xms|XX:MaxHeapSize|XX:InitialHeapSize)/.test(text),
      (issue) => `${JSON.stringify(issue.input)} is the heap's size. Fix: say heap`,
    ),
    v.check(
      (text) => !/^-(jar|cp|classpath|-class-path)/.test(text) && !ours.test(text),
      (issue) => `${JSON.stringify(issue.input)} is ours to say. Fix: leave it out`,
    ),
  );
  return v.array(flag, "is not a list. Allowed: a list of options of java");
}

export const systemProperties = v.record(
  v.pipe(v.string(), v.regex(/^[A-Za-z_][\w.-]*$/, "is not a property's name. Allowed: letters, digits, _, . and -")),
  v.pipe(v.string("is not text. Allowed: a string"), v.regex(/^[^\n\0]*$/, "must be one line")),
);

/** Servers that keep each other's sessions, at this port where none is said. */
export function cluster(usual: number) {
  const at = v.optional(port, usual);
  return strict({
    address,
    port: at,
    members: v.array(strict({ name: v.pipe(v.string(), v.nonEmpty()), address, port: at })),
  });
}

export const logs = strict({ days: v.optional(wholeNumber(1, 3650), 14), access: v.optional(v.boolean(), true) });

/** How a service is asked, ended and waited for, and what was found of it. */
export const serviceFields = {
  healthPath: v.optional(pagePath, "/.health"),
  drain: v.optional(duration, "5s"),
  timeout: v.optional(duration, "2m"),
  disk: v.optional(v.string()),
  condition: v.optional(v.string(), "serving"),
};

/** A list of connectors has each port once. */
export function portsOnce<const Connector extends { port: number }>() {
  return v.check<Connector[], (issue: v.CheckIssue<Connector[]>) => string>(
    (all) => new Set(all.map((one) => one.port)).size === all.length,
    ({ input: all }) => {
      const ports = all.map((one) => one.port);
      return `port ${ports.find((one, at) => ports.indexOf(one) !== at)} is there twice. Allowed: each port once`;
    },
  );
}
