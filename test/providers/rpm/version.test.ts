import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { compareEvr, compareVersions } from "../../../providers/rpm/version";
import { skip } from "../../skip";

/** From rpm-version(7) and what it says of each rule. */
const pairs: [older: string, newer: string][] = [
  ["1.0", "2.0"],
  ["1.9", "1.10"],
  ["1.0", "1.0.1"],
  ["1.0", "1.0a"],
  ["1.0a", "1.0.1"],
  ["1.0a", "1.0b"],
  ["1.0B", "1.0a"],
  ["5.5p1", "5.5p2"],
  ["5.5p9", "5.5p10"],
  ["10xyz", "10.1xyz"],
  ["xyz.4", "8"],
  ["1.0~rc1", "1.0"],
  ["1.0~rc1", "1.0~rc2"],
  ["1.0~rc1~git123", "1.0~rc1"],
  ["1.0~", "1.0"],
  ["1.0", "1.0^"],
  ["1.0^git1", "1.0^git2"],
  ["1.0^git1", "1.0.1"],
  ["1.0^git1", "1.01"],
  ["1.0^20160101", "1.0^20160101^git1"],
  ["1.0~rc1^git1", "1.0"],
  ["1.0~rc1", "1.0~rc1^git1"],
  ["1.0^git1~pre", "1.0^git1"],
  ["99999999999999999998", "99999999999999999999"],
];

const equal: [string, string][] = [
  ["1.0", "1.0"],
  ["1.0", "1_0"],
  ["1.0", "1.00"],
  ["1.05", "1.5"],
  ["a1", "a.1"],
];

/** rpm's Lua takes "-" for what parts version and release. */
const version = fc.string({ unit: fc.constantFrom(..."0019abzAB._+~^"), minLength: 1, maxLength: 8 });

describe("versions of RPMs", () => {
  for (const [older, newer] of pairs)
    it(`${older} is older than ${newer}`, () => {
      assert.ok(compareVersions(older, newer) < 0);
      assert.ok(compareVersions(newer, older) > 0);
    });

  for (const [one, other] of equal)
    it(`${JSON.stringify(one)} is as new as ${JSON.stringify(other)}`, () =>
      assert.equal(compareVersions(one, other), 0));

  it("are ordered by epoch, then version, then release", () => {
    const evr = (epoch: string, version: string, release: string) => ({ epoch, version, release });
    const inOrder = [
      evr("0", "1.0", "1"),
      evr("0", "1.0", "2.el9"),
      evr("0", "1.1", "1"),
      evr("1", "0.9", "1"),
      evr("10", "0", "1"),
    ];
    assert.deepEqual([...inOrder].reverse().sort(compareEvr), inOrder);
  });

  it("are ordered as rpm orders them", function () {
    const sample = fc.sample(fc.tuple(version, version), { numRuns: 2000, seed: 1 });
    const table = [...pairs, ...equal, ...sample].map(([a, b]) => `{"${a}","${b}"}`).join(",");
    const lua = `local t = {} for _, pair in ipairs({${table}}) do t[#t + 1] = rpm.vercmp(pair[1], pair[2]) end print(table.concat(t, ","))`;
    const said = spawnSync("rpm", ["--eval", `%{lua: ${lua}}`], { encoding: "utf8" });
    if (said.error) skip(this, "needs rpm");
    const theirs = said.stdout.trim().split(",").map(Number);
    const all = [...pairs, ...equal, ...sample];
    assert.equal(theirs.length, all.length);
    const others = all.filter(([a, b], index) => Math.sign(compareVersions(a, b)) !== theirs[index]);
    assert.deepEqual(others, []);
  });
});
