import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { ended, FaultHost, processesIn } from "./fault-host";

describe("pulumi killed in the middle of up", function () {
  this.timeout(600_000);
  let host: FaultHost;

  before(async function () {
    host = await FaultHost.start(this);
  });

  after(() => host?.stop());

  const alone = "alone";
  const whole = "with its plugins, as when the machine fails";
  const moments: [who: string, until: RegExp, milliseconds: number][] = [
    [alone, /Network net creating/, 0],
    [alone, /Domain one creating/, 250],
    [whole, /Network net creating/, 0],
    [whole, /Volume disk creating/, 0],
    [whole, /Domain one creating/, 250],
    [whole, /Domain (one|two|three) created/, 0],
  ];
  for (const [who, until, milliseconds] of moments)
    it(`${who}, ${milliseconds} ms after ${until}: the next up goes on, and destroy leaves nothing`, async () => {
      const project = await host.project(host.environment());
      const { exitCode } = await host.strike(project, until, async (group) => {
        await sleep(milliseconds);
        const plugins = who === whole ? processesIn(project) : [];
        process.kill(-group, "SIGKILL");
        for (const { pid } of plugins) killed(pid);
      });
      assert.equal(exitCode, null);
      await ended(project);

      const refused = await project.attempt("up", "--yes", "--skip-preview");
      assert.match(refused.stderr, /the stack is currently locked .* delete the lock file with `pulumi cancel`/);
      await project.pulumi("cancel", "--yes");
      await project.up();
      assert.deepEqual(await project.plan(), []);
      await project.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates");
      const { stdout } = await project.destroy();
      assert.doesNotMatch(stdout, /pending operations/);
      assert.deepEqual(host.leftovers(), []);
    });

  it("undoes what was under way, so that destroy without another up leaves nothing", async () => {
    const project = await host.project(host.environment());
    await host.strike(project, /Domain one creating/, async (group) => {
      // What is done by then, but not yet in the state, would be left to the next up: nothing gets done meanwhile.
      process.kill(host.daemon.pid, "SIGSTOP");
      process.kill(-group, "SIGKILL");
      await sleep(500);
      process.kill(host.daemon.pid, "SIGCONT");
    });
    await ended(project);
    await project.pulumi("cancel", "--yes");
    await project.destroy();
    assert.deepEqual(host.leftovers(), []);
  });
});

function killed(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended with its engine.
  }
}
