/** What a log of Java's says, without the places in the code that it was said at. */
export function essence(log: string): string {
  const lines = log.split("\n").filter((line) => line.trim() !== "" && !/^\s+(at |\.\.\. \d+ more)/.test(line));
  const telling = (line: string | undefined) =>
    line !== undefined && /SEVERE|WARNING|Error|Exception|Caused by|Unrecognized|Invalid/i.test(line);
  // What the compiler of pages says is in the lines after.
  const near = lines.filter((_, at) => [lines[at], lines[at - 1], lines[at - 2]].some(telling));
  return [...new Set(near.length > 0 ? near : lines)]
    .slice(-15)
    .map((line) => `  ${line.trim()}`)
    .join("\n");
}
