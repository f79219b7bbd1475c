/** A path that does not exist on the machine. */
export class NotFoundError extends Error {
  constructor(
    readonly path: string,
    readonly machine: string,
  ) {
    super(`${path} does not exist on ${machine}`);
    this.name = "NotFoundError";
  }
}
