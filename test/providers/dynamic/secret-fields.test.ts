import assert from "node:assert/strict";
import * as v from "valibot";
import { dispatch } from "../../../providers/dynamic/dispatch";
import { PartialError } from "../../../providers/dynamic/errors";
import type { Handler } from "../../../providers/dynamic/contract";

interface Inputs {
  name: string;
  title?: string;
  size?: number;
}

const names = { __provider: "shell", __secretFields: ["title"] };

describe("fields that a program keeps secret", () => {
  let printed: string[];
  const log = console.log;
  beforeEach(() => {
    printed = [];
    console.log = (line: string) => void printed.push(line);
  });
  afterEach(() => {
    console.log = log;
  });

  const thing = (overrides: Partial<Handler<Inputs>> = {}) =>
    dispatch({
      kind: "Thing",
      schema: v.object({ name: v.string(), title: v.optional(v.string()), size: v.optional(v.number()) }),
      fields: { name: "replace", title: "live", size: "live" },
      describe: ({ name }) => `thing ${name}`,
      lock: ({ name }) => name,
      create: async (inputs) => ({ id: "1", state: inputs }),
      read: async (_id, state) => state,
      update: async (_id, _olds, news) => news,
      delete: async () => undefined,
      ...overrides,
    } satisfies Handler<Inputs>);

  it("change without a word of what they were and are, also when only one of both was secret", async () => {
    const secret = { ...names, name: "a", title: "hunter2" };
    await thing().diff("1", secret, { ...names, name: "a", title: "hunter3" });
    await thing().diff("1", secret, { __provider: "shell", name: "a", size: 1 });
    await thing().diff("1", { __provider: "shell", name: "a" }, secret);
    assert.deepEqual(printed, [
      "thing a: title changes (live)",
      "thing a: title changes (live)",
      "thing a: size unset -> 1 (live)",
      "thing a: title changes (live)",
    ]);
  });

  it("are struck out of refusals, errors and progress", async () => {
    const news = { ...names, name: "a", title: "hunter2" };
    const refusing = thing({ problems: async () => [{ field: "title", reason: 'got "hunter2". Allowed: others' }] });
    const { failures } = await refusing.check({}, news);
    assert.deepEqual(failures, [{ property: "", reason: 'thing a: title: got "[secret]". Allowed: others' }]);
    const failing = thing({
      create: async (_inputs, { progress }) => {
        progress("sets hunter2");
        throw new Error("hunter2 is taken");
      },
      update: async () => {
        throw new PartialError("1", { name: "a" }, new Error("hunter2 is half set"));
      },
    });
    await assert.rejects(failing.create(news), { message: "thing a: cannot create: [secret] is taken" });
    const half = await failing.update("1", news, news).catch((error: Error & { properties: object }) => error);
    assert.equal((half as Error).message, "thing a: cannot update: [secret] is half set");
    assert.deepEqual((half as { properties: object }).properties, { name: "a", ...names });
    assert.deepEqual(printed, ["thing a: sets [secret]"]);
  });

  it("are struck out whole, escaped and line by line, the longest first", async () => {
    const title = 'first "line"\nsecond';
    const saying = thing({
      create: async () => {
        throw new Error(`${JSON.stringify(title)}, ${title}, second`);
      },
    });
    await assert.rejects(saying.create({ ...names, name: "a", title }), {
      message: 'thing a: cannot create: "[secret]", [secret], [secret]',
    });
  });

  it("are known as such as long as the object lives", async () => {
    const raw = { ...names, name: "a", title: "hunter2" };
    const kept = { name: "a", title: "hunter2", __secretFields: ["title"] };
    assert.deepEqual((await thing().check({}, raw)).inputs, kept);
    assert.deepEqual((await thing().create(raw)).outs, kept);
    assert.deepEqual(await thing().read("1", raw), { id: "1", props: kept, inputs: kept });
    assert.deepEqual((await thing().update("1", raw, raw)).outs, kept);
  });
});
