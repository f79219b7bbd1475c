import { OperatorError } from "../dynamic/errors";
import type { MachineSpec } from "../machine/machine";

/** What `pulumi stack export` prints, as far as it is read here. */
export interface Deployment {
  resources?: { urn: string; type: string; outputs?: { [name: string]: unknown } }[];
}

const kinds = ["TarBackup", "GuestBackup"] as const;

export type JobKind = (typeof kinds)[number];

/** A job as a stack's state has it. */
export interface DeclaredJob {
  kind: JobKind;
  name: string;
  machine: MachineSpec;
}

/**
 * The job of that name in a stack's state: the name of the resource, or the job's own. "GuestBackup:web" is of that kind
 * only.
 */
export function findJob({ resources = [] }: Deployment, name: string, stack: string): DeclaredJob {
  const jobs = resources.flatMap(({ urn, type, outputs }) => {
    const kind = kinds.find((each) => type.endsWith(`:${each}`));
    const job = outputs as unknown as Pick<DeclaredJob, "name" | "machine"> | undefined;
    return kind && job ? [{ resource: urn.split("::").at(-1)!, kind, name: job.name, machine: job.machine }] : [];
  });
  const named = jobs.filter(({ resource, kind }) => resource === name || `${kind}:${resource}` === name);
  const found = named.length > 0 ? named : jobs.filter((job) => job.name === name);
  if (found.length === 1) return found[0]!;
  const all = jobs.map(({ resource }) => resource).join(", ") || "none";
  if (found.length === 0)
    throw new OperatorError(`the stack ${stack} has no backup job ${JSON.stringify(name)}. Jobs: ${all}`);
  const distinct = new Set(found.map(({ resource }) => resource)).size === found.length;
  const choices = found.map(({ kind, resource }) => (distinct ? resource : `${kind}:${resource}`)).join(", ");
  throw new OperatorError(
    `the stack ${stack} has several jobs ${JSON.stringify(name)}. Fix: name the resource: ${choices}`,
  );
}

/** What an operator asks of a job. */
export interface RestoreRequest {
  at?: string;
  path?: string[];
  disk?: string;
  format?: string;
  to?: string;
  target?: string;
  /** Whether a key comes by standard input. */
  identity?: string;
  add?: boolean;
  overwrite?: boolean;
  damaged?: boolean;
}

const foreign: { [Kind in JobKind]: { options: readonly (keyof RestoreRequest)[]; why: string } } = {
  TarBackup: {
    options: ["disk", "format"],
    why: "is of jobs that have images of disks (GuestBackup); this one has files",
  },
  GuestBackup: {
    options: ["path", "target", "identity", "add", "damaged"],
    why: "is of jobs that have files (BackupJob); this one has images of disks. Allowed: --at, --disk, --format, --overwrite, --to FILE",
  },
};

/** The program's arguments: a restore with a place to restore to, a list without. */
export function jobArguments(kind: JobKind, request: RestoreRequest): string[] {
  const { at, path = [], disk, format, to, target, identity, add, overwrite, damaged } = request;
  const { options, why } = foreign[kind];
  const wrong = options.find((option) => request[option] !== undefined);
  if (wrong) throw new TypeError(`--${wrong} ${why}`);
  const common = [
    ...(target === undefined ? [] : ["--target", target]),
    ...(at === undefined ? [] : ["--at", at]),
    ...path.flatMap((pattern) => ["--path", pattern]),
    ...(identity === undefined ? [] : ["--identity", "-"]),
  ];
  const image = Object.entries({ disk, format }).flatMap(([option, value]) =>
    value === undefined ? [] : [`--${option}`, value],
  );
  const flags = Object.entries({ add, overwrite, damaged }).flatMap(([flag, set]) => (set ? [`--${flag}`] : []));
  if (to !== undefined) return ["restore", "--to", to, ...common, ...image, ...flags];
  const lost = [...flags, ...image][0];
  if (lost !== undefined) throw new TypeError(`${lost} needs --to ${kind === "TarBackup" ? "DIR" : "FILE"}`);
  return ["list", ...common];
}
