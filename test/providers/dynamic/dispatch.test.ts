import assert from "node:assert/strict";
import * as v from "valibot";
import type { Handler } from "../../../providers/dynamic/contract";
import { dispatch } from "../../../providers/dynamic/dispatch";
import { PartialError } from "../../../providers/dynamic/errors";
import { unknownValue } from "../../../providers/dynamic/unknown";
import { bytes, size } from "../../../providers/schema/size";
import { strict } from "../../../providers/schema/strict";

interface Inputs {
  name: string;
  memory: string;
  nics?: { network: string; mac?: string }[];
  disruption: "live" | "reboot" | "replace";
}

const schema = strict({
  name: v.string(),
  memory: v.optional(size, "1GiB"),
  nics: v.optional(v.array(strict({ network: v.string(), mac: v.optional(v.string()) }))),
  disruption: v.optional(v.picklist(["live", "reboot", "replace"]), "live"),
});

function handler(overrides: Partial<Handler<Inputs>> = {}) {
  return dispatch({
    kind: "Thing",
    schema,
    fields: {
      name: "replace",
      memory: ({ old, new: wanted }) =>
        bytes(wanted as string) > bytes(old as string)
          ? { disruption: "reboot", why: "no room" }
          : { disruption: "live" },
      nics: "live",
      disruption: "ignored",
    },
    describe: (inputs) => `thing ${inputs.name}`,
    lock: (inputs) => inputs.name,
    limit: (inputs) => inputs.disruption,
    create: async (inputs) => ({ id: "1", state: inputs }),
    read: async (_id, state) => state,
    update: async (_id, _olds, news) => news,
    delete: async () => undefined,
    ...overrides,
  } satisfies Handler<Inputs>);
}

const shell = { __provider: "shell" };

async function failuresOf(news: object, olds: object = {}, overrides: Partial<Handler<Inputs>> = {}) {
  const { failures } = await handler(overrides).check({ ...olds }, { ...shell, ...news });
  return failures;
}

