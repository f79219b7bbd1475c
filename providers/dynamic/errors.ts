/**
 * An error whose message an operator can act on: what is wrong, then how to fix it.
 * The dispatch puts the object's name before it.
 */
export class OperatorError extends Error {
  constructor(problem: string, options: { fix?: string; cause?: unknown } = {}) {
    super(options.fix ? `${problem}. Fix: ${options.fix}` : problem, { cause: options.cause });
    this.name = "OperatorError";
  }
}

/**
 * The object exists but is not as declared: `state` is kept, the run fails with `message`, and the next `up` calls
 * `update` to go on from there.
 */
export class PartialError extends Error {
  constructor(
    readonly id: string,
    readonly state: object,
    cause: Error,
  ) {
    super(cause.message, { cause });
    this.name = "PartialError";
  }
}
