import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { classify } from "../../../providers/dynamic/diff";
import { FileHandler } from "../../../providers/handlers/file";
import type { FileInputs } from "../../../providers/schema/file";
import { FakeContext } from "./fake-context";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("file on this machine", function () {
  this.timeout(30_000);
  const handler = new FileHandler();
  const context = new FakeContext();
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "kvm-file-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const inputs = (path: string, content: string, changes: Partial<FileInputs> = {}): FileInputs => ({
    machine: { kind: "local" },
    path: join(folder, path),
    content,
    sha256: sha256(content),
    mode: "0640",
    overwrite: false,
    parents: false,
    ...changes,
  });
  const text = (path: string) => readFileSync(join(folder, path), "utf8");

  it("lives: made with its folders, drifted, repaired, removed", async () => {
    const wanted = inputs("a/b/file", "content\n", { parents: true });
    const { id, state } = await handler.create(wanted, context);
    assert.equal(text("a/b/file"), "content\n");
    assert.equal(lstatSync(join(folder, "a/b/file")).mode & 0o777, 0o640);
    assert.deepEqual(await handler.read(id, state, context), state);
    writeFileSync(join(folder, "a/b/file"), "theirs");
    const found = (await handler.read(id, state, context))!;
    const changes = classify(handler.fields, found, wanted);
    assert.deepEqual(
      changes.map(({ field }) => field),
      ["sha256"],
    );
    const repaired = await handler.update(id, found, wanted, changes, context);
    assert.equal(text("a/b/file"), "content\n");
    await handler.delete(id, repaired, context);
    assert.deepEqual(readdirSync(folder), []);
  });

  it("keeps what it overwrites with all that belongs to it, also a symlink, and puts it back", async () => {
    writeFileSync(join(folder, "file"), "theirs", { mode: 0o600 });
    writeFileSync(join(folder, "target"), "target");
    symlinkSync("target", join(folder, "link"));
    const made = await Promise.all(
      ["file", "link"].map((path) => handler.create(inputs(path, "ours", { overwrite: true }), context)),
    );
    assert.equal(text("file"), "ours");
    assert.equal(text("link"), "ours");
    assert.equal(text("target"), "target");
    for (const { id, state } of made) await handler.delete(id, state, context);
    assert.equal(text("file"), "theirs");
    assert.equal(lstatSync(join(folder, "file")).mode & 0o777, 0o600);
    assert.ok(lstatSync(join(folder, "link")).isSymbolicLink());
    assert.deepEqual(readdirSync(folder).sort(), ["file", "link", "target"]);
  });

  it("refuses a path that is taken", async () => {
    writeFileSync(join(folder, "file"), "theirs");
    mkdirSync(join(folder, "folder"));
    await assert.rejects(handler.create(inputs("file", "ours"), context), /taken by a file that is not ours/);
    await assert.rejects(handler.create(inputs("folder", "ours", { overwrite: true }), context), /there is a folder/);
    assert.deepEqual(readdirSync(folder).sort(), ["file", "folder"]);
  });
});
