import { lastLines } from "./command-error";

/**
 * The machine itself did not answer: no connection, no agent, no such domain. `mayHaveRun` tells whether the command
 * could have been started before that; where it is false, trying again is safe.
 */
export class UnreachableError extends Error {
  readonly mayHaveRun: boolean;

  constructor(
    readonly machine: string,
    reason: string,
    options: { output?: string; fix?: string; mayHaveRun?: boolean; cause?: unknown } = {},
  ) {
    const output = lastLines(options.output ?? "");
    super(`${machine}: ${reason}${output && `\n${output}`}${options.fix ? `\nFix: ${options.fix}` : ""}`, {
      cause: options.cause,
    });
    this.name = "UnreachableError";
    this.mayHaveRun = options.mayHaveRun ?? false;
  }
}
