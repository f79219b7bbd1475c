import { constants } from "node:os";
import { displayArgv } from "./shell-quote";

const tailLines = 20;
const tailBytes = 4000;

/** How a command ended that did not succeed. */
export interface CommandFailure {
  argv: readonly string[];
  /** The machine's label: "guest web-1". */
  machine: string;
  /** Undefined when the command was killed or never ended. */
  exitCode?: number;
  /** Why we killed it: "timed out after 30 s". */
  stopped?: string;
  stdout: string;
  stderr: string;
  cause?: unknown;
}

/**
 * A command that failed, was killed, or took too long. The message names the command, the machine and how it ended,
 * then the last lines of stderr (of stdout where stderr is empty). It never holds the environment or standard input.
 *
 * @example
 * `nginx -t` on guest web-1: exit code 1
 *   nginx: [emerg] unknown directive "sever" in /etc/nginx/nginx.conf:3
 */
export class CommandError extends Error {
  readonly argv: readonly string[];
  readonly machine: string;
  readonly exitCode?: number;
  /** The signal that an exit code over 128 stands for, e.g. "SIGKILL"; undefined otherwise. */
  readonly signal?: string;
  /** Why we killed it: "timed out after 30 s"; undefined when it ended by itself. */
  readonly stopped?: string;
  readonly stdout: string;
  readonly stderr: string;

  constructor(failure: CommandFailure) {
    const signal = signalOf(failure.exitCode);
    const ending = failure.stopped ?? `exit code ${failure.exitCode}${signal ? ` (128 + ${signal})` : ""}`;
    const tail = lastLines(failure.stderr) || lastLines(failure.stdout);
    super(`\`${displayArgv(failure.argv)}\` on ${failure.machine}: ${ending}${tail && `\n${tail}`}`, {
      cause: failure.cause,
    });
    this.name = "CommandError";
    this.argv = failure.argv;
    this.machine = failure.machine;
    this.exitCode = failure.exitCode;
    this.signal = signal;
    this.stopped = failure.stopped;
    this.stdout = failure.stdout;
    this.stderr = failure.stderr;
  }
}

function signalOf(exitCode: number | undefined): string | undefined {
  if (exitCode === undefined || exitCode <= 128) return undefined;
  return Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)?.[0];
}

/** The last lines, indented. */
export function lastLines(text: string): string {
  const lines = text.slice(-tailBytes).trimEnd().split("\n").slice(-tailLines);
  return lines
    .map((line) => (line.trim() ? `  ${line.trimEnd()}` : ""))
    .join("\n")
    .replace(/^\n+/, "");
}
