import { OperatorError } from "../dynamic/errors";
import type { MachineSpec } from "../machine/machine";

/** What `pulumi stack export` prints, as far as it is read here. */
export interface Deployment {
  resources?: { urn: string; type: string; outputs?: { [name: string]: unknown } }[];
}

/** A job as a stack's state has it. */
export interface DeclaredJob {
  name: string;
  machine: MachineSpec;
}

/** The job of that name in a stack's state: the name of the resource, or the job's own. */
export function findJob({ resources = [] }: Deployment, name: string, stack: string): DeclaredJob {
  const jobs = resources
    .filter(({ type, outputs }) => type.endsWith(":TarBackup") && outputs)
    .map(({ urn, outputs }) => ({ resource: urn.split("::").at(-1)!, ...(outputs as unknown as DeclaredJob) }));
  const named = jobs.filter(({ resource }) => resource === name);
  const found = named.length > 0 ? named : jobs.filter((job) => job.name === name);
  if (found.length === 1) return found[0]!;
  const all = jobs.map(({ resource }) => resource).join(", ") || "none";
  throw found.length === 0
    ? new OperatorError(`the stack ${stack} has no backup job ${JSON.stringify(name)}. Jobs: ${all}`)
    : new OperatorError(
        `the stack ${stack} has several jobs ${JSON.stringify(name)}. Fix: name the resource: ${found.map(({ resource }) => resource).join(", ")}`,
      );
}

/** What an operator asks of a job. */
export interface RestoreRequest {
  at?: string;
  path?: string[];
  to?: string;
  target?: string;
  /** Whether a key comes by standard input. */
  identity?: string;
  add?: boolean;
  overwrite?: boolean;
  damaged?: boolean;
}

/** The program's arguments: a restore with a place to restore to, a list without. */
export function jobArguments(request: RestoreRequest): string[] {
  const { at, path = [], to, target, identity, add, overwrite, damaged } = request;
  const common = [
    ...(target === undefined ? [] : ["--target", target]),
    ...(at === undefined ? [] : ["--at", at]),
    ...path.flatMap((pattern) => ["--path", pattern]),
    ...(identity === undefined ? [] : ["--identity", "-"]),
  ];
  const flags = Object.entries({ add, overwrite, damaged }).filter(([, set]) => set);
  if (to !== undefined) return ["restore", "--to", to, ...common, ...flags.map(([flag]) => `--${flag}`)];
  if (flags.length > 0) throw new TypeError(`--${flags[0]![0]} needs --to DIR`);
  return ["list", ...common];
}
