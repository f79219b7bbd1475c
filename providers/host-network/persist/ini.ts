/** A value of a key; several make several lines, undefined none. */
type Value = string | number | undefined | readonly (string | number)[];

/** "[Name]" and its "Key=Value" lines. */
export type Section = readonly [name: string, ...entries: (readonly [key: string, value: Value])[]];

/** The lines of a file as systemd and NetworkManager read it; sections without a line are left out. */
export function iniLines(sections: readonly Section[]): string[] {
  return sections.flatMap(([name, ...entries]) => {
    const lines = entries.flatMap(([key, value]) =>
      (Array.isArray(value) ? value : [value]).flatMap((one) => (one === undefined ? [] : `${key}=${one}`)),
    );
    return lines.length > 0 ? ["", `[${name}]`, ...lines] : [];
  });
}

/** Reads such a file: the values of each key in their order, keys as "Section.Key". */
export function parseIni(text: string): Map<string, string[]> {
  const values = new Map<string, string[]>();
  let section = "";
  for (const line of text.split("\n").map((one) => one.trim())) {
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const [, name] = /^\[(.*)\]$/.exec(line) ?? [];
    if (name !== undefined) {
      section = name;
      continue;
    }
    const equals = line.indexOf("=");
    if (equals < 0) continue;
    const key = `${section}.${line.slice(0, equals).trim()}`;
    values.set(key, [...(values.get(key) ?? []), line.slice(equals + 1).trim()]);
  }
  return values;
}
