/**
 * What find(1) is told to leave out what `tar --exclude` leaves out for the pattern: the test's name and its argument.
 * `*` and `?` stop at "/" in both. A pattern that begins with "/" is a path; any other matches after any "/".
 */
export function pruneTest(pattern: string): ["name" | "path" | "regex", string] {
  const anchored = pattern.startsWith("/");
  if (!anchored && !pattern.includes("/")) return ["name", pattern];
  if (anchored && !/[*?[\\]/.test(pattern)) return ["path", `.${pattern}`];
  return ["regex", anchored ? `\\.${expression(pattern)}` : `(.*/)?${expression(pattern)}`];
}

/** The pattern as an extended regular expression of POSIX. */
function expression(pattern: string): string {
  return pattern.replace(/\\(.)|\[([!^]?)([^\]]+)\]|[^]/g, (token, escaped?: string, not?: string, set?: string) => {
    if (set !== undefined) return `[${not ? "^/" : ""}${set}]`;
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    return (escaped ?? token).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
}
