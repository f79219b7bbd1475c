import assert from "node:assert/strict";
import { shell } from "../../../providers/dynamic/shell";

describe("shell", () => {
  it("is one short constant for all resources of a kind", () => {
    assert.equal(shell("Domain"), shell("Domain"));
    assert.ok(Buffer.byteLength(shell("LoadBalancerPair")) < 512);
  });

  it("holds no path and no version", () => {
    assert.doesNotMatch(shell("Domain").replaceAll('"/"', ""), /\/(?!plugin)|\d/);
  });
});
