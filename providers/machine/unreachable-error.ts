import { lastLines } from "./command-error";

/**
 * The machine itself did not answer: no connection, no agent, no such domain. `mayHaveRun` tells whether the command
 * could have been started before that; where it is false, trying again is safe.
 */
export class UnreachableError extends Error {
  readonly mayHaveRun: boolean;
  /** Where it is known why: the machine does not exist any more, or exists and is not running. */
  readonly state?: "gone" | "off";

  constructor(
    readonly machine: string,
    reason: string,
    options: { output?: string; fix?: string; mayHaveRun?: boolean; state?: "gone" | "off"; cause?: unknown } = {},
  ) {
    const output = lastLines(options.output ?? "");
    super(`${machine}: ${reason}${output && `\n${output}`}${options.fix ? `\nFix: ${options.fix}` : ""}`, {
      cause: options.cause,
    });
    this.name = "UnreachableError";
    this.mayHaveRun = options.mayHaveRun ?? false;
    this.state = options.state;
  }
}
