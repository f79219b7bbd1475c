/** Data that does not fit its XDR type: on the way out a caller's mistake, on the way in a malformed packet. */
export class XdrError extends Error {
  constructor(
    /** Where in the value: "dom.uuid", "leases[2].mac"; empty at the top. */
    readonly path: string,
    readonly reason: string,
  ) {
    super(path ? `${path}: ${reason}` : reason);
    this.name = "XdrError";
  }

  /** The same error one level further out. */
  within(step: string): XdrError {
    const joined = !this.path || this.path.startsWith("[") ? step + this.path : `${step}.${this.path}`;
    return new XdrError(joined, this.reason);
  }
}
