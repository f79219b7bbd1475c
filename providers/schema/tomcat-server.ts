import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import type { TomcatModel } from "../tomcat/model";
import { parseAddress } from "./address";
import { duration } from "./duration";
import { machineSpec } from "./machine";
import { bytes, size } from "./size";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

export interface TomcatServerInputs extends TomcatModel {
  machine: MachineSpec;
  timeout: string;
  disk?: string;
  /** "serving", or what was found in its place. */
  condition: string;
}

export const serverName = v.pipe(
  v.string(),
  v.regex(
    /^[a-z0-9][a-z0-9_.-]{0,40}$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not a name. Allowed: small letters, digits, "_", "." and "-", at most 41`,
  ),
);

const contextPath = v.pipe(
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

const port = wholeNumber(1, 65535);

const address = v.pipe(
  v.string(),
  v.check(
    (text) => parseAddress(text) !== undefined,
    (issue) => `${JSON.stringify(issue.input)} is not an address. Allowed: IPv4 or IPv6, without a mask`,
  ),
);

const filePath = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/,
    (issue) => `${JSON.stringify(issue.input)} is not a path in a WAR. Allowed: e.g. "WEB-INF/web.xml"`,
  ),
  v.check((path) => !path.split("/").some((part) => part === "." || part === ".."), "leaves the WAR"),
);

const application = strict({
  war: v.pipe(v.string(), v.nonEmpty("is empty. Allowed: the path of a WAR beside the program")),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  javax: v.optional(v.boolean(), false),
  check: v.optional(pagePath),
  crossContext: v.optional(v.boolean()),
  first: v.optional(v.boolean()),
  files: v.optional(v.record(filePath, v.string())),
});

const library = strict({
  file: v.pipe(v.string(), v.nonEmpty("is empty. Allowed: the path of a JAR beside the program")),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  javax: v.optional(v.boolean(), false),
});

const userName = v.pipe(
  v.string(),
  v.regex(
    /^[^\s\p{C}"]{1,64}$/u,
    (issue) => `${JSON.stringify(issue.input)} is not a user's name. Allowed: at most 64 characters, no blank`,
  ),
);

const role = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9_][\w.-]{0,63}$/,
    (issue) => `${JSON.stringify(issue.input)} is not a role. Allowed: letters, digits, "_", "." and "-"`,
  ),
);

// No message here shows what it got: it may be a secret.
const secret = v.pipe(
  v.string("is not text. Allowed: a string"),
  v.regex(/^[\x20-\uffff]+$/, "is empty, or has characters that XML cannot hold"),
);

const dataSource = v.pipe(
  strict({
    url: v.pipe(
      v.string(),
      v.regex(
        /^jdbc:[a-z0-9]+:\S+$/,
        'is not a database\'s URL. Allowed: e.g. "jdbc:postgresql://192.168.150.20/shop"; no user or password in it',
      ),
      v.check(
        (url) => !/[?&;](user|password)=/i.test(url),
        "has a user or a password in it. Fix: say username, password",
      ),
    ),
    username: v.optional(v.string()),
    driver: v.optional(v.pipe(v.string(), v.regex(/^[\w.$]+$/, "is not a class")), "org.postgresql.Driver"),
    maxTotal: v.optional(wholeNumber(1, 10_000), 20),
    maxIdle: v.optional(wholeNumber(0, 10_000)),
    minIdle: v.optional(wholeNumber(0, 10_000), 0),
    maxWait: v.optional(duration, "10s"),
    validationQuery: v.optional(v.pipe(v.string(), v.nonEmpty())),
  }),
  v.transform(({ maxIdle, ...source }) => ({ ...source, maxIdle: maxIdle ?? Math.min(10, source.maxTotal) })),
  v.check(
    ({ maxTotal, maxIdle, minIdle }) => minIdle <= maxIdle && maxIdle <= maxTotal,
    ({ input: { maxTotal, maxIdle, minIdle } }) =>
      `got minIdle ${minIdle}, maxIdle ${maxIdle}, maxTotal ${maxTotal}. Allowed: each at most the next one`,
  ),
);

const connector = v.pipe(
  strict({
    protocol: v.optional(v.picklist(["http", "ajp"]), "http"),
    port,
    address: v.optional(address),
    maxThreads: v.optional(wholeNumber(1, 100_000)),
    maxConnections: v.optional(wholeNumber(1, 1_000_000)),
    acceptCount: v.optional(wholeNumber(1, 100_000)),
    connectionTimeout: v.optional(duration),
    compression: v.optional(v.boolean()),
    secret: v.optional(secret),
  }),
  v.check(
    ({ protocol, secret: word }) => protocol === "ajp" || word === undefined,
    'secret is of protocol "ajp" only. Fix: leave it out',
  ),
);

