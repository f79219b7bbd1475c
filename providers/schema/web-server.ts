import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { duration } from "./duration";
import { machineSpec } from "./machine";
import { objectName } from "./name";
import { strict } from "./strict";
import { webSiteSchema, type WebSiteInputs } from "./web-site";
import { siteName, source, urlPath, userName } from "./web-values";
import { wholeNumber } from "./whole-number";

export interface WebServerInputs {
  machine: MachineSpec;
  server: "nginx" | "apache";
  name: string;
  sites: { [name: string]: WebSiteInputs };
  defaultSite?: string;
  http: number;
  https: number;
  healthPath: string;
  status?: string[];
  trustedProxies: string[];
  logs: { format: "combined" | "json"; rotate: "daily" | "weekly" | "monthly"; keep: number };
  keepReleases: number;
  drain: string;
  timeout: string;
  keys: { [site: string]: string };
  passwords: { [site: string]: { [user: string]: string } };
  disk?: string;
  condition: string;
}

/** What `condition` is when nothing has to be done. */
export const asDeclared = "as declared";

/** Named in what is wrong, never shown. */
const secret = v.string("is not text. Allowed: a string");

export const webServerSchema = v.pipe(
  strict({
    machine: machineSpec,
    server: v.optional(v.picklist(["nginx", "apache"]), "nginx"),
    name: objectName,
    sites: v.pipe(
      v.record(siteName, webSiteSchema),
      v.check((sites) => Object.keys(sites).length > 0, "is empty. Allowed: one site or more, by the name of its host"),
    ),
    defaultSite: v.optional(siteName),
    http: v.optional(wholeNumber(1, 65535), 80),
    https: v.optional(wholeNumber(1, 65535), 443),
    healthPath: v.optional(urlPath, "/.health"),
    status: v.optional(v.array(source)),
    trustedProxies: v.optional(v.array(source), []),
    logs: v.optional(
      strict({
        format: v.optional(v.picklist(["combined", "json"]), "combined"),
        rotate: v.optional(v.picklist(["daily", "weekly", "monthly"]), "daily"),
        keep: v.optional(wholeNumber(0, 10_000), 14),
      }),
      {},
    ),
    keepReleases: v.optional(wholeNumber(1, 1000), 3),
    drain: v.optional(duration, "0s"),
    timeout: v.optional(duration, "30s"),
    keys: v.optional(v.record(siteName, secret), {}),
    passwords: v.optional(v.record(siteName, v.record(userName, secret)), {}),
    disk: v.optional(v.string()),
    condition: v.optional(v.string(), asDeclared),
  }),
  v.check(({ http, https }) => http !== https, "http and https are the same port. Fix: choose another for one of them"),
  v.check(
    ({ sites, defaultSite }) => defaultSite === undefined || defaultSite in sites,
    "defaultSite is none of the sites. Allowed: the name of one of them",
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.value.server !== "apache") return;
    for (const [name, { limits, proxy }] of Object.entries(dataset.value.sites)) {
      for (const field of ["requests", "connections"] as const)
        if (limits?.[field] !== undefined)
          addIssue({
            message: `sites: ${name}: limits.${field} is nginx's, Apache counts no client's. Fix: leave it out, or set server: "nginx"`,
          });
      for (const [path, { fails }] of Object.entries(proxy))
        if (fails > 1)
          addIssue({
            message: `sites: ${name}: proxy ${path}: fails: got ${fails}. Allowed with Apache: 1, it counts no failures`,
          });
    }
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const names = Object.entries(dataset.value.sites).flatMap(([name, { aliases }]) => [name, ...aliases]);
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined)
      addIssue({
        message: `sites: ${JSON.stringify(twice)} is there twice, as a site or an alias. Fix: leave one out`,
      });
  }),
);
