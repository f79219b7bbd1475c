import * as v from "valibot";
import type { MachineSpec } from "../machine/machine";
import { schedule } from "./schedule";
import { duration, milliseconds } from "./duration";
import { machineSpec } from "./machine";
import { absolutePath } from "./name";
import { size } from "./size";
import { strict } from "./strict";
import { wholeNumber } from "./whole-number";

export interface BackupTarget {
  path: string;
  host?: string;
  user?: string;
  port?: number;
  options?: { [name: string]: string };
  bucket?: string;
  endpoint?: string;
  region?: string;
  credentials?: string;
}

export interface KeepRules {
  last?: number;
  days?: number;
  weeks?: number;
  months?: number;
  years?: number;
}

export interface TarBackupInputs {
  machine: MachineSpec;
  name: string;
  paths: string[];
  exclude: string[];
  root: string;
  oneFileSystem: boolean;
  target: BackupTarget[];
  level: "incremental" | "differential" | "full";
  full: string;
  compress: "zstd" | "gzip" | "xz" | "none";
  compressLevel?: number;
  split?: string;
  encrypt: string[];
  keep?: KeepRules;
  immutable: number;
  hashes: boolean;
  before?: string[];
  after?: string[];
  schedule: string;
  jitter: string;
  catchUp: boolean;
  nice: number;
  ioClass: "idle" | "best-effort";
  drill?: string;
  check?: string[];
  scratch?: string;
  verify?: string;
  metrics?: string;
  /** What is installed, as one digest: generated, never given. */
  installed?: string;
}

/** The name of a job: part of file names, of units, and of a file in /etc/cron.d, which takes no dots. */
export const jobName = v.pipe(
  v.string(),
  v.maxLength(50, (issue) => `${JSON.stringify(issue.input)} has ${issue.received} characters. Allowed: at most 50`),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]*$/,
    (issue) => `${JSON.stringify(issue.input)} is not a job's name. Allowed: letters, digits, "_" and "-"`,
  ),
);

export const folder = v.pipe(
  absolutePath,
  v.transform((path) => path.replace(/(?<=.)\/+$/, "")),
);

/** Paths to back up: none inside another, which would be stored twice. */
const paths = v.pipe(
  v.array(folder, 'is not a list. Allowed: a list of absolute paths, e.g. ["/home"]'),
  v.minLength(1, "is empty. Allowed: at least one path"),
  v.check(
    (all) => inner(all) === undefined,
    (issue) => {
      const [inside, outside] = inner(issue.input)!;
      return `${JSON.stringify(inside)} is in ${JSON.stringify(outside)} already. Fix: name one of them`;
    },
  ),
);

function inner(all: readonly string[]): [string, string] | undefined {
  for (const [i, inside] of all.entries())
    for (const [j, outside] of all.entries())
      if (i !== j && (inside === outside || outside === "/" || inside.startsWith(`${outside}/`)))
        return [inside, outside];
  return undefined;
}

/** Patterns that are, in one part, the "." that all paths in an archive begin with. */
const everything = /^(?:\*+|\*?[?.]\*?|\*?\\\.\*?|\*?\[(?:[!^][^\]]*|[^\]!^]*\.[^\]]*)\]\*?)$/;

/** A pattern of tar's, of the kinds that find understands in the same way: *, ?, [...] and \ before any character. */
export const pattern = v.pipe(
  v.string(),
  v.regex(
    /^(?:[^\\[\]\0]|\\[^\0]|\[[!^]?[^\]\\/\0!^]+\])+$/,
    (issue) =>
      `${JSON.stringify(issue.input)} is not a pattern. Allowed: "*", "?", "[abc]" and "\\\\" before a character; it is a path when it begins with "/", and a name anywhere else`,
  ),
  v.check(
    (text) => text.includes("/") || !everything.test(text),
    (issue) => `${JSON.stringify(issue.input)} leaves out everything. Allowed: a pattern that does not match "."`,
  ),
  v.check(
    (text) => !text.endsWith("/") && !text.includes("//"),
    (issue) =>
      `${JSON.stringify(issue.input)} has a "/" at its end, or two. Fix: leave it out; a folder goes with all in it`,
  ),
);

