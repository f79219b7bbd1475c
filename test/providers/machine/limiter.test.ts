import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { Limiter } from "../../../providers/machine/limiter";

describe("Limiter", () => {
  it("lets no more than its limit run at once, in order, and goes on after failures", async () => {
    const limiter = new Limiter(2);
    let running = 0;
    let most = 0;
    const begun: number[] = [];
    const task = (number: number) => async () => {
      begun.push(number);
      most = Math.max(most, ++running);
      await turn();
      running--;
      if (number % 3 === 0) throw new Error(`task ${number}`);
      return number;
    };
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, number) => limiter.run(task(number))));
    assert.equal(most, 2);
    assert.deepEqual(
      begun,
      Array.from({ length: 20 }, (_, number) => number),
    );
    assert.equal(results.filter(({ status }) => status === "rejected").length, 7);
  });
});