const connectors = v.pipe(
  v.array(connector, "is not a list. Allowed: a list of connectors, e.g. [{ port: 8080 }]"),
  v.check(
    (all) => all.some(({ protocol }) => protocol === "http"),
    'has no connector of protocol "http", by which the server is asked whether it serves. Fix: add one, e.g. { port: 8080 }',
  ),
  v.check(
    (all) => new Set(all.map((one) => one.port)).size === all.length,
    ({ input: all }) => {
      const ports = all.map((one) => one.port);
      return `port ${ports.find((one, at) => ports.indexOf(one) !== at)} is there twice. Allowed: each port once`;
    },
  ),
);

const heap = v.pipe(
  strict({ initial: v.optional(size), maximum: v.optional(size, "256MiB") }),
  v.check(
    ({ maximum }) => bytes(maximum) >= 32 * 1024 * 1024,
    ({ input }) => `maximum: got ${JSON.stringify(input.maximum)}. Allowed: at least "32MiB"`,
  ),
  v.check(
    ({ initial, maximum }) => initial === undefined || bytes(initial) <= bytes(maximum),
    ({ input }) => `initial: got ${JSON.stringify(input.initial)}. Allowed: at most maximum, ${input.maximum}`,
  ),
);

const jvmFlag = v.pipe(
  v.string(),
  v.regex(
    /^-[^\n\0]+$/,
    (issue) => `${JSON.stringify(issue.input)} is not an option of java. Allowed: e.g. "-XX:+UseZGC", one a string`,
  ),
  v.check(
    (flag) => !/^-(Xmx|Xms|XX:MaxHeapSize|XX:InitialHeapSize)/.test(flag),
    (issue) => `${JSON.stringify(issue.input)} is the heap's size. Fix: say heap`,
  ),
  v.check(
    (flag) => !/^-(jar|cp|classpath|-class-path|Dcatalina\.|Dcom\.sun\.management\.jmxremote)/.test(flag),
    (issue) => `${JSON.stringify(issue.input)} is ours to say. Fix: leave it out`,
  ),
);

const cluster = strict({
  address,
  port: v.optional(port, 4000),
  members: v.array(strict({ name: v.pipe(v.string(), v.nonEmpty()), address, port: v.optional(port, 4000) })),
});

/** What Tomcat and its service are, without what is found on the machine. */
export const tomcatServerSchema = strict({
  machine: machineSpec,
  name: serverName,
  route: serverName,
  applications: v.record(contextPath, application),
  versions: v.optional(v.record(v.string(), wholeNumber(1, 999_999))),
  deploy: v.optional(v.picklist(["parallel", "restart"]), "parallel"),
  libraries: v.optional(v.array(library), []),
  users: v.optional(v.record(userName, strict({ roles: v.optional(v.array(role), []) }))),
  userPasswords: v.optional(v.record(v.string(), secret)),
  dataSources: v.optional(
    v.record(
      v.pipe(
        v.string(),
        v.regex(
          /^[A-Za-z0-9_]+(\/[A-Za-z0-9_-]+)*$/,
          (issue) => `${JSON.stringify(issue.input)} is not a name of JNDI. Allowed: e.g. "jdbc/shop"`,
        ),
      ),
      dataSource,
    ),
  ),
  passwords: v.optional(v.record(v.string(), secret)),
  heap: v.optional(heap, {}),
  jvmFlags: v.optional(v.array(jvmFlag, "is not a list. Allowed: a list of options of java"), []),
  properties: v.optional(
    v.record(
      v.pipe(
        v.string(),
        v.regex(/^[A-Za-z_][\w.-]*$/, "is not a property's name. Allowed: letters, digits, _, . and -"),
      ),
      v.pipe(v.string("is not text. Allowed: a string"), v.regex(/^[^\n\0]*$/, "must be one line")),
    ),
    {},
  ),
  connectors: v.optional(connectors, [{ port: 8080 }]),
  cluster: v.optional(cluster),
  logs: v.optional(strict({ days: v.optional(wholeNumber(1, 3650), 14), access: v.optional(v.boolean(), true) }), {}),
  jmx: v.optional(port),
  healthPath: v.optional(pagePath, "/.health"),
  drain: v.optional(duration, "5s"),
  timeout: v.optional(duration, "2m"),
  disk: v.optional(v.string()),
  condition: v.optional(v.string(), "serving"),
});
