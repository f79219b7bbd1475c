import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { imageDirectory, imageHost } from "./image";
import { size } from "./size";
import { strict } from "./strict";

/** One package: a file on the machine that runs pulumi, where it is downloaded from, or what repositories call it. */
export interface RpmSource {
  path?: string;
  url?: string;
  name?: string;
  /** In hex: of a file computed where it is not given; of a name what its repository says, once it was looked up. */
  sha256?: string;
  /** What was found for the name, "nginx-1:1.24.0-1.x86_64", in which repository, and where below its base URL. */
  found?: string;
  repository?: string;
  href?: string;
}

/** A repository of packages, in dnf.conf(5)'s words. */
export interface RpmRepository {
  /** Ends in "/". */
  baseurl: string;
  /** OpenPGP public keys as text. */
  gpgkey: string[];
  gpgcheck: boolean;
  repo_gpgcheck: boolean;
}

export interface RpmImageInputs {
  machine: MachineSpec;
  directory: string;
  format: "directory" | "qcow2" | "tar";
  packages: RpmSource[];
  repositories?: { [name: string]: RpmRepository };
  /** Of packages that are looked up. Default: the machine's own. */
  architecture?: string;
  /** OpenPGP public keys as text, for files and URLs. */
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

const packageName = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9_][A-Za-z0-9._+~^:-]*$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not the name of a package. Allowed: as dnf takes it, "nginx" or "nginx-1.24.0-1.x86_64"; a file has a "/" in its path or ends in .rpm`,
  ),
);

/** A name's digest is its repository's to say. */
const named = strict({ name: packageName });

const placed = v.pipe(
  strict({
    path: v.optional(v.pipe(v.string(), v.nonEmpty("is empty. Allowed: the path of an RPM"))),
    url: v.optional(url),
    name: v.optional(v.undefined()),
    sha256,
  }),
  v.check(
    ({ path, url }) => (path === undefined) !== (url === undefined),
    "path, url or name is required, and only one of them",
  ),
);

const source = v.lazy((input): v.GenericSchema<unknown, RpmSource> => {
  const byName = typeof input === "object" && input !== null && "name" in input;
  return byName ? named : (placed as v.GenericSchema<unknown, RpmSource>);
});

const armored = v.array(
  v.pipe(
    v.string(),
    v.check(
      (text) => text.includes("-----BEGIN PGP PUBLIC KEY BLOCK-----"),
      ({ input }) =>
        /^https?:/.test(input)
          ? `${JSON.stringify(input)} is a URL, and whoever answers there would choose whom to trust. Fix: download the key, look at it, and give its path`
          : 'is no OpenPGP public key. Allowed: one as "gpg --armor --export" writes it, as text or the path of a file',
    ),
  ),
);

const baseurl = v.pipe(
  v.string(),
  v.check(
    (text) => /^(https?:\/\/[^\s/]+|file:\/\/\/)[^\s"\\?#$]*$/.test(text) && URL.canParse(text),
    (issue) =>
      `${JSON.stringify(issue.input)} is not the URL of a repository. Allowed: http, https or file, of the folder that holds repodata/, without blanks and dnf's variables`,
  ),
  v.transform((text) => (text.endsWith("/") ? text : `${text}/`)),
);

const repository = v.pipe(
  strict({
    baseurl,
    gpgkey: v.optional(armored, []),
    gpgcheck: v.optional(v.boolean(), true),
    repo_gpgcheck: v.optional(v.boolean(), true),
  }),
  v.forward(
    v.check(
      ({ gpgkey, gpgcheck, repo_gpgcheck }) => gpgkey.length > 0 || !(gpgcheck || repo_gpgcheck),
      "is required: without a key anybody between could give other packages. Fix: give the repository's key, or set gpgcheck: false and repo_gpgcheck: false, if that is meant",
    ),
    ["gpgkey"],
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
    repositories: v.optional(
      v.record(
        v.pipe(
          v.string(),
          v.regex(/^[A-Za-z0-9_.:-]+$/, 'is no name of a repository. Allowed: as dnf takes it, "base"'),
        ),
        repository,
      ),
    ),
    architecture: v.optional(
      v.pipe(
        v.string(),
        v.regex(
          /^[a-z][a-z0-9_]*$/,
          (issue) => `${JSON.stringify(issue.input)} is not an architecture. Allowed: as rpm names it, "x86_64"`,
        ),
      ),
    ),
    keys: v.optional(
      v.pipe(
        armored,
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
  v.forward(
    v.check(
      ({ packages, repositories }) =>
        packages.every(({ name }) => name === undefined) || Object.keys(repositories ?? {}).length > 0,
      'is required: packages are given by name. Fix: give a repository, or write "./" before the path of a file',
    ),
    ["repositories"],
  ),
  v.transform((given) => ({ ...given, ...(given.format === "qcow2" && { size: given.size ?? "4GiB" }) })),
);
