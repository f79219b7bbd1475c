import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { wildfly39, type WildFlyModel } from "../wildfly/model";
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

export interface WildFlyServerInputs extends WildFlyModel {
  machine: MachineSpec;
  timeout: string;
  disk?: string;
  /** "serving", or what was found in its place. */
  condition: string;
}

const dataSource = v.pipe(
  strict({
    url: v.pipe(
      databaseUrl,
      v.startsWith("jdbc:postgresql:", "is not of PostgreSQL. Allowed: jdbc:postgresql://HOST/DATABASE"),
    ),
    username: v.optional(v.string()),
    xa: v.optional(v.boolean(), false),
    maxTotal: v.optional(wholeNumber(1, 10_000), 20),
    minIdle: v.optional(wholeNumber(0, 10_000), 0),
    maxWait: v.optional(duration, "10s"),
    validationQuery: v.optional(v.pipe(v.string(), v.nonEmpty())),
  }),
  v.check(
    ({ maxTotal, minIdle }) => minIdle <= maxTotal,
    ({ input: { maxTotal, minIdle } }) =>
      `got minIdle ${minIdle}, maxTotal ${maxTotal}. Allowed: minIdle at most maxTotal`,
  ),
);

const connectors = v.pipe(
  v.array(
    strict({
      protocol: v.optional(v.literal("http", 'is not "http". Allowed: "http", what WildFly serves')),
      port,
      address: v.optional(address),
      maxConnections: v.optional(wholeNumber(1, 1_000_000)),
    }),
    "is not a list. Allowed: a list of connectors, e.g. [{ port: 8080 }]",
  ),
  v.nonEmpty("is empty. Allowed: at least one, e.g. [{ port: 8080 }]"),
  portsOnce(),
);

/** What WildFly and its service are, without what is found on the machine. */
export const wildflyServerSchema = v.pipe(
  strict({
    machine: machineSpec,
    name: serverName,
    route: serverName,
    distribution: v.optional(strict({ file: v.pipe(v.string(), v.nonEmpty()), sha256 }), wildfly39),
    applications: v.record(contextPath, strict(warFields)),
    dataSources: v.optional(v.record(jndiName, dataSource)),
    passwords: v.optional(v.record(v.string(), secret)),
    transactionTimeout: v.optional(duration, "5m"),
    heap: v.optional(heap("512MiB"), {}),
    jvmFlags: v.optional(
      jvmFlags(/^-D(jboss\.|org\.jboss\.|org\.wildfly\.|java\.io\.tmpdir|logging\.configuration)/),
      [],
    ),
    properties: v.optional(systemProperties, {}),
    connectors: v.optional(connectors, [{ port: 8080 }]),
    management: v.optional(port, 9990),
    cluster: v.optional(cluster(7600)),
    logs: v.optional(logs, {}),
    ...serviceFields,
  }),
  v.forward(
    v.check(
      ({ connectors: all, management }) => all.every((one) => one.port !== management),
      ({ input: { management } }) => `port ${management} is one of connectors. Allowed: another port of the loopback`,
    ),
    ["management"],
  ),
  v.forward(
    v.check(
      ({ cluster: given, route }) => !given || given.members.some(({ name }) => name !== route),
      "has no server beside this one. Allowed: at least two servers; a single one has no cluster",
    ),
    ["cluster"],
  ),
);
