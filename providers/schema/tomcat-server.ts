import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import type { TomcatModel } from "../tomcat/model";
import { duration } from "./duration";
import {
  address,
  cluster,
  contextPath,
  databaseUrl,
  heap,
  jndiName,
  jvmFlags,
  logs,
  port,
  portsOnce,
  secret,
  serverName,
  serviceFields,
  sha256,
  systemProperties,
  warFields,
} from "./java-server";
import { machineSpec } from "./machine";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

export interface TomcatServerInputs extends TomcatModel {
  machine: MachineSpec;
  timeout: string;
  disk?: string;
  /** "serving", or what was found in its place. */
  condition: string;
}

const filePath = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/,
    (issue) => `${JSON.stringify(issue.input)} is not a path in a WAR. Allowed: e.g. "WEB-INF/web.xml"`,
  ),
  v.check((path) => !path.split("/").some((part) => part === "." || part === ".."), "leaves the WAR"),
);

const application = strict({
  ...warFields,
  crossContext: v.optional(v.boolean()),
  first: v.optional(v.boolean()),
  files: v.optional(v.record(filePath, v.string())),
});

const library = strict({
  file: v.pipe(v.string(), v.nonEmpty("is empty. Allowed: the path of a JAR beside the program")),
  sha256,
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

const dataSource = v.pipe(
  strict({
    url: databaseUrl,
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
  portsOnce(),
);

/** The first setting of an application that a server which is not restarted could not have. */
function restartOnly({ deploy, applications }: Pick<TomcatModel, "deploy" | "applications">): string | undefined {
  if (deploy === "restart") return undefined;
  for (const [path, { first, files }] of Object.entries(applications)) {
    if (first === true) return `first of "${path}"`;
    if (files !== undefined) return `files of "${path}"`;
  }
  return undefined;
}

/** What Tomcat and its service are, without what is found on the machine. */
export const tomcatServerSchema = v.pipe(
  strict({
    machine: machineSpec,
    name: serverName,
    route: serverName,
    applications: v.record(contextPath, application),
    versions: v.optional(v.record(v.string(), wholeNumber(1, 999_999))),
    deploy: v.optional(v.picklist(["parallel", "restart"]), "parallel"),
    libraries: v.optional(v.array(library), []),
    users: v.optional(v.record(userName, strict({ roles: v.optional(v.array(role), []) }))),
    userPasswords: v.optional(v.record(v.string(), secret)),
    dataSources: v.optional(v.record(jndiName, dataSource)),
    passwords: v.optional(v.record(v.string(), secret)),
    heap: v.optional(heap("256MiB"), {}),
    jvmFlags: v.optional(jvmFlags(/^-D(catalina\.|com\.sun\.management\.jmxremote)/), []),
    properties: v.optional(systemProperties, {}),
    connectors: v.optional(connectors, [{ port: 8080 }]),
    cluster: v.optional(cluster(4000)),
    logs: v.optional(logs, {}),
    jmx: v.optional(port),
    ...serviceFields,
  }),
  v.forward(
    v.check(
      (given) => restartOnly(given) === undefined,
      ({ input }) => `${restartOnly(input)} takes a restart, and deploy is "parallel". Fix: say deploy: "restart"`,
    ),
    ["applications"],
  ),
);
