/** Lines of a configuration, and blocks of them. */
export type Lines = (string | Lines)[];

/** "NAME {", the lines one step to the right, "}". */
export function block(name: string, lines: Lines): Lines {
  return [`${name} {`, ...indented(lines, "  "), "}"];
}

/** "<NAME ARGUMENT>", the lines one step to the right, "</NAME>". */
export function section(name: string, argument: string, lines: Lines): Lines {
  return [`<${name} ${argument}>`, ...indented(lines, "  "), `</${name}>`];
}

function indented(lines: Lines, by: string): string[] {
  return flat(lines).map((line) => (line === "" ? "" : by + line));
}

function flat(lines: Lines): string[] {
  return lines.flatMap((line) => (typeof line === "string" ? line.split("\n") : flat(line)));
}

export function text(lines: Lines): string {
  return `${flat(lines).join("\n")}\n`;
}
