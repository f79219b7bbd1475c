import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { imageDirectory, imageHost } from "./image";
import { size } from "./size";
import { strict } from "./strict";

/** One package: a file on the machine that runs pulumi, or where it is downloaded from. */
export interface RpmSource {
  path?: string;
  url?: string;
  /** In hex: of a file computed where it is not given. */
  sha256: string;
}

export interface RpmImageInputs {
  machine: MachineSpec;
  directory: string;
  format: "directory" | "qcow2" | "tar";
  packages: RpmSource[];
  /** OpenPGP public keys as text. */
  keys?: string[];
  conflicts: "error" | "last";
  devices: boolean;
  setuid: boolean;
  users: { [name: string]: number };
  groups: { [name: string]: number };
  /** Virtual size of the disk; the other formats have none. */
  size?: string;
  maxSize: string;
  serial?: string;
  retain: "delete" | "keep";
}

const sha256 = v.pipe(
  v.string(
    "is required with url: what a server sends is not trusted unseen. Allowed: 64 hex digits, as sha256sum prints",
  ),
  v.transform((text) => text.replace(/^sha256:/, "").toLowerCase()),
  v.regex(
    /^[0-9a-f]{64}$/,
    (issue) => `${JSON.stringify(issue.input)} is not a SHA-256 digest. Allowed: 64 hex digits, as sha256sum prints`,
  ),
);

const url = v.pipe(
  v.string(),
  v.check(
    (text) => /^(https?:\/\/[^\s/]+\/|file:\/\/\/)[^\s"\\]*$/.test(text) && URL.canParse(text),
    (issue) =>
      `${JSON.stringify(issue.input)} is not the URL of a package. Allowed: http, https, or file with a path on the machine that runs pulumi, without blanks`,
  ),
);

const source = v.pipe(
  strict({
    path: v.optional(v.pipe(v.string(), v.nonEmpty("is empty. Allowed: the path of an RPM"))),
    url: v.optional(url),
    sha256,
  }),
  v.check(
    ({ path, url }) => (path === undefined) !== (url === undefined),
    "path or url is required, and only one of them",
  ),
);

const numbers = v.record(
  v.string(),
  v.pipe(
    v.number((issue) => `${JSON.stringify(issue.input)} is not a number of a user or group. Allowed: 0 to 4294967294`),
    v.check(
      (id) => Number.isInteger(id) && id >= 0 && id < 2 ** 32 - 1,
      (issue) => `${issue.input} is not a number of a user or group. Allowed: 0 to 4294967294`,
    ),
  ),
);

/** What an image out of RPMs is made of. */
export const rpmImageSchema: v.GenericSchema<unknown, RpmImageInputs> = v.pipe(
  strict({
    machine: imageHost,
    directory: imageDirectory,
    format: v.optional(
      v.picklist(["directory", "qcow2", "tar"], 'Allowed: "directory", "qcow2" or "tar"'),
      "directory",
    ),
    packages: v.pipe(v.array(source), v.minLength(1, "is empty. Allowed: at least one package")),
    keys: v.optional(
      v.pipe(
        v.array(
          v.pipe(
            v.string(),
            v.includes(
              "-----BEGIN PGP PUBLIC KEY BLOCK-----",
              'is no OpenPGP public key. Allowed: one as "gpg --armor --export" writes it, as text or the path of a file',
            ),
          ),
        ),
        v.minLength(1, "is empty. Fix: give a key, or leave keys out to take packages without a signature"),
      ),
    ),
    conflicts: v.optional(v.picklist(["error", "last"], 'Allowed: "error" or "last"'), "error"),
    devices: v.optional(v.boolean(), false),
    setuid: v.optional(v.boolean(), true),
    users: v.optional(numbers, {}),
    groups: v.optional(numbers, {}),
    size: v.optional(size),
    maxSize: v.optional(size, "16GiB"),
    serial: v.optional(v.string()),
    retain: v.optional(v.picklist(["delete", "keep"], 'Allowed: "delete" or "keep"'), "delete"),
  }),
  v.forward(
    v.check(
      ({ format, size }) => format === "qcow2" || size === undefined,
      "only a disk has a size. Fix: leave it out",
    ),
    ["size"],
  ),
  v.transform((given) => ({ ...given, ...(given.format === "qcow2" && { size: given.size ?? "4GiB" }) })),
);
