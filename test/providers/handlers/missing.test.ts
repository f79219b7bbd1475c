import assert from "node:assert/strict";
import { missingProblem } from "../../../providers/handlers/missing";

describe("a name that nobody knows", () => {
  const fix = "Fix: declare it as a Network and use that one's name, or correct the name";

  it("is told with the names there are, and the nearest", () => {
    assert.equal(
      missingProblem("network", "defualt", ["lab", "default"], "Network"),
      `there is no network "defualt"; did you mean "default"? On the host: "lab", "default". ${fix}`,
    );
    assert.equal(
      missingProblem("network", "office", ["lab"], "Network"),
      `there is no network "office". On the host: "lab". ${fix}`,
    );
    assert.equal(
      missingProblem("network", "office", [], "Network"),
      `there is no network "office". On the host: none. ${fix}`,
    );
  });
});
