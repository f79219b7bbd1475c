type Applications = { [path: string]: { sha256: string; javax: boolean } };

/** What a change of a server's applications does, for a preview; empty where it is none. `rolled` is said of new versions. */
export function applicationChanges(old: Applications, wanted: Applications, rolled: string): string {
  const same = (path: string) => old[path]!.sha256 === wanted[path]!.sha256 && old[path]!.javax === wanted[path]!.javax;
  const [before, after] = [Object.keys(old), Object.keys(wanted)];
  return [
    ...after.filter((path) => !old[path]).map((path) => `${path} comes`),
    ...after.filter((path) => old[path] && !same(path)).map((path) => `${path} ${rolled}`),
    ...before.filter((path) => !wanted[path]).map((path) => `${path} goes`),
  ].join("; ");
}
