"use strict";
// Mocha's spec reporter with an ending of its own: failures, what was skipped and why, the slowest tests, and as the very
// last line the counts: `12 passed, 0 failed, 3 skipped`. A failed hook counts as a failure.
const { Spec } = require("mocha").reporters;

const slowest = 10;

/** The reason given with `skip()` in test/skip.ts, to the test itself or to a hook of a suite around it. */
function skipReason(runnable) {
  return runnable && (runnable.skipReason ?? skipReason(runnable.parent));
}

class Reporter extends Spec {
  constructor(runner, options) {
    super(runner, options);
    this.timed = [];
    this.skipped = [];
    this.failed = 0;
    runner.on("pass", (test) => this.timed.push(test));
    runner.on("pending", (test) => this.skipped.push(test));
    // Counted here and not from the tests: a failing hook is no test.
    runner.on("fail", () => (this.failed += 1));
  }

  epilogue() {
    if (this.failures.length > 0) {
      console.log("\nFailed");
      Spec.list(this.failures);
    }
    if (this.skipped.length > 0) {
      console.log("\nSkipped");
      for (const test of this.skipped) {
        const reason = skipReason(test);
        console.log(`  ${test.fullTitle()}${reason ? `: ${reason}` : ""}`);
      }
    }
    if (this.timed.length > slowest) {
      console.log("\nSlowest");
      const byTime = this.timed.toSorted((a, b) => b.duration - a.duration);
      for (const test of byTime.slice(0, slowest)) {
        console.log(`  ${String(test.duration).padStart(6)} ms  ${test.fullTitle()}`);
      }
    }
    const counts = `${this.timed.length} passed, ${this.failed} failed, ${this.skipped.length} skipped`;
    // At exit, so that nothing a test left behind can print after it.
    process.once("exit", () => console.log(`\n${counts}`));
  }
}

module.exports = Reporter;
