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

describe("the change of a list", () => {
  const rule = (port: number) => ({ action: "accept", direction: "in", protocol: "tcp", dstPort: port });
  const described = (old: unknown, wanted: unknown) =>
    describeChange({ field: "rules", old, new: wanted, disruption: "live" });

  it("is shown whole where it is short", () => {
    assert.equal(described(["a"], ["a", "b"]), 'rules ["a"] -> ["a","b"] (live)');
  });

  it("is shown by what comes and goes where it is long", () => {
    const web = [80, 443, 8080].map(rule);
    assert.equal(
      described(web, [rule(80), rule(443), rule(22)]),
      'rules without {"action":"accept","direction":"in","protocol":"tcp","dstPort":8080}, ' +
        'with {"action":"accept","direction":"in","protocol":"tcp","dstPort":22} (live)',
    );
    assert.equal(described(web, [...web].reverse()), "rules in another order (live)");
    assert.equal(described([...web, ...web], web), "rules 6 -> 3 entries (live)");
    assert.match(described([], [1, 2, 3, 4, 5, 6].map(rule)), /^rules with .* and 2 more \(live\)$/);
    assert.match(described(web, [unknownValue]), /^rules \[.*\.\.\. -> known after up \(live\)$/);
  });
});
