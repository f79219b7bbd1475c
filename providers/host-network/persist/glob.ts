import type { HostFiles } from "./renderer";

/** A shell pattern as a regular expression (glob(7)); it does not match a leading dot by itself. */
export function glob(pattern: string): RegExp {
  const source = pattern.replace(/\[!|[.+^${}()|\\/]|[*?]/g, (found) =>
    found === "*" ? ".*" : found === "?" ? "." : found === "[!" ? "[^" : `\\${found}`,
  );
  return new RegExp(`^${/^[*?[]/.test(pattern) ? "(?!\\.)" : ""}${source}$`);
}

/** Whether an absolute path is one that a pattern means. */
export function pathMatches(pattern: string, path: string): boolean {
  const [patterns, names] = [pattern, path].map((text) => text.split("/").filter(Boolean));
  return patterns!.length === names!.length && patterns!.every((one, index) => glob(one).test(names![index]!));
}

/** The files that an absolute pattern means, in order. */
export async function expand(pattern: string, host: HostFiles): Promise<string[]> {
  let paths = [""];
  for (const part of pattern.split("/").filter(Boolean)) {
    const next: string[] = [];
    for (const path of paths)
      if (!/[*?[]/.test(part)) next.push(`${path}/${part}`);
      else {
        const wanted = glob(part);
        const names = (await host.list(path || "/")).filter((name) => wanted.test(name));
        next.push(...names.sort().map((name) => `${path}/${name}`));
      }
    paths = next;
  }
  return paths;
}
