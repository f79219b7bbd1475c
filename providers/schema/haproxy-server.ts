import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { address } from "./address";
import { farmName, farmSchema, type FarmInputs } from "./balancer-farm";
import { duration } from "./duration";
import { machineSpec } from "./machine";
import { objectName } from "./name";
import { strict } from "./strict";
import { source, userName } from "./web-values";
import { asDeclared } from "./web-server";
import { wholeNumber } from "./whole-number";

export interface StatsInputs {
  port: number;
  addresses: string[];
  user: string;
}

export interface MetricsInputs {
  port: number;
  addresses: string[];
  allow?: string[];
}

export interface HaproxyServerInputs {
  machine: MachineSpec;
  name: string;
  farms: { [name: string]: FarmInputs };
  stats?: StatsInputs;
  metrics?: MetricsInputs;
  log?: string;
  maxConnections?: number;
  hardStopAfter: string;
  timeout: string;
  /** Private keys of farms with TLS. */
  keys: { [farm: string]: string };
  /** Of the statistics page. */
  password?: string;
  disk?: string;
  condition: string;
}

const secret = v.string("is not text. Allowed: a string");

const logTarget = v.pipe(
  v.string(),
  v.regex(
    /^(\/[A-Za-z0-9._/-]+|[A-Za-z0-9.:[\]-]+:\d{1,5})$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is no place to log to. Allowed: "/dev/log", or an address with its port: "192.0.2.9:514"`,
  ),
);

const inside = v.optional(v.array(address), ["127.0.0.1"]);

/** What HAProxy listens on, with what says so. */
export function listening({ farms, stats, metrics }: Pick<HaproxyServerInputs, "farms" | "stats" | "metrics">) {
  return [
    ...Object.entries(farms).flatMap(([name, { port, addresses = ["*"], tls }]) => [
      ...(port === undefined ? [] : addresses.map((on) => ({ on, port, field: `farms.${name}.port` }))),
      ...(tls?.redirect === undefined
        ? []
        : addresses.map((on) => ({ on, port: tls.redirect!, field: `farms.${name}.tls.redirect` }))),
    ]),
    ...(stats ? stats.addresses.map((on) => ({ on, port: stats.port, field: "stats.port" })) : []),
    ...(metrics ? metrics.addresses.map((on) => ({ on, port: metrics.port, field: "metrics.port" })) : []),
  ];
}

export const haproxyServerSchema = v.pipe(
  strict({
    machine: machineSpec,
    name: objectName,
    farms: v.pipe(
      v.record(farmName, farmSchema),
      v.check((farms) => Object.keys(farms).length > 0, "is empty. Allowed: one farm or more, by its name"),
    ),
    stats: v.optional(
      strict({
        port: v.optional(wholeNumber(1, 65535), 8404),
        addresses: inside,
        user: v.optional(userName, "admin"),
      }),
    ),
    metrics: v.optional(
      strict({ port: v.optional(wholeNumber(1, 65535), 8405), addresses: inside, allow: v.optional(v.array(source)) }),
    ),
    log: v.optional(logTarget),
    maxConnections: v.optional(wholeNumber(1, 1_000_000)),
    hardStopAfter: v.optional(duration, "1h"),
    timeout: v.optional(duration, "30s"),
    keys: v.optional(v.record(farmName, secret), {}),
    password: v.optional(
      v.pipe(
        secret,
        // In the configuration it stands in double quotes.
        v.regex(/^[^\s"\\$\0]+$/, 'has characters that are not allowed. Allowed: all but blanks and " \\ $'),
      ),
    ),
    disk: v.optional(v.string()),
    condition: v.optional(v.string(), asDeclared),
  }),
  v.check(
    ({ stats, password }) => stats === undefined || password !== undefined,
    "stats.password is required: the page shows who is served by what. Fix: give one",
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { farms } = dataset.value;
    for (const [name, { rules, mode }] of Object.entries(farms))
      for (const { farm } of rules)
        if (!Object.hasOwn(farms, farm) || farms[farm]!.mode !== mode || farms[farm]!.members.length === 0)
          addIssue({
            message: `farms.${name}.rules: ${JSON.stringify(farm)} is no farm with members and mode "http". Allowed: ${Object.keys(farms).join(", ")}`,
          });
    const led = new Set(Object.values(farms).flatMap(({ rules }) => rules.map(({ farm }) => farm)));
    for (const [name, { port }] of Object.entries(farms))
      if (port === undefined && !led.has(name))
        addIssue({ message: `farms.${name}: nothing leads to it. Fix: say port, or name it in the rules of a farm` });
    const taken = listening(dataset.value);
    for (const [at, { on, port, field }] of taken.entries()) {
      const other = taken
        .slice(0, at)
        .find((one) => one.port === port && (one.on === on || one.on === "*" || on === "*"));
      if (other) addIssue({ message: `${field}: ${port} is that of ${other.field} already. Fix: choose another port` });
    }
  }),
) as v.GenericSchema<unknown, HaproxyServerInputs>;