const word = v.pipe(
  v.string("is not a word. Allowed: strings"),
  v.regex(/^[^\0]*$/, "has a NUL character, which no command can get"),
);
export const argv = v.pipe(
  v.array(word, 'is not a list of words. Allowed: ["program", "argument", ...]; for a shell line ["sh", "-c", "..."]'),
  v.check(([program]) => program !== undefined && /^[^-]/.test(program), "needs a program's name as its first word"),
);

const folderShape = strict({
  path: folder,
  host: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^[^\s@-][^\s@]*$/,
        (issue) =>
          `${JSON.stringify(issue.input)} is not a host. Allowed: a name, an address, or an alias from the ssh configuration of the machine's root`,
      ),
    ),
  ),
  user: v.optional(v.pipe(v.string(), v.regex(/^[^\s@-][^\s@]*$/, "is not a user's name"))),
  port: v.optional(wholeNumber(1, 65535)),
  options: v.optional(
    v.record(
      v.pipe(v.string(), v.regex(/^[A-Za-z0-9]+$/, "is not an option of OpenSSH. Allowed: names as in ssh_config(5)")),
      v.pipe(v.string(), v.regex(/^[^\n\0]+$/, "must be one line")),
    ),
  ),
});

/** A bucket of S3. */
const bucketShape = strict({
  bucket: v.pipe(
    v.string(),
    v.regex(
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      (issue) =>
        `${JSON.stringify(issue.input)} is not a bucket's name. Allowed: 3 to 63 lower-case letters, digits, "." and "-"`,
    ),
  ),
  path: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^$|^(?!\.)[\w.-]+(\/(?!\.)[\w.-]+)*$/,
        (issue) =>
          `${JSON.stringify(issue.input)} is not a prefix in a bucket. Allowed: "servers/web", without "/" at its ends`,
      ),
    ),
    "",
  ),
  endpoint: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^https?:\/\/[^\s/@]+\/?$/,
        (issue) => `${JSON.stringify(issue.input)} is not an endpoint. Allowed: "https://s3.example.org"`,
      ),
    ),
  ),
  region: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9-]+$/, "is not a region"))),
  credentials: v.optional(folder),
});

const targetShape = v.lazy((given) =>
  typeof given === "object" && given !== null && "bucket" in given ? bucketShape : folderShape,
) as v.GenericSchema<BackupTarget>;

const target = v.pipe(
  v.union([v.string(), targetShape, v.array(v.union([v.string(), targetShape]))]),
  v.transform((given) =>
    (Array.isArray(given) ? given : [given]).map((one) => (typeof one === "string" ? { path: one } : one)),
  ),
  v.array(targetShape),
  v.minLength(
    1,
    "is empty. Allowed: a folder, { host, path }, { bucket, path }, or a list of them, the first of which is read from",
  ),
  v.check(
    (all) => all.every(({ host, user, port, options }) => host !== undefined || !(user ?? port ?? options)),
    "user, port and options are those of a host. Fix: name the host",
  ),
  v.check(
    (all) => new Set(all.map(({ host, bucket, path }) => `${host ?? bucket ?? ""}:${path}`)).size === all.length,
    "the same place twice. Fix: name each once",
  ),
);

const periods = ["daily", "weekly", "monthly"];
const periodComplaint = (got: unknown) =>
  `${JSON.stringify(got)} is not a period. Allowed: "daily", "weekly", "monthly", or a duration of at least an hour, e.g. "10d"`;

/** How often: by the calendar, or after a time. */
const period = v.pipe(
  v.string((issue) => periodComplaint(issue.input)),
  v.check(
    (text) => periods.includes(text) || (v.is(duration, text) && milliseconds(text) >= 3_600_000),
    (issue) => periodComplaint(issue.input),
  ),
);

export const drill = v.pipe(
  v.string((issue) => periodComplaint(issue.input)),
  v.check(
    (text) => text === "never" || v.is(period, text),
    (issue) => `${periodComplaint(issue.input)}, or "never"`,
  ),
);

const full = v.pipe(
  v.union([v.number(), v.string()], (issue) => periodComplaint(issue.input)),
  v.check(
    (given) =>
      typeof given === "number"
        ? Number.isInteger(given) && given >= 1 && given <= 10_000
        : /^\d{1,5} runs$/.test(given) || v.is(period, given),
    (issue) => `${periodComplaint(issue.input)}, or a number of runs from 1 to 10000`,
  ),
  v.transform((given) => (typeof given === "number" ? `${given} runs` : given)),
);

