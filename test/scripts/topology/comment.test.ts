import assert from "node:assert/strict";
import { topologyDetails } from "../../../scripts/topology/comment";
import { readTopology } from "../../../scripts/topology/read-topology";
import { readState } from "../../../scripts/topology/state";
import { fifty, State } from "./states";

function details(state: State, length = 0): string {
  return topologyDetails({ stack: "lab", planned: readTopology("lab", readState(state.text(), "test")) }, length);
}

function guests(count: number, nics: number): State {
  const state = new State();
  for (let at = 0; at < count; at++) state.guest(`guest-${at}`, { nics: Array(nics).fill({ bridge: "br0" }) });
  return state;
}

const tooLarge =
  "The topology is too large for a comment: `npm run topology -- --stack lab --output topology.svg` draws it.\n";

describe("topologyDetails", () => {
  it("folds the chart away in the comment, also at 50 guests", () => {
    const text = details(fifty());
    assert.match(
      text,
      /^<details><summary>Topology after these changes<\/summary>\n\n.*\n\n```mermaid\nflowchart TB\n/,
    );
    assert.match(text, /\n```\n\n<\/details>\n$/);
  });

  it("says nothing of a stack that has nothing to show", () => assert.equal(details(new State()), ""));

  it("keeps to what GitHub and Mermaid take", () => {
    assert.equal(details(fifty(), 64_000), tooLarge, "the comment");
    assert.equal(details(guests(900, 1)), tooLarge, "the chart's length");
    assert.equal(details(guests(60, 9)), tooLarge, "the chart's links");
  });
});