describe("dispatch.check", () => {
  it("holds what the world was asked for, as problems see it", async () => {
    const seen: string[] = [];
    const overrides: Partial<Handler<Inputs>> = {
      generate: () => ({ memory: "3GiB" }),
      lookUp: async ({ memory }) => ({ nics: [{ network: `for ${memory}` }] }),
      problems: async ({ nics }) => {
        seen.push(nics![0]!.network);
        return [];
      },
    };
    const { inputs, failures } = await handler(overrides).check({}, { ...shell, name: "a" });
    assert.deepEqual(failures, []);
    const nics = [{ network: "for 3GiB" }];
    assert.deepEqual(inputs, { name: "a", memory: "3GiB", nics, disruption: "live" });
    assert.deepEqual(seen, ["for 3GiB"]);
    await handler({ lookUp: () => assert.fail("asked") }).check({}, { ...shell, name: unknownValue });
    const lost = handler({ lookUp: () => Promise.reject(new Error("nobody knows")) });
    await assert.rejects(lost.check({}, { ...shell, name: "a" }), { message: "thing a: cannot check: nobody knows" });
  });

  it("fills defaults and makes values canonical", async () => {
    const { inputs, failures } = await handler().check({}, { ...shell, name: "a", memory: 2 * 1024 ** 3 });
    assert.deepEqual(failures, []);
    assert.deepEqual(inputs, { name: "a", memory: "2GiB", disruption: "live" });
  });

  it("names a misspelt field and the nearest one", async () => {
    const [failure] = await failuresOf({ name: "a", memroy: "1GiB" });
    assert.match(
      failure!.reason,
      /^memroy: unknown field "memroy"; did you mean "memory"\? Allowed: name, memory, nics/,
    );
  });

  it("names a misspelt field inside a list", async () => {
    const [failure] = await failuresOf({ name: "a", nics: [{ network: "n", macc: "x" }] });
    assert.match(failure!.reason, /^nics\.0\.macc: .*did you mean "mac"/);
  });

  it("tells of two objects that clash, by the second one, also where it does not change", async () => {
    const kind = "Clashing";
    const clashes = (news: Inputs, others: readonly Partial<Inputs>[]) =>
      others
        .filter(({ name, memory }) => name !== news.name && memory === news.memory)
        .map(({ name }) => ({ field: "memory", reason: `is that of ${name}` }));
    const problems = () => assert.fail("nothing is asked of an object that does not change");
    const check = async (news: Partial<Inputs>, olds?: object) =>
      (await failuresOf(news, olds, { kind, clashes, ...(olds && { problems }) })).map(({ reason }) => reason);
    assert.deepEqual(await check({ name: "a" }), []);
    assert.deepEqual(await check({ name: "b", memory: unknownValue }), []);
    assert.deepEqual(await check({ name: "c" }), ["thing c: memory: is that of a"]);
    const same = { name: "a", memory: "1GiB", disruption: "live" };
    assert.deepEqual(await check({ name: "a" }, same), ["thing a: memory: is that of c"]);
  });

  it("names the choices, and the nearest one", async () => {
    const [misspelt] = await failuresOf({ name: "a", disruption: "rebot" });
    assert.equal(
      misspelt!.reason,
      'disruption: got "rebot"; did you mean "reboot"? Allowed: "live", "reboot" or "replace"',
    );
    const [other] = await failuresOf({ name: "a", disruption: "whatever" });
    assert.equal(other!.reason, 'disruption: got "whatever". Allowed: "live", "reboot" or "replace"');
    const [list] = await failuresOf({ name: "a", nics: {} });
    assert.equal(list!.reason, "nics: got {}. Allowed: a list");
  });

  it("names a missing field", async () => {
    assert.deepEqual(await failuresOf({}), [{ property: "", reason: "name: is required" }]);
  });

  it("tells the value got and what is allowed", async () => {
    const [failure] = await failuresOf({ name: "a", memory: "2 gigs" });
    assert.match(failure!.reason, /^memory: "2 gigs" is not a size\. Allowed: .*e\.g\. "2GiB"$/);
    const [wrongType] = await failuresOf({ name: 5 });
    assert.match(wrongType!.reason, /^name: got 5\. Allowed: a string$/);
  });

  it("blames no property, whose value Pulumi would print, secrets too", async () => {
    const problems = async () => [{ field: "name", reason: "is taken" }];
    const all = [
      ...(await failuresOf({ name: ["hunter2"], memroy: "1GiB" })),
      ...(await failuresOf({ name: "a" }, {}, { problems })),
      ...(await failuresOf({ name: "a", memory: "2GiB" }, { name: "a", memory: "1GiB" })),
    ];
    assert.equal(all.length, 4);
    for (const { property } of all) assert.equal(property, "");
  });

  it("leaves unknown values alone, and still complains about the known ones", async () => {
    const news = { name: unknownValue, nics: [{ network: unknownValue, macc: "x" }], memory: "2 gigs", oops: 1 };
    const failures = await failuresOf(news);
    const fields = failures.map(({ reason }) => reason.slice(0, reason.indexOf(":")));
    assert.deepEqual(fields.sort(), ["memory", "nics.0.macc", "oops"]);
  });

  it("parses known fields beside unknown ones", async () => {
    const { inputs, failures } = await handler().check(
      {},
      { ...shell, name: "a", memory: 1024 ** 3, nics: [{ network: unknownValue }] },
    );
    assert.deepEqual(failures, []);
    assert.deepEqual(inputs, { name: "a", memory: "1GiB", nics: [{ network: unknownValue }], disruption: "live" });
  });

  it("refuses a change that disturbs more than the limit, with the way out", async () => {
    const olds = { ...shell, name: "a", memory: "1GiB", disruption: "live" };
    const [failure] = await failuresOf({ name: "a", memory: "2GiB" }, olds);
    assert.equal(
      failure!.reason,
      'thing a: memory 1GiB -> 2GiB (reboot: no room) disturbs more than is allowed: live. Fix: undo the change, or set disruption: "reboot"',
    );
    assert.deepEqual(await failuresOf({ name: "a", memory: "2GiB", disruption: "reboot" }, olds), []);
    assert.deepEqual(await failuresOf({ name: "a", memory: "512MiB" }, olds), []);
  });

  it("adds what is generated, and keeps what was", async () => {
    const generate = (_news: Inputs, olds: Partial<Inputs> | undefined) => ({
      nics: olds?.nics ?? [{ network: "made" }],
    });
    const first = await handler({ generate }).check({}, { ...shell, name: "a" });
    assert.deepEqual(first.inputs.nics, [{ network: "made" }]);
    const old = { ...first.inputs, nics: [{ network: "kept" }] };
    assert.deepEqual((await handler({ generate }).check(old, { ...shell, name: "a" })).inputs.nics, [
      { network: "kept" },
    ]);
  });

  it("asks the world about a new or changed object only, and only when all is known", async () => {
    let asked = 0;
    const problems = async () => {
      asked++;
      return [{ field: "name", reason: "is taken" }];
    };
    const old = { ...shell, name: "a", memory: "1GiB", disruption: "live" };
    assert.deepEqual(await failuresOf({ name: "a" }, old, { problems }), []);
    assert.equal(asked, 0);
    await failuresOf({ name: "a", nics: [{ network: unknownValue }] }, {}, { problems });
    assert.equal(asked, 0);
    const [failure] = await failuresOf({ name: "a" }, {}, { problems });
    assert.deepEqual(failure, { property: "", reason: "thing a: name: is taken" });
  });
});

