import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { imageDirectory, imageHost } from "./image";
import { strict } from "./strict";

export interface CloudImageInputs {
  machine: MachineSpec;
  directory: string;
  url: string;
  checksum?: string;
  unverified: boolean;
  serial?: string;
  retain: "delete" | "keep";
}

const lengths: { [digits: number]: string } = { 64: "sha256", 96: "sha384", 128: "sha512" };

/** The algorithm and the digest in "sha256:HEX" or plain hex; undefined when it is neither. */
export function parseDigest(text: string): { algorithm: string; digest: string } | undefined {
  const [, named, digest] = /^(?:(sha256|sha384|sha512):)?([0-9a-f]+)$/i.exec(text.trim()) ?? [];
  const algorithm = digest === undefined ? undefined : lengths[digest.length];
  if (!algorithm || (named && named.toLowerCase() !== algorithm)) return undefined;
  return { algorithm, digest: digest!.toLowerCase() };
}

function url(text: string): boolean {
  return /^(https?:\/\/[^\s/]+\/|file:\/\/\/)[^\s"\\]*$/.test(text) && URL.canParse(text);
}

const checksum = v.pipe(
  v.string(),
  v.check(
    (text) => parseDigest(text) !== undefined || url(text),
    (issue) =>
      `${JSON.stringify(issue.input)} is not a checksum. Allowed: "sha256:" or "sha512:" and hex digits, or the URL of a checksums file, e.g. "https://example.org/SHA256SUMS"`,
  ),
);

/** What a downloaded image is. */
export const cloudImageSchema: v.GenericSchema<unknown, CloudImageInputs> = v.pipe(
  strict({
    machine: imageHost,
    directory: imageDirectory,
    url: v.pipe(
      v.string(),
      v.check(
        url,
        (issue) =>
          `${JSON.stringify(issue.input)} is not the URL of an image. Allowed: http, https, or file with a path on the host, without blanks`,
      ),
    ),
    checksum: v.optional(checksum),
    unverified: v.optional(v.boolean(), false),
    serial: v.optional(v.string()),
    retain: v.optional(v.picklist(["delete", "keep"], 'Allowed: "delete" or "keep"'), "delete"),
  }),
  v.forward(
    v.check(
      ({ checksum, unverified }) => unverified || checksum !== undefined,
      'is required: what a server sends is not trusted unseen. Allowed: "sha256:..." or the URL of a checksums file; unverified: true does without',
    ),
    ["checksum"],
  ),
  v.forward(
    v.check(
      ({ checksum, unverified }) => !unverified || checksum === undefined,
      "true contradicts checksum. Fix: leave one of them out",
    ),
    ["unverified"],
  ),
);
