import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { schedule } from "./schedule";
import { duration, milliseconds } from "./duration";
import { machineSpec } from "./machine";
import { objectName } from "./name";
import { strict } from "./strict";
import { siteName } from "./web-values";

export interface AcmeClientInputs {
  machine: MachineSpec;
  name: string;
  directory: string;
  email?: string;
  accountKey: string;
  authority?: string;
  certificates: { [site: string]: string[] };
  renewBefore: string;
  schedule: string;
  jitter: string;
  reload: string[];
  disk?: string;
  /** What is installed, as one digest: generated, never given. */
  installed?: string;
}

/** Directories by name. */
const directories = {
  letsencrypt: "https://acme-v02.api.letsencrypt.org/directory",
  "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
} as { [name: string]: string };

const aDay = milliseconds("1d");

/** HTTP-01 proves single hosts: RFC 8555, 8.3 and 7.1.3. */
const provable = v.pipe(
  siteName,
  v.check(
    (name) => !name.startsWith("*."),
    (issue) =>
      `${JSON.stringify(issue.input)}: an authority issues certificates for whole domains only by DNS. Fix: name the hosts, or give a certificate`,
  ),
);

export const acmeClientSchema = strict({
  machine: machineSpec,
  name: objectName,
  directory: v.optional(
    v.pipe(
      v.string(),
      v.transform((given) => directories[given] ?? given),
      v.regex(
        /^https:\/\/[A-Za-z0-9.:[\]-]+(\/[A-Za-z0-9._~/-]*)?$/,
        (issue) =>
          `${JSON.stringify(issue.input)} is not a directory. Allowed: "letsencrypt", "letsencrypt-staging", or the https URL of an ACME directory`,
      ),
    ),
    "letsencrypt",
  ),
  email: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^[A-Za-z0-9.+_-]+@[A-Za-z0-9.-]+$/,
        (issue) => `${JSON.stringify(issue.input)} is not an address of mail`,
      ),
    ),
  ),
  accountKey: v.string("is not text. Allowed: PEM"),
  authority: v.optional(v.string()),
  certificates: v.pipe(
    v.record(
      siteName,
      v.pipe(v.array(provable), v.minLength(1, "is empty. Allowed: the names of the certificate's hosts")),
    ),
    v.check((all) => Object.keys(all).length > 0, "is empty. Allowed: one certificate or more"),
  ),
  renewBefore: v.optional(
    v.pipe(
      duration,
      v.check(
        (text) => !v.is(duration, text) || (milliseconds(text) >= aDay && milliseconds(text) <= 90 * aDay),
        (issue) => `got ${JSON.stringify(issue.input)}. Allowed: "1d" to "90d"`,
      ),
    ),
    "30d",
  ),
  schedule: v.optional(schedule, "hourly"),
  jitter: v.optional(duration, "15m"),
  reload: v.optional(v.array(v.pipe(v.string(), v.regex(/^[^\n]+$/, "is empty, or more than one line"))), []),
  disk: v.optional(v.string()),
  installed: v.optional(v.string()),
});
