/** Lets at most `limit` of the given tasks run at once, in the order they came. */
export class Limiter {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly limit: number) {}

  /** @param waits called where the task is not run at once */
  async run<T>(task: () => Promise<T>, waits?: () => void): Promise<T> {
    if (this.running < this.limit) this.running++;
    else {
      waits?.();
      await new Promise<void>((resolve) => this.waiting.push(resolve)); // Takes over the place of the one before.
    }
    try {
      return await task();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }
}
