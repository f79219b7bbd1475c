import { jobPlaces, type Job } from "../job/job";
import type { AcmeClientInputs } from "../schema/acme-client";
import { milliseconds } from "../schema/duration";
import { acmeJobScript } from "./job-script";

export const acmePlaces = (name: string) => jobPlaces("kvm-acme", name);

/** An AcmeClient's job. */
export function acmeJob(inputs: AcmeClientInputs): Job {
  const { name, schedule, jitter } = inputs;
  return {
    ...{ schedule, jitter, catchUp: true },
    places: acmePlaces(name),
    script: acmeJobScript,
    config: acmeConfig(inputs),
    description: `Certificates of ${name} by ACME`,
    needs: "Wants=network-online.target\nAfter=network-online.target\n",
    nice: 0,
    ioClass: "best-effort",
  };
}

/** The configuration: a setting a line, as job.sh reads it. */
function acmeConfig(inputs: AcmeClientInputs): string {
  const { name, directory, email, accountKey, authority, renewBefore, certificates, reload } = inputs;
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const lines: [string, string | number][] = [
    ["name", name],
    ["directory", directory],
    ...(email === undefined ? [] : [["email", email] as [string, string]]),
    ["account", base64(accountKey)],
    ...(authority === undefined ? [] : [["authority", base64(authority)] as [string, string]]),
    ["renew", Math.ceil(milliseconds(renewBefore) / milliseconds("1d"))],
    ...Object.entries(certificates)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([site, names]): [string, string] => ["certificate", [site, ...names].join(" ")]),
    ...reload.map((argument): [string, string] => ["reload", argument]),
  ];
  return lines.map(([key, value]) => `${key} ${value}\n`).join("");
}