describe("dispatch.diff", () => {
  it("reports no change for equal state and inputs, whatever the order of members", async () => {
    const olds = { ...shell, name: "a", memory: "1GiB", nics: [{ mac: "m", network: "n" }], extra: 1 };
    const news = { ...shell, name: "a", memory: "1GiB", nics: [{ network: "n", mac: "m" }] };
    assert.deepEqual(await handler().diff("1", olds, news), {
      changes: false,
      replaces: [],
      deleteBeforeReplace: false,
    });
  });

  it("deletes first only what could not be there twice", async () => {
    const olds = { name: "a", memory: "1GiB" };
    const before = async (news: object, fields: Partial<Handler<Inputs>["fields"]>) => {
      const table = { name: "replace", memory: "replace", nics: "live", disruption: "ignored", ...fields } as const;
      return (await handler({ fields: table }).diff("1", olds, { ...olds, ...news })).deleteBeforeReplace;
    };
    assert.equal(await before({ memory: "2GiB" }, {}), true);
    assert.equal(await before({ memory: "2GiB" }, { memory: "live" }), false);
    assert.equal(await before({ name: "b" }, {}), false);
  });

  it("asks a handler that knows better, where all is known", async () => {
    const fields = { name: "replace", memory: "replace", nics: "live", disruption: "ignored" } as const;
    const deleteBeforeReplace = (olds: Inputs, news: Inputs) => olds.memory === news.memory;
    const olds = { name: "a", memory: "1GiB" };
    const before = async (news: object) =>
      (await handler({ fields, deleteBeforeReplace }).diff("1", olds, { ...olds, ...news })).deleteBeforeReplace;
    assert.equal(await before({ memory: "2GiB" }), false);
    assert.equal(await before({ name: "b" }), true);
    assert.equal(await before({ name: unknownValue }), false);
    assert.equal(await before({}), false);
  });

  it("replaces for a replace-class field only", async () => {
    const olds = { name: "a", memory: "1GiB" };
    assert.deepEqual((await handler().diff("1", olds, { name: "b", memory: "2GiB" })).replaces, ["name"]);
    assert.deepEqual((await handler().diff("1", olds, { name: "a", memory: "2GiB" })).replaces, []);
  });
});

describe("dispatch operations", () => {
  it("puts the object's name before an error and keeps the cause", async () => {
    const cause = new Error("disk full");
    const broken = handler({ create: () => Promise.reject(cause) });
    await assert.rejects(broken.create({ ...shell, name: "a" }), (error: Error) => {
      assert.equal(error.message, "thing a: cannot create: disk full");
      assert.equal(error.cause, cause);
      return true;
    });
  });

  it("names each object alone where several share what failed", async () => {
    const cause = Object.assign(new Error("cannot connect"), { code: 38 });
    const broken = handler({ read: () => Promise.reject(cause) });
    const messages = ["a", "b"].map((name) =>
      broken.read("1", { ...shell, name }).catch((error: Error) => {
        // A number there would pass for a status of gRPC's.
        assert.equal("code" in error, false);
        return error.message;
      }),
    );
    assert.deepEqual(await Promise.all(messages), [
      "thing a: cannot read: cannot connect",
      "thing b: cannot read: cannot connect",
    ]);
    assert.equal(cause.message, "cannot connect");
  });

  it("keeps a half-made object in the state, with its shell", async () => {
    const half = handler({
      create: () => Promise.reject(new PartialError("7", { name: "a" }, new Error("agent silent"))),
    });
    await assert.rejects(half.create({ ...shell, name: "a" }), (error: Error & { [key: string]: unknown }) => {
      assert.equal(error["id"], "7");
      assert.deepEqual(error["properties"], { name: "a", __provider: "shell" });
      assert.deepEqual(error["reasons"], ["thing a: cannot create: agent silent"]);
      return true;
    });
  });

  it("says blank id when the object is gone", async () => {
    const gone = handler({ read: async () => undefined });
    assert.deepEqual(await gone.read("1", { ...shell, name: "a" }), { id: "", props: {} });
  });

  it("refreshes inputs from what was read, without computed outputs", async () => {
    const drifted = handler({
      read: async (_id, state) => ({ ...state, memory: "512MiB", uuid: "u" }) as Inputs,
    });
    assert.deepEqual(await drifted.read("1", { ...shell, name: "a", memory: "1GiB" }), {
      id: "1",
      props: { name: "a", memory: "512MiB", uuid: "u" },
      inputs: { name: "a", memory: "512MiB" },
    });
  });

  it("never runs two operations on one object at once", async () => {
    let running = 0;
    let most = 0;
    const slow = handler({
      delete: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running--;
      },
    });
    await Promise.all([1, 2, 3].map(() => slow.delete("1", { name: "same" })));
    assert.equal(most, 1);
    await Promise.all(["x", "y"].map((name) => slow.delete("1", { name })));
    assert.equal(most, 2);
  });

  it("aborts at the deadline and says so", async () => {
    const endless = handler({
      deadline: () => 20,
      create: (_inputs, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    });
    await assert.rejects(endless.create({ name: "a" }), /thing a: cannot create: not done after 0\.02 s/);
  });
});
