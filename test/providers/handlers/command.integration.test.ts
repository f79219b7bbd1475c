import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { classify } from "../../../providers/dynamic/diff";
import { CommandHandler } from "../../../providers/handlers/command";
import type { CommandInputs } from "../../../providers/schema/command";
import { FakeContext } from "./fake-context";

describe("command on this machine", function () {
  this.timeout(30_000);
  const handler = new CommandHandler();
  const context = new FakeContext();
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "kvm-command-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("lives: created, checked, gone, updated, undone", async () => {
    const file = join(folder, "made");
    const inputs: CommandInputs = {
      machine: { kind: "local" },
      create: ["sh", "-c", 'cat > "$1"; echo "made with $KVM_TOKEN"', "sh", file],
      update: ["sh", "-c", 'cat >> "$1"', "sh", file],
      delete: ["rm", file],
      check: ["test", "-e", file],
      stdin: "one\n",
      env: { KVM_TOKEN: "a token" },
      cwd: folder,
      timeout: "10s",
    };
    const { id, state } = await handler.create(inputs, context);
    assert.equal(readFileSync(file, "utf8"), "one\n");
    assert.equal(state.stdout, "made with a token\n");
    assert.deepEqual(await handler.read(id, state, context), state);
    const news = { ...inputs, stdin: "two\n" };
    const updated = await handler.update(id, state, news, classify(handler.fields, state, news), context);
    assert.equal(readFileSync(file, "utf8"), "one\ntwo\n");
    await handler.delete(id, updated, context);
    assert.ok(!existsSync(file));
    assert.equal(await handler.read(id, updated, context), undefined);
  });

  it("stops when the operation is aborted", async () => {
    const aborting = new FakeContext();
    setTimeout(() => aborting.abort.abort(new Error("interrupted")), 300);
    const inputs: CommandInputs = { machine: { kind: "local" }, create: ["sleep", "60"], timeout: "10m" };
    await assert.rejects(
      handler.create(inputs, aborting),
      /^CommandError: `sleep 60` on this machine: stopped: interrupted/,
    );
  });
});
