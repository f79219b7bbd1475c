/** The end of one command's time: its timeout or its caller's signal, whichever comes first. */
export class Deadline {
  private readonly expiry = new AbortController();
  private readonly timer: NodeJS.Timeout;
  readonly signal: AbortSignal;

  constructor(timeout: number, caller?: AbortSignal) {
    const expired = new Error(`timed out after ${timeout / 1000} s`);
    this.timer = setTimeout(() => this.expiry.abort(expired), timeout);
    this.signal = AbortSignal.any([this.expiry.signal, ...(caller ? [caller] : [])]);
  }

  /** Why the time is up, in words: "timed out after 30 s", "stopped: interrupted". */
  get stopped(): { reason: string; cause: unknown } {
    const cause = this.signal.reason;
    const message = cause instanceof Error ? cause.message : String(cause);
    return { reason: this.expiry.signal.reason === cause ? message : `stopped: ${message}`, cause };
  }

  close(): void {
    clearTimeout(this.timer);
  }
}
