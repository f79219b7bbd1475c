import assert from "node:assert/strict";
import { inSlot } from "../../../providers/image/build-slots";
import type { Machine } from "../../../providers/machine/machine";

describe("slots for builds of images", () => {
  const said = (stdout: string) => Promise.resolve({ stdout, stderr: "", exitCode: 0 });
  const machine = (label: string, run: () => Promise<unknown>) => ({ label, run }) as unknown as Machine;

  /** How many of five builds run at once, and how many had to wait. */
  async function most(where: Machine): Promise<[most: number, waited: number]> {
    let [running, highest, waited] = [0, 0, 0];
    const build = async () => {
      highest = Math.max(highest, ++running);
      await new Promise(setImmediate);
      running--;
    };
    await Promise.all(Array.from({ length: 5 }, () => inSlot(where, () => waited++, build)));
    return [highest, waited];
  }

  for (const [what, stdout, expected] of [
    ["one for each processor", "4\n64000000\n", [4, 1]],
    ["no more than there is memory for", "4\n5000000\n", [2, 3]],
    ["one where memory is short", "4\n500000\n", [1, 4]],
    ["one where the host does not tell", "", [1, 4]],
  ] as const)
    it(`are ${what}`, async () => {
      assert.deepEqual(await most(machine(what, () => said(stdout))), expected);
    });

  it("are asked for again after a host did not answer", async () => {
    let asked = 0;
    const host = machine("shy", () => (++asked === 1 ? Promise.reject(new Error("no route")) : said("2\n64000000\n")));
    await assert.rejects(inSlot(host, assert.fail, assert.fail), /no route/);
    assert.deepEqual(await most(host), [2, 3]);
    assert.equal(asked, 2);
  });
});
