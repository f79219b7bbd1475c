import assert from "node:assert/strict";
import { diagnostics, ended, FaultHost } from "./fault-host";

describe("two at once", function () {
  this.timeout(600_000);
  let host: FaultHost;

  before(async function () {
    host = await FaultHost.start(this);
  });

  after(() => host?.stop());

  afterEach(() => assert.deepEqual(host.leftovers(), []));

  it("ups of one stack: the second is refused with what to do, the first is not disturbed", async () => {
    const project = await host.project(host.environment());
    let second: Awaited<ReturnType<typeof project.attempt>> | undefined;
    const { exitCode } = await host.strike(project, /Network net creating/, async () => {
      second = await project.attempt("up", "--yes", "--skip-preview");
    });
    assert.equal(exitCode, 0);
    assert.notEqual(second!.exitCode, 0);
    assert.match(second!.stderr, /the stack is currently locked by 1 lock\(s\)\. Either wait for the other process/);
    assert.deepEqual(await project.plan(), []);
    await project.destroy();
  });

  it("stacks that declare the same names: the second is refused at preview, the first one's objects stay", async () => {
    const names = host.program(`
      const network = new kvm.Network("net", { connection, ipv4: "10.214.8.0/24" });
      new kvm.Domain("one", { connection, memory: "64MiB", accelerator: "tcg", state: "paused" });
      const pool = new kvm.StoragePool("pool", { connection, path: ${JSON.stringify(host.poolPath)} });
    `);
    const first = await host.project("");
    await first.write(names);
    await first.up();
    const before = ["list --all --uuid", "net-list --all --uuid", "pool-list --all --uuid"].map((list) =>
      host.virsh(...list.split(" ")),
    );

    // Same project, same stack, another folder with a state of its own: a colleague's clone.
    const second = await host.project("");
    await second.write(names);
    for (const argv of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const { exitCode, stdout } = await second.attempt(...argv);
      assert.notEqual(exitCode, 0, stdout);
      assert.match(
        diagnostics(stdout),
        /a (network|domain|storage pool) named "\w+" already exists\. Fix: set adopt: "\w+" to take it over, or choose another name/,
      );
    }
    await second.destroy();
    const now = ["list --all --uuid", "net-list --all --uuid", "pool-list --all --uuid"].map((list) =>
      host.virsh(...list.split(" ")),
    );
    assert.deepEqual(now, before);
    assert.deepEqual(await first.plan(), []);
    await first.destroy();
    await ended(second);
  });
});
