import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { classify } from "../../../providers/dynamic/diff";
import { dispatch } from "../../../providers/dynamic/dispatch";
import { FileHandler, type FileState } from "../../../providers/handlers/file";
import { UnreachableError } from "../../../providers/machine/unreachable-error";
import type { FileInputs } from "../../../providers/schema/file";
import { FakeMachine } from "../machine/fake-machine";
import { FakeContext } from "./fake-context";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const spec = { kind: "agent" as const, uri: "qemu:///system", domain: "web-1" };

function inputs(changes: Partial<FileInputs> = {}): FileInputs {
  const content = changes.content ?? "new";
  return {
    machine: spec,
    path: "/etc/app/app.conf",
    content,
    sha256: sha256(content),
    mode: "0644",
    overwrite: false,
    parents: false,
    ...changes,
  };
}

describe("FileHandler", () => {
  let machine: FakeMachine;
  let handler: FileHandler;
  let context: FakeContext;

  beforeEach(() => {
    machine = new FakeMachine().folder("/etc", "/etc/app");
    handler = new FileHandler(() => machine);
    context = new FakeContext();
  });

  const update = (olds: FileState, news: FileInputs) =>
    handler.update("id", olds, news, classify(handler.fields, olds, news), context);

  describe("check", () => {
    const reasons = async (args: object) => {
      const { failures } = await dispatch(handler).check({}, { machine: spec, path: "/a", content: "x", ...args });
      return failures.map(({ reason }) => reason);
    };

    it("fills in what an operator would choose", async () => {
      const checked = await dispatch(handler).check({}, { machine: spec, path: "/a", content: "x", mode: "640" });
      assert.deepEqual(checked.inputs, {
        machine: spec,
        path: "/a",
        content: "x",
        mode: "0640",
        overwrite: false,
        parents: false,
      });
    });

    it("says what is wrong, and what is allowed", async () => {
      assert.deepEqual(await reasons({ mode: 644 }), [
        'mode: 644 is not a mode. Allowed: octal digits in quotes, e.g. "0644"',
      ]);
      assert.deepEqual(await reasons({ mode: "0888" }), [
        'mode: "0888" is not a mode. Allowed: three or four octal digits, e.g. "0644"',
      ]);
      assert.deepEqual(await reasons({ source: "./a" }), ["content or source is required, and only one of them"]);
      assert.deepEqual(await reasons({ content: undefined }), ["content or source is required, and only one of them"]);
      assert.deepEqual(await reasons({ path: "/etc/" }), [
        "path: \"/etc/\" is a folder's path. Allowed: a file's path",
      ]);
      assert.match((await reasons({ path: "etc/a" }))[0]!, /^path: "etc\/a" is not an absolute path/);
      assert.match((await reasons({ owner: "a b" }))[0]!, /^owner: "a b" is not a user or group/);
      assert.match((await reasons({ conten: "x" }))[0]!, /unknown field "conten"; did you mean "content"/);
    });

    it("shows no content in a message", async () => {
      assert.deepEqual(await reasons({ content: { password: "hunter2" } }), [
        "content: is not text. Allowed: a string; take anything else from a file, by source",
      ]);
    });

    it("tells at preview that the path is taken", async () => {
      machine.file("/a", "old");
      assert.deepEqual(await reasons({}), [
        "file /a on guest web-1: path: the path is taken by a file that is not ours. " +
          "Fix: set overwrite: true to replace it (it is kept, and put back on delete), or remove it",
      ]);
      assert.deepEqual(await reasons({ overwrite: true }), []);
      machine.away = new UnreachableError("guest web-1", "the domain is not running", { state: "off" });
      assert.deepEqual(await reasons({}), []);
    });
  });

  it("writes the file, and removes it on delete", async () => {
    const { id, state } = await handler.create(inputs({ mode: "0600", owner: "www-data", group: "daemon" }), context);
    assert.equal(id, "guest web-1:/etc/app/app.conf");
    assert.equal(machine.text("/etc/app/app.conf"), "new");
    const status = await machine.status("/etc/app/app.conf");
    assert.equal(status?.mode, 0o600);
    assert.equal(status?.owner, "www-data");
    assert.equal(status?.group, "daemon");
    await handler.delete(id, state, context);
    assert.equal(machine.text("/etc/app/app.conf"), undefined);
    await handler.delete(id, state, context);
  });

  it("refuses to replace a file that is not ours", async () => {
    machine.file("/etc/app/app.conf", "old");
    await assert.rejects(handler.create(inputs(), context), {
      message:
        "the path is taken by a file that is not ours. " +
        "Fix: set overwrite: true to replace it (it is kept, and put back on delete), or remove it",
    });
    assert.equal(machine.text("/etc/app/app.conf"), "old");
  });

  it("refuses to replace a folder, also with overwrite", async () => {
    machine.folder("/etc/app/app.conf");
    await assert.rejects(handler.create(inputs({ overwrite: true }), context), /there is a folder at this path/);
  });

  it("goes on where an earlier run was cut off after writing", async () => {
    machine.file("/etc/app/app.conf", "new");
    const { state } = await handler.create(inputs(), context);
    assert.equal(state.backup, undefined);
  });

  it("keeps what it overwrites, and puts it back on delete", async () => {
    machine.file("/etc/app/app.conf", "old", { mode: 0o640, owner: "daemon" });
    const { id, state } = await handler.create(inputs({ overwrite: true }), context);
    assert.match(state.backup!, /^\/etc\/app\/\.pulumi-backup-[0-9a-f]{12}$/);
    assert.equal(machine.text(state.backup!), "old");
    const updated = await update(state, inputs({ overwrite: true, content: "newer" }));
    await handler.delete(id, updated, context);
    assert.equal(machine.text("/etc/app/app.conf"), "old");
    assert.equal((await machine.status("/etc/app/app.conf"))?.owner, "daemon");
    assert.deepEqual([...machine.files.keys()], ["/", "/etc", "/etc/app", "/etc/app/app.conf"]);
  });

  it("leaves everything as it was when the write fails", async () => {
    machine.file("/etc/app/app.conf", "old");
    machine.write = async () => {
      throw new Error("No space left on device");
    };
    await assert.rejects(handler.create(inputs({ overwrite: true }), context), /No space left/);
    const before = ["/", "/etc", "/etc/app", "/etc/app/app.conf"];
    assert.deepEqual([...machine.files.keys()], before);
    await assert.rejects(handler.create(inputs({ path: "/srv/a/b", parents: true }), context), /No space left/);
    assert.deepEqual([...machine.files.keys()], before);
  });

  it("keeps a backup of an earlier, cut off run through a failure", async () => {
    machine.file("/etc/app/app.conf", "old");
    const { state } = await handler.create(inputs({ overwrite: true }), context);
    machine.write = async () => {
      throw new Error("No space left on device");
    };
    await assert.rejects(handler.create(inputs({ overwrite: true }), context));
    assert.equal(machine.text(state.backup!), "old");
  });

  it("makes missing folders only when asked to, and removes those that are empty at the end", async () => {
    await assert.rejects(handler.create(inputs({ path: "/srv/a/b/file" }), context), {
      message:
        "folder /srv/a/b does not exist. Fix: set parents: true to make it, or have it made first, by a Package or a Command",
    });
    const { id, state } = await handler.create(inputs({ path: "/srv/a/b/file", parents: true }), context);
    assert.deepEqual(state.madeFolders, ["/srv/a/b", "/srv/a", "/srv"]);
    machine.file("/srv/theirs", "");
    await handler.delete(id, state, context);
    assert.deepEqual([...machine.files.keys()].sort(), ["/", "/etc", "/etc/app", "/srv", "/srv/theirs"]);
  });

  describe("with a source", () => {
    let folder: string;
    beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "kvm-file-"))));
    afterEach(() => rmSync(folder, { recursive: true }));
    const bytes = Buffer.from([0, 255, 10]);
    const digest = createHash("sha256").update(bytes).digest("hex");

    it("uploads its bytes, and keeps them out of the state", async () => {
      writeFileSync(join(folder, "data"), bytes);
      const source = join(folder, "data");
      const { state } = await handler.create(inputs({ content: undefined, source, sha256: digest }), context);
      assert.deepEqual(await machine.read("/etc/app/app.conf"), bytes);
      assert.ok(!JSON.stringify(state).includes(bytes.toString("base64")));
    });

    it("refuses a source that changed or went since the preview", async () => {
      const source = join(folder, "data");
      await assert.rejects(handler.create(inputs({ content: undefined, source, sha256: digest }), context), /ENOENT/);
      writeFileSync(source, "other");
      await assert.rejects(handler.create(inputs({ content: undefined, source, sha256: digest }), context), {
        message: `source ${source} changed while pulumi ran. Fix: run pulumi up again`,
      });
    });
  });

  describe("read", () => {
    let state: FileState;
    beforeEach(async () => {
      ({ state } = await handler.create(inputs({ owner: "root" }), context));
    });
    const found = async () => (await handler.read("id", state, context))!;
    const changed = async () =>
      classify(handler.fields, await found(), inputs({ owner: "root" })).map(({ field }) => field);

    it("finds nothing changed", async () => {
      assert.deepEqual(await found(), state);
    });

    it("finds content, mode and owner changed", async () => {
      machine.file("/etc/app/app.conf", "theirs");
      assert.deepEqual(await changed(), ["sha256"]);
      machine.file("/etc/app/app.conf", "new", { mode: 0o600, owner: "daemon" });
      assert.deepEqual(await changed(), ["mode", "owner"]);
    });

    it("takes a number and the name it stands for as the same, and groups that were not given as given", async () => {
      state = { ...state, owner: "33" };
      machine.file("/etc/app/app.conf", "new", { owner: "www-data", group: "daemon" });
      assert.equal((await found()).owner, "33");
      assert.equal((await found()).group, undefined);
    });

    it("finds something else in its place", async () => {
      machine.folder("/etc/app/app.conf");
      assert.equal((await found()).sha256, "a directory, not a file");
    });

    it("finds it gone", async () => {
      await machine.remove("/etc/app/app.conf");
      assert.equal(await handler.read("id", state, context), undefined);
    });

    it("takes a machine that is away for no drift, and one that is gone for the file's end", async () => {
      machine.away = new UnreachableError("guest web-1", "the domain is not running", { state: "off" });
      assert.deepEqual(await found(), state);
      assert.deepEqual(context.said, ["not looked at, taken as it was last: guest web-1: the domain is not running"]);
      machine.away = new UnreachableError("guest web-1", "there is no such domain", { state: "gone" });
      assert.equal(await handler.read("id", state, context), undefined);
    });
  });

  describe("update", () => {
    it("writes new content under a new revision", async () => {
      const { state } = await handler.create(inputs(), context);
      const updated = await update(state, inputs({ content: "newer" }));
      assert.equal(machine.text("/etc/app/app.conf"), "newer");
      assert.notEqual(updated.revision, state.revision);
    });

    it("keeps the revision when only the mode changes", async () => {
      const { state } = await handler.create(inputs(), context);
      const updated = await update(state, inputs({ mode: "0600" }));
      assert.equal((await machine.status("/etc/app/app.conf"))?.mode, 0o600);
      assert.equal(updated.revision, state.revision);
    });

    it("repairs drift under a new revision, so that what depends on it is reloaded", async () => {
      const { state } = await handler.create(inputs(), context);
      machine.file("/etc/app/app.conf", "theirs");
      const drifted = (await handler.read("id", state, context))!;
      const repaired = await update(drifted, inputs());
      assert.equal(machine.text("/etc/app/app.conf"), "new");
      assert.notEqual(repaired.revision, state.revision);
    });

    it("does nothing on the machine when only the way to it changes", async () => {
      const { state } = await handler.create(inputs(), context);
      const machineWithName = { ...spec, name: "web" };
      machine.write = async () => assert.fail("written");
      assert.deepEqual((await update(state, inputs({ machine: machineWithName }))).machine, machineWithName);
    });
  });

  it("is replaced on another machine or path", () => {
    const olds = inputs();
    const disruptions = (news: Partial<FileInputs>) =>
      classify(handler.fields, olds, inputs(news)).map(({ disruption }) => disruption);
    assert.deepEqual(disruptions({ path: "/etc/other" }), ["replace"]);
    assert.deepEqual(disruptions({ machine: { ...spec, domain: "web-2" } }), ["replace"]);
    assert.deepEqual(disruptions({ machine: { kind: "local" } }), ["replace"]);
    assert.deepEqual(disruptions({ machine: { ...spec, name: "web" } }), ["live"]);
  });

  it("is let go with its machine, and does not hold up a destroy when that is off", async () => {
    const { id, state } = await handler.create(inputs(), context);
    machine.away = new UnreachableError("guest web-1", "there is no such domain", { state: "gone" });
    await handler.delete(id, state, context);
    assert.deepEqual(context.said, []);
    machine.away = new UnreachableError("guest web-1", "the domain is not running", { state: "off" });
    await handler.delete(id, state, context);
    assert.deepEqual(context.said, ["left there, because the machine is off: guest web-1: the domain is not running"]);
    machine.away = new UnreachableError("guest web-1", "the guest agent does not answer");
    await assert.rejects(handler.delete(id, state, context), /does not answer/);
  });

  it("shows no content where a change is described", async () => {
    const said: string[] = [];
    const log = console.log;
    console.log = (line: string) => said.push(line);
    try {
      const { state } = await handler.create(inputs({ content: "old-secret" }), context);
      await dispatch(handler).diff("id", { ...state }, { ...inputs({ content: "new-secret" }) });
    } finally {
      console.log = log;
    }
    assert.deepEqual(said, ["file /etc/app/app.conf on guest web-1: sha256 changes (live: the content differs)"]);
  });
});
