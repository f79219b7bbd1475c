import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { fileMode } from "./file";
import { imageDirectory, imageHost } from "./image";
import { absolutePath } from "./name";
import { shorthand } from "./shorthand";
import { bytes, size } from "./size";
import { strict } from "./strict";

/** A file that is in the image from the start. */
export interface BakedFile {
  content: string;
  /** Permission bits as four octal digits. */
  mode: string;
}

export interface BootstrapImageInputs {
  machine: MachineSpec;
  directory: string;
  format: "qcow2" | "directory";
  distribution: "debian" | "ubuntu";
  suite: string;
  architecture?: string;
  components: string[];
  mirror?: string[];
  packages: string[];
  kernelPackage?: string;
  /** Virtual size of the disk; a folder has none. */
  size?: string;
  files?: { [path: string]: BakedFile };
  services?: { [unit: string]: boolean };
  sshAuthorizedKeys?: string[];
  serial?: string;
  retain: "delete" | "keep";
}

const ubuntu = /^(xenial|bionic|focal|jammy|kinetic|lunar|mantic|noble|oracular|plucky|questing)$/;

const word = (what: string, pattern: RegExp, allowed: string) =>
  v.pipe(
    v.string((issue) => `got ${JSON.stringify(issue.input)}. Allowed: ${allowed}`),
    v.regex(pattern, (issue) => `${JSON.stringify(issue.input)} is not ${what}. Allowed: ${allowed}`),
  );

const packageName = word(
  "a package",
  /^[a-z0-9][a-z0-9+.-]*(:[a-z0-9-]+)?([=/][A-Za-z0-9.+:~-]+)?$/,
  'names as apt knows them, with a version or suite if need be, e.g. "nginx-light" or "nginx=1.22.1-9"',
);

const mirror = word(
  "a mirror",
  /^(deb (\[[^\]\n]*\] )?)?(https?|file|copy|tor\+https?):\/\/[^\n]+$/,
  'a URL, e.g. "http://mirror.example.org/debian", or a line of sources.list, e.g. "deb http://mirror.example.org/debian bookworm main"',
);

const bakedPath = v.pipe(
  absolutePath,
  v.regex(/^\/[^\p{Cc}]+$/u, (issue) => `${JSON.stringify(issue.input)} is not a file's path`),
);

const bakedFile = shorthand<BakedFile>(
  v.pipe(
    v.string(),
    v.transform((content) => ({ content, mode: "0644" })),
  ),
  strict({ content: v.string(), mode: v.optional(fileMode, "0644") }),
);

const unit = word("a unit", /^[A-Za-z0-9:_.\\@-]+$/, 'e.g. "nginx" or "fstrim.timer"');

const key = word(
  "a public key",
  /^(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\p{Cc}]*)?$/u,
  'a line of authorized_keys, e.g. "ssh-ed25519 AAAA... me@example.org"',
);

function set<Output extends string>(item: v.GenericSchema<unknown, Output>) {
  return v.pipe(
    v.array(item),
    v.transform((list: Output[]) => [...new Set(list)].sort()),
  );
}

/** What a bootstrapped image is made of. */
export const bootstrapImageSchema: v.GenericSchema<unknown, BootstrapImageInputs> = v.pipe(
  strict({
    machine: imageHost,
    directory: imageDirectory,
    format: v.optional(v.picklist(["qcow2", "directory"], 'Allowed: "qcow2" or "directory"'), "qcow2"),
    distribution: v.optional(v.picklist(["debian", "ubuntu"], 'Allowed: "debian" or "ubuntu"')),
    suite: v.optional(word("a suite", /^[a-z][a-z0-9.-]*$/, 'a release\'s code name, e.g. "bookworm"'), "bookworm"),
    architecture: v.optional(word("an architecture", /^[a-z0-9]+(-[a-z0-9]+)*$/, 'e.g. "amd64" or "arm64"')),
    components: v.optional(set(word("a component", /^[a-z][a-z0-9-]*$/, 'e.g. "main" or "non-free-firmware"'))),
    mirror: v.optional(
      v.pipe(
        shorthand<string | string[]>(mirror, v.array(mirror)),
        v.transform((given) => [given].flat()),
      ),
    ),
    packages: v.optional(set(packageName), []),
    kernelPackage: v.optional(packageName),
    size: v.optional(
      v.pipe(
        size,
        v.check(
          (given) => bytes(given) >= 512 * 1024 ** 2,
          (issue) => `${issue.input} is too small for a system. Allowed: at least 512MiB; it is sparse`,
        ),
      ),
    ),
    files: v.optional(v.record(bakedPath, bakedFile)),
    services: v.optional(v.record(unit, v.boolean())),
    sshAuthorizedKeys: v.optional(set(key)),
    serial: v.optional(v.string()),
    retain: v.optional(v.picklist(["delete", "keep"], 'Allowed: "delete" or "keep"'), "delete"),
  }),
  v.forward(
    v.check(({ format, size }) => format === "qcow2" || size === undefined, "a folder has no size. Fix: leave it out"),
    ["size"],
  ),
  v.forward(
    v.check(
      ({ format, kernelPackage }) => format === "qcow2" || kernelPackage === undefined,
      "a container has its host's kernel. Fix: leave it out",
    ),
    ["kernelPackage"],
  ),
  v.transform((given) => {
    const distribution = given.distribution ?? (ubuntu.test(given.suite) ? "ubuntu" : "debian");
    const components = given.components ?? (distribution === "ubuntu" ? ["main", "universe"] : ["main"]);
    const size = given.format === "qcow2" ? { size: given.size ?? "4GiB" } : {};
    return { ...given, ...size, distribution, components };
  }),
);
