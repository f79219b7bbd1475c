import { randomBytes } from "node:crypto";
import { isFeed, type Feed, type Input } from "./feed";
import { shellQuote } from "./shell-quote";

/**
 * A command travels to a machine's shell through standard input: a first line with a random token, lines of shell that
 * end with that token again, then the command's own input. So no argument, variable or folder name is ever seen by a
 * second shell or in a process list, and no limit of a command line applies. BOOTSTRAP reads it; it is constant, and
 * holds nothing (quotes, newlines, exclamation marks) that a login shell other than sh would read differently.
 *
 * `read` takes one byte at a time from a pipe (POSIX asks for that), so the command's input is left untouched.
 */
export const BOOTSTRAP = [
  'kvm_e=$(printf "\\n."); kvm_e=${kvm_e%.}; kvm_s=; IFS= read -r kvm_t',
  'while IFS= read -r kvm_l && [ "$kvm_l" != "$kvm_t" ]; do kvm_s="$kvm_s$kvm_l$kvm_e"; done',
  '[ "$kvm_l" = "$kvm_t" ] && eval "$kvm_s"',
].join("; ");

export interface EnvelopeOptions {
  env?: { [name: string]: string };
  cwd?: string;
  stdin?: Input;
}

/** What is written to BOOTSTRAP's standard input, and the token that its last words will carry. */
export interface Envelope {
  bytes: Buffer;
  token: string;
  /** What follows the bytes. */
  feed?: Feed;
}

/**
 * Packs a command for BOOTSTRAP.
 *
 * @param supervisor - one of the scripts in supervise.ts.
 * @param settings - numbers and paths the supervisor needs, as shell variables named kvm_NAME.
 */
export function pack(
  argv: readonly string[],
  options: EnvelopeOptions,
  supervisor: string,
  settings: { [name: string]: string | number } = {},
  token = randomBytes(16).toString("hex"),
): Envelope {
  if (!argv[0] || argv[0].startsWith("-")) throw new TypeError(`a command needs a program's name, got "${argv[0]}"`);
  const feed = isFeed(options.stdin) ? options.stdin : undefined;
  const stdin = isFeed(options.stdin) ? Buffer.alloc(0) : Buffer.from(options.stdin ?? "");
  const variables = { n: (feed ?? stdin).length, ...settings };
  const lines = [
    token,
    `set -- ${argv.map(shellQuote).join(" ")}`,
    ...Object.entries(options.env ?? {}).map(([name, value]) => `export ${variable(name)}=${shellQuote(value)}`),
    ...Object.entries(variables).map(([name, value]) => `kvm_${name}=${shellQuote(String(value))}`),
    `kvm_cwd=${shellQuote(folder(options.cwd))}`,
    supervisor,
    token,
    "",
  ];
  return { bytes: Buffer.concat([Buffer.from(lines.join("\n")), stdin]), token, ...(feed && { feed }) };
}

function variable(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  throw new TypeError(`"${name}" cannot be an environment variable's name: letters, digits and _ are allowed`);
}

function folder(cwd: string | undefined): string {
  if (cwd === undefined || cwd.startsWith("/")) return cwd ?? "";
  throw new TypeError(`the folder to run in must be an absolute path, got "${cwd}"`);
}
