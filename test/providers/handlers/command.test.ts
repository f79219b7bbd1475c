import assert from "node:assert/strict";
import { classify, describeChange } from "../../../providers/dynamic/diff";
import { dispatch } from "../../../providers/dynamic/dispatch";
import { CommandHandler, type CommandState } from "../../../providers/handlers/command";
import { UnreachableError } from "../../../providers/machine/unreachable-error";
import type { CommandInputs } from "../../../providers/schema/command";
import { FakeMachine } from "../machine/fake-machine";
import { FakeContext } from "./fake-context";

const spec = { kind: "agent" as const, uri: "qemu:///system", domain: "db-1" };
const inputs = (changes: Partial<CommandInputs> = {}): CommandInputs => ({
  machine: spec,
  create: ["migrate", "--to", "1"],
  timeout: "10m",
  ...changes,
});

describe("CommandHandler", () => {
  let machine: FakeMachine;
  let handler: CommandHandler;
  let context: FakeContext;

  beforeEach(() => {
    machine = new FakeMachine("guest db-1").on(/^migrate/, { stdout: "done\n", stderr: "warned\n" });
    handler = new CommandHandler(() => machine);
    context = new FakeContext();
  });

  const update = (olds: CommandState, news: CommandInputs) =>
    handler.update("id", olds, news, classify(handler.fields, olds, news), context);

  describe("check", () => {
    const reasons = async (args: object) => {
      const { failures } = await dispatch(handler).check({}, { machine: spec, create: ["true"], ...args });
      return failures.map(({ reason }) => reason);
    };

    it("refuses a shell string, and says how to ask for a shell", async () => {
      assert.deepEqual(await reasons({ create: "apt-get install foo" }), [
        'create: is not a list of words. Allowed: ["program", "argument", ...]; where a shell is wanted, ["sh", "-c", "..."]',
      ]);
    });

    it("says what is wrong, without showing what may be a secret", async () => {
      assert.deepEqual(await reasons({ create: [] }), ["create: needs a program's name as its first word"]);
      assert.deepEqual(await reasons({ delete: ["a", 5] }), ["delete.1: is not a word. Allowed: strings"]);
      assert.deepEqual(await reasons({ env: { "A-B": "secret" } }), [
        "env.A-B: is not a variable's name. Allowed: letters, digits and _",
      ]);
      assert.deepEqual(await reasons({ env: { A: 12345 } }), ["env.A: is not text. Allowed: strings"]);
      assert.deepEqual(await reasons({ stdin: 12345 }), ["stdin: is not text. Allowed: a string"]);
    });
  });

  it("runs create with everything it was given, and keeps its output", async () => {
    const given = inputs({ env: { A: "b" }, cwd: "/srv", stdin: "in", timeout: "30s" });
    const { state } = await handler.create(given, context);
    assert.deepEqual({ stdout: state.stdout, stderr: state.stderr }, { stdout: "done\n", stderr: "warned\n" });
    const { env, cwd, stdin, timeout } = machine.ran[0]!.options;
    assert.deepEqual({ env, cwd, stdin, timeout }, { env: { A: "b" }, cwd: "/srv", stdin: "in", timeout: 30_000 });
  });

  it("leaves create out when check finds it in place", async () => {
    machine.on(/^test -e/, { exitCode: 0 });
    const { state } = await handler.create(inputs({ check: ["test", "-e", "/x"] }), context);
    assert.deepEqual(machine.commands, ["test -e /x"]);
    assert.equal(state.stdout, "");
  });

  it("checks again after create, and says when that did not help", async () => {
    machine.on(/^test -e/, { exitCode: 1 }, { exitCode: 0 });
    await handler.create(inputs({ check: ["test", "-e", "/x"] }), context);
    assert.deepEqual(machine.commands, ["test -e /x", "migrate --to 1", "test -e /x"]);
    machine.on(/^test -e/, { exitCode: 1 });
    await assert.rejects(handler.create(inputs({ check: ["test", "-e", "/x"] }), context), {
      message: "`migrate --to 1` succeeded, but `test -e /x` still fails. Fix: make check tell what the command does",
    });
  });

  it("takes a check that cannot run for an error, not for a no", async () => {
    machine.on(/^tset/, { exitCode: 127, stderr: "sh: 1: exec: tset: not found" });
    await assert.rejects(handler.create(inputs({ check: ["tset"] }), context), /exit code 127\n {2}sh: 1: exec: tset/);
  });

  it("finds it gone when check fails, and there without a check", async () => {
    const { state } = await handler.create(inputs(), context);
    assert.deepEqual(await handler.read("id", state, context), state);
    machine.on(/^test -e/, { exitCode: 1 });
    assert.equal(await handler.read("id", { ...state, check: ["test", "-e", "/x"] }, context), undefined);
  });

  it("runs update, or create again, when what they do changes", async () => {
    const { state } = await handler.create(inputs(), context);
    machine.on(/^upgrade/, { stdout: "upgraded\n" });
    for (const change of [
      { triggers: ["2"] },
      { stdin: "x" },
      { env: { A: "b" } },
      { create: ["migrate", "--to", "2"] },
    ]) {
      machine.ran.length = 0;
      const updated = await update(state, inputs({ update: ["upgrade"], ...change }));
      assert.deepEqual(machine.commands, ["upgrade"]);
      assert.equal(updated.stdout, "upgraded\n");
    }
    machine.ran.length = 0;
    await update(state, inputs({ create: ["migrate", "--to", "2"] }));
    assert.deepEqual(machine.commands, ["migrate --to 2"]);
  });

  it("runs nothing when only delete, check or timeout change", async () => {
    const { state } = await handler.create(inputs(), context);
    machine.ran.length = 0;
    const updated = await update(state, inputs({ delete: ["undo"], check: ["true"], timeout: "1m" }));
    assert.deepEqual(machine.commands, []);
    assert.equal(updated.stdout, "done\n");
  });

  it("runs delete, without the standard input of create", async () => {
    machine.on(/^undo/);
    const { state } = await handler.create(inputs({ delete: ["undo", "it"], stdin: "in", env: { A: "b" } }), context);
    machine.ran.length = 0;
    await handler.delete("id", state, context);
    assert.deepEqual(machine.commands, ["undo it"]);
    assert.equal(machine.ran[0]!.options.stdin, undefined);
    assert.deepEqual(machine.ran[0]!.options.env, { A: "b" });
    machine.away = new UnreachableError("guest db-1", "there is no such domain", { state: "gone" });
    await handler.delete("id", state, context);
  });

  it("hides in errors what came in by env and stdin", async () => {
    machine.on(/^migrate/, { exitCode: 2, stderr: "cannot log in with hunter22\nread: topsecret" });
    const given = inputs({ env: { DB_PASSWORD: "hunter22", N: "2" }, stdin: "topsecret\n" });
    await assert.rejects(handler.create(given, context), {
      message: "`migrate --to 1` on guest db-1: exit code 2\n  cannot log in with [env DB_PASSWORD]\n  read: [stdin]",
    });
  });

  it("never shows env, stdin and triggers where a change is described", () => {
    const olds = inputs({ env: { A: "old" }, stdin: "old", triggers: ["old"] });
    const news = inputs({ env: { A: "new" }, stdin: "new", triggers: ["new"] });
    assert.deepEqual(classify(handler.fields, olds, news).map(describeChange), [
      "stdin changes (live)",
      "env changes (live)",
      "triggers changes (live)",
    ]);
  });
});
