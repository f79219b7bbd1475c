import { closest, distance } from "fastest-levenshtein";

/** What is said of a name that neither the host nor the program knows; `there` are the names that the host knows. */
export function missingProblem(kind: string, name: string, there: readonly string[], resource: string): string {
  const near = there.length > 0 ? closest(name, there) : undefined;
  const meant = near !== undefined && distance(near, name) <= 2 ? `; did you mean "${near}"?` : ".";
  const names = there.length > 0 ? there.map((one) => JSON.stringify(one)).join(", ") : "none";
  return `there is no ${kind} ${JSON.stringify(name)}${meant} On the host: ${names}. Fix: declare it as a ${resource} and use that one's name, or correct the name`;
}
