import type { Context } from "../../../providers/dynamic/contract";

/** What a handler is given in unit tests: progress is kept, and nothing aborts unless the test does. */
export class FakeContext implements Context {
  readonly abort = new AbortController();
  readonly signal = this.abort.signal;
  readonly said: string[] = [];

  progress(message: string): void {
    this.said.push(message);
  }
}
