import { OperatorError } from "../dynamic/errors";
import { isMissing } from "../libvirt/errors";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What libvirt finds by UUID or by name, whichever `key` is; undefined when there is none. */
export async function findBy<T>(
  key: string,
  byUUID: (uuid: string) => Promise<T>,
  byName: (name: string) => Promise<T>,
): Promise<T | undefined> {
  return found(uuid.test(key) ? byUUID(key) : byName(key));
}

/** The result of a look-up; undefined when the object does not exist. */
export async function found<T>(lookup: Promise<T>): Promise<T | undefined> {
  try {
    return await lookup;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Why the object that `adopt` names cannot be taken over; undefined when it can. */
export function adoptProblem(
  kind: string,
  existing: { name: string } | undefined,
  inputs: { name: string; adopt?: string },
): string | undefined {
  if (!existing)
    return `there is no ${kind} ${JSON.stringify(inputs.adopt)} to adopt. Fix: leave adopt out to make a new one`;
  if (existing.name !== inputs.name)
    return `the ${kind} to adopt is named ${JSON.stringify(existing.name)}, and libvirt renames none. Fix: set name: ${JSON.stringify(existing.name)}`;
  return undefined;
}

/** The object to take over. Throws where it cannot be. */
export function adoptable<T extends { name: string }>(
  kind: string,
  existing: T | undefined,
  inputs: { name: string; adopt?: string },
): T {
  const problem = adoptProblem(kind, existing, inputs);
  if (problem !== undefined) throw new OperatorError(problem);
  return existing!;
}

/** What is said of a new object whose name is taken. */
export function existsProblem(kind: string, name: string): string {
  return `a ${kind} named ${JSON.stringify(name)} already exists. Fix: set adopt: ${JSON.stringify(name)} to take it over, or choose another name`;
}
