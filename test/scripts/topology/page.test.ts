import assert from "node:assert/strict";
import fc from "fast-check";
import { drawTopology } from "../../../scripts/topology/page";
import { readTopology } from "../../../scripts/topology/read-topology";
import { readState } from "../../../scripts/topology/state";
import { blemishes } from "./overlaps";
import { stacks } from "./random-stacks";
import { datacenter, dev, fifty, twoHosts, type State } from "./states";

function draw(state: State, width?: number) {
  const topology = readTopology("lab", readState(state.text(), "test"));
  assert.ok(topology);
  return drawTopology(topology, width);
}

describe("drawTopology", () => {
  for (const [label, make] of Object.entries({ dev, datacenter, twoHosts, fifty }))
    it(`draws ${label} without blemishes`, () => assert.deepEqual(blemishes(draw(make())), []));

  it("keeps everything apart in any stack, in any width", () => {
    fc.assert(
      fc.property(stacks, fc.integer({ min: 680, max: 2000 }), (state, width) => {
        assert.deepEqual(blemishes(draw(state, width)), []);
      }),
      { numRuns: 20 },
    );
  }).timeout(30_000);
});
