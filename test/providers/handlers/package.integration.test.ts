import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { classify } from "../../../providers/dynamic/diff";
import { PackageHandler } from "../../../providers/handlers/package";
import { LocalMachine } from "../../../providers/machine/local-machine";
import type { PackageInputs } from "../../../providers/schema/package";
import { skip } from "../../skip";
import { FakeContext } from "./fake-context";

describe("package on this machine", function () {
  this.timeout(5 * 60_000);
  const handler = new PackageHandler();
  const context = new FakeContext();
  const machine = new LocalMachine();
  const inputs = (...names: string[]): PackageInputs => ({ machine: { kind: "local" }, names, state: "present" });
  const installed = async () =>
    (await machine.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", "hello"], { accept: [0, 1] })).stdout ===
    "installed";

  before(async function () {
    if (process.getuid?.() !== 0) skip(this, "needs root, to install a package");
    if (!existsSync("/usr/bin/apt-get")) skip(this, "needs apt");
    if (await installed()) skip(this, "the package hello is somebody else's here");
  });

  it("lives: installed, removed behind its back, repaired, let go with nothing else", async () => {
    const wanted = inputs("hello=2*", "dash");
    const { id, state } = await handler.create(wanted, context);
    assert.ok(await installed());
    assert.deepEqual(state.added, ["hello"]);
    assert.match(state.versions["hello"]!, /^2/);
    assert.deepEqual(await handler.read(id, state, context), state);
    await machine.run(["dpkg", "--remove", "hello"]);
    const found = (await handler.read(id, state, context))!;
    assert.deepEqual(found.names, ["dash"]);
    const repaired = await handler.update(id, found, wanted, classify(handler.fields, found, wanted), context);
    assert.ok(await installed());
    await handler.delete(id, repaired, context);
    assert.ok(!(await installed()));
    assert.ok(existsSync("/bin/dash"));
  });

  it("says that there is no such package, or no such version", async () => {
    await assert.rejects(
      handler.create(inputs("kvm-no-such-package"), context),
      /Unable to locate package kvm-no-such/,
    );
    await assert.rejects(handler.create(inputs("hello=99*"), context), /Version '99\*' for 'hello' was not found/);
  });

  it("does not let the system's own packages go", async () => {
    await assert.rejects(
      handler.create({ ...inputs("dash"), state: "absent" }, context),
      /dash cannot be removed: the system cannot do without it/,
    );
  });
});
