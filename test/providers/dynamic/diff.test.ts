import assert from "node:assert/strict";
import type { DiffTable } from "../../../providers/dynamic/contract";
import { classify, describeChange } from "../../../providers/dynamic/diff";
import { unknownValue } from "../../../providers/dynamic/unknown";

interface Inputs {
  content: string;
}

const table: DiffTable<Inputs> = { content: { disruption: "live", hidden: true } };

describe("a hidden field", () => {
  it("is shown as changing, without its values", () => {
    const changes = classify(table, { content: "old-secret" }, { content: "new-secret" });
    assert.deepEqual(changes.map(describeChange), ["content changes (live)"]);
  });

  it("stays hidden when its new value is not known yet", () => {
    const changes = classify(table, { content: "old-secret" }, { content: unknownValue });
    assert.deepEqual(changes.map(describeChange), ["content changes (live)"]);
  });
});
