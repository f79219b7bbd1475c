/** Sorts records whose order carries no meaning, so that equal sets compare equal: by address, name, then all else. */
export function sorted<T>(records: readonly T[]): T[] {
  const key = (of: T) => {
    const { ip, name } = of as { ip?: string; name?: string };
    return JSON.stringify([ip ?? "", name ?? "", Object.entries(of as object).sort()]);
  };
  return [...records].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** The values that more than one record has, undefined ones left out. */
export function repeated<T>(values: readonly (T | undefined)[]): T[] {
  const seen = new Set<T>();
  return values.filter((value): value is T => {
    if (value === undefined || !seen.has(value)) {
      if (value !== undefined) seen.add(value);
      return false;
    }
    return true;
  });
}
