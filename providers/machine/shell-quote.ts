/**
 * One word of a POSIX shell that means exactly `text`, whatever is in it (POSIX 2.2.2, single quotes).
 * A NUL cannot be part of any argument and throws.
 */
export function shellQuote(text: string): string {
  if (text.includes("\0")) throw new TypeError("a command's argument must not contain a NUL character");
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** argv as an operator would type it, for messages only. */
export function displayArgv(argv: readonly string[], limit = 300): string {
  const line = argv.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : shellQuote(arg))).join(" ");
  return line.length > limit ? `${line.slice(0, limit)}...` : line;
}