const count = v.optional(wholeNumber(0, 10_000));
export const keep = v.pipe(
  strict({ last: count, days: count, weeks: count, months: count, years: count }),
  v.check(
    (rules) => Object.values(rules).some((many) => (many ?? 0) > 0),
    "keeps nothing. Fix: name at least one number above 0, or leave keep out to keep everything",
  ),
);

/** age's public keys: https://age-encryption.org/v1, X25519 and plugins in Bech32, or ssh keys. */
const recipient = v.pipe(
  v.string(),
  v.regex(
    /^(age1[a-z0-9]{50,}|ssh-(ed25519|rsa) [A-Za-z0-9+/=]+( [^\n\0]*)?)$/,
    (issue) =>
      `${JSON.stringify(/SECRET/i.test(String(issue.input)) ? "AGE-SECRET-KEY-..." : issue.input)} is not a public key. Allowed: "age1...", "ssh-ed25519 ..." or "ssh-rsa ..."; the private key stays away from the machine`,
  ),
);

/** Levels that the compressors take. */
const levels = { zstd: [1, 19], gzip: [1, 9], xz: [0, 9], none: [0, 0] } as const;

export const tarBackupSchema = v.pipe(
  strict({
    machine: machineSpec,
    name: jobName,
    paths,
    exclude: v.optional(v.array(pattern, 'is not a list. Allowed: a list of patterns, e.g. ["*.tmp"]'), []),
    root: v.optional(folder, "/"),
    oneFileSystem: v.optional(v.boolean(), false),
    target,
    level: v.optional(v.picklist(["incremental", "differential", "full"]), "incremental"),
    full: v.optional(full, "weekly"),
    compress: v.optional(v.picklist(["zstd", "gzip", "xz", "none"]), "zstd"),
    compressLevel: v.optional(wholeNumber(0, 19)),
    split: v.optional(size),
    encrypt: v.optional(v.array(recipient, "is not a list. Allowed: a list of public keys of age"), []),
    keep: v.optional(keep),
    immutable: v.optional(wholeNumber(0, 10_000), 0),
    hashes: v.optional(v.boolean(), true),
    before: v.optional(argv),
    after: v.optional(argv),
    schedule: v.optional(schedule, "daily"),
    jitter: v.optional(duration, "15m"),
    catchUp: v.optional(v.boolean(), true),
    nice: v.optional(wholeNumber(0, 19), 10),
    ioClass: v.optional(v.picklist(["idle", "best-effort"]), "best-effort"),
    drill: v.optional(drill),
    check: v.optional(argv),
    scratch: v.optional(folder),
    verify: v.optional(period),
    metrics: v.optional(folder),
    installed: v.optional(v.string()),
  }),
  v.forward(
    v.check(
      ({ paths, oneFileSystem }) => oneFileSystem || !paths.includes("/"),
      '"/" has /proc and /sys in it. Fix: oneFileSystem: true, or name the folders',
    ),
    ["paths"],
  ),
  v.forward(
    v.check(
      ({ compress, compressLevel }) =>
        compressLevel === undefined || (compressLevel >= levels[compress][0] && compressLevel <= levels[compress][1]),
      ({ input: { compress, compressLevel } }) =>
        compress === "none"
          ? "nothing is compressed. Fix: leave compressLevel out"
          : `got ${compressLevel}. Allowed for ${compress}: ${levels[compress].join(" to ")}`,
    ),
    ["compressLevel"],
  ),
  v.forward(
    v.check(
      ({ split }) => split === undefined || /[KMGTP]iB$/.test(split) || Number(split.replace(/B$/, "")) >= 1024,
      ({ input: { split } }) => `got ${split}. Allowed: at least 1KiB`,
    ),
    ["split"],
  ),
  v.forward(
    v.check(
      ({ drill, encrypt }) => (drill ?? "never") === "never" || encrypt.length === 0,
      "a drill needs the private key, which must not be on the machine. Fix: leave drill out, and prove restores elsewhere: npm run restore -- NAME --identity FILE",
    ),
    ["drill"],
  ),
  v.forward(
    v.check(
      ({ drill, check }) => check === undefined || (drill ?? "never") !== "never",
      'is run by drills, of which there are none. Fix: drill: "weekly"',
    ),
    ["check"],
  ),
);
