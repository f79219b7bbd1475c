import { OperatorError } from "../dynamic/errors";
import { CommandError, lastLines } from "../machine/command-error";

/** The Debian packages of the programs that a build needs. */
const packages: { [program: string]: string } = {
  mmdebstrap: "mmdebstrap",
  mke2fs: "e2fsprogs",
  "qemu-img": "qemu-utils",
  "dpkg-deb": "dpkg",
  unshare: "util-linux",
  flock: "util-linux",
};

/** What to do about programs that are not installed on the host. */
export function missingPrograms(programs: readonly string[], machine: string): { problem: string; fix: string } {
  const install = [...new Set(programs.map((program) => packages[program] ?? program))];
  return {
    problem: `${programs.join(", ")} ${programs.length > 1 ? "are" : "is"} not installed on ${machine}`,
    fix: `apt-get install ${install.join(" ")}`,
  };
}

type Reason = (match: RegExpExecArray, machine: string) => { problem: string; fix: string };

/** What the tools print when something is wrong, in the order in which it is looked for. */
const reasons: [RegExp, Reason][] = [
  [/kvm-image: missing: (.+)/, ([, programs], machine) => missingPrograms(programs!.split(" "), machine)],
  [/unshare: (?:command )?not found/, (_match, machine) => missingPrograms(["unshare"], machine)],
  [
    /unshare: .*Operation not permitted|mount: .*permission denied/,
    (_match, machine) => ({
      problem: `${machine} may not mount and give files to root`,
      fix: "use a machine that works as root, outside of an unprivileged container",
    }),
  ],
  [
    /kvm-image: folder: (.+)/,
    ([, what]) => ({ problem: what!, fix: "declare the pool that the image goes into, or name another folder" }),
  ],
  [
    /kvm-image: (?:file|service) (.+)/,
    ([, what]) => ({ problem: what!, fix: "correct files and services, or add the package that brings them" }),
  ],
  [
    /E: Unable to locate package (\S+)|E: Package '([^']+)' has no installation candidate|E: Version '\S+' for '([^']+)' was not found|E: Couldn't find any package by (?:glob|regex) '([^']+)'/,
    ([, ...names]) => ({
      problem: `there is no package ${names.find((name) => name)}`,
      fix: "check its spelling, the suite and the components",
    }),
  ],
  [
    /does not have a Release file|404 +Not Found.*Release/,
    () => ({ problem: "the mirror does not have the suite", fix: "check suite, distribution and mirror" }),
  ],
  [
    /NO_PUBKEY|is not signed|couldn't be verified/,
    () => ({
      problem: "the mirror's signature cannot be verified",
      fix: "install debian-archive-keyring or ubuntu-keyring on the host, or give the mirror as a line with signed-by",
    }),
  ],
  [
    /Temporary failure resolving|Could not resolve|Could not connect|Connection timed out|Network is unreachable|Connection refused|Cannot initiate the connection/,
    (_match, machine) => ({
      problem: `${machine} cannot reach the package mirror`,
      fix: "check its network, the mirror, and Acquire::http::Proxy in its /etc/apt/apt.conf.d",
    }),
  ],
  [
    /Unmet dependencies|unmet dependencies|held broken packages/,
    () => ({ problem: "the packages do not go together", fix: "leave one of those named below out" }),
  ],
  [
    /Could not allocate (?:block|inode)|No free space in (?:extents|directory)|ext2fs_.*: .*no space/i,
    () => ({ problem: "the packages and files do not fit into the image", fix: "give it a larger size; it is sparse" }),
  ],
  [
    /No space left on device/,
    (_match, machine) => ({ problem: `no space is left on ${machine}`, fix: "free some in the image's folder" }),
  ],
];

/** Whether the scratch space was full: another one may do. */
export function ranOutOfSpace(error: unknown): boolean {
  return error instanceof CommandError && /No space left on device|Cannot allocate memory/.test(error.stderr);
}

/** A failed build in words that say what to do, with the last lines that its programs printed. */
export function explain(error: unknown, machine: string): unknown {
  if (!(error instanceof CommandError)) return error;
  if (error.stopped) return new OperatorError(error.message.split(": ").at(-1)!.split("\n")[0]!, { cause: error });
  const text = `${error.stderr}\n${error.stdout}`;
  for (const [pattern, reason] of reasons) {
    const match = pattern.exec(text);
    if (!match) continue;
    const { problem, fix } = reason(match, machine);
    return new OperatorError(problem, { fix: `${fix}${tail(error)}`, cause: error });
  }
  const last = error.signal ? `it was killed by ${error.signal}` : "it failed";
  return new OperatorError(`${last} on ${machine}${tail(error)}`, { cause: error });
}

function tail(error: CommandError): string {
  const lines = lastLines(error.stderr.replace(/^[ \t]*[0-9.]+ MB.*$/gm, ""));
  return lines && `\nThe last lines were:\n${lines}`;
}
