import assert from "node:assert/strict";
import fc from "fast-check";
import { mermaid } from "../../../scripts/topology/mermaid";
import { readTopology } from "../../../scripts/topology/read-topology";
import { readState, type StateResource } from "../../../scripts/topology/state";
import { assertGolden } from "./golden";
import { stacks } from "./random-stacks";
import { datacenter, dev, State, twoHosts } from "./states";

function chart(state: State, change: (resources: StateResource[]) => StateResource[] = (same) => same): string {
  const topology = readTopology("lab", change(readState(state.text(), "test")));
  assert.ok(topology);
  return mermaid(topology);
}

const label = /"(?:[\p{L}\p{N} .,:/()+→-]|#\d+;|<br>)*"/u.source;
const id = "[a-z]+\\d+";

/** The lines of a chart, by what they may be. The whole grammar is Mermaid's; this is the part that is used. */
const grammar = {
  open: new RegExp(`^ +subgraph (${id})\\[${label}\\]$`, "u"),
  close: /^ +end$/,
  node: new RegExp(
    `^ +(${id})(?:\\[\\[${label}\\]\\]|\\[${label}\\]|\\(${label}\\))(?::::(?:new|changed|removed))?$`,
    "u",
  ),
  link: new RegExp(`^ +(${id}) (?:---|-\\.-)(?:\\|${label}\\|)? (${id})$`, "u"),
  style: /^ {2}classDef (?:new|changed|removed) [a-z0-9:#, -]+$/,
};

/** What Mermaid would not take, or would draw as something else. */
function mistakes(text: string): string[] {
  const [first, ...lines] = text.trimEnd().split("\n");
  const known = new Set<string>();
  const found = first === "flowchart TB" ? [] : [`begins with ${first}`];
  let depth = 0;
  for (const line of lines) {
    const [, opened] = grammar.open.exec(line) ?? [];
    const [, node] = grammar.node.exec(line) ?? [];
    const [, from, to] = grammar.link.exec(line) ?? [];
    if (grammar.close.test(line)) depth--;
    else if (from && to) found.push(...[from, to].filter((end) => !known.has(end)).map((end) => `${line}: no ${end}`));
    else if (opened ?? node) {
      if (known.has((opened ?? node)!)) found.push(`${line}: a second one`);
      known.add((opened ?? node)!);
      if (opened) depth++;
    } else if (!grammar.style.test(line)) found.push(line);
    if (depth < 0) found.push("one end too many");
  }
  return depth === 0 ? found : [...found, "a subgraph without an end"];
}

describe("mermaid", () => {
  for (const [name, make] of Object.entries({ dev, datacenter, "two-hosts": twoHosts }))
    it(`writes ${name} as it was looked at`, () => assertGolden(chart(make()), `${name}.mmd`));

  it("writes what Mermaid takes, of any stack", () => {
    fc.assert(
      fc.property(stacks, (state) => assert.deepEqual(mistakes(chart(state)), [])),
      { numRuns: 50 },
    );
  });

  it("lets no name break out of its label", () => {
    const state = new State();
    state.host('x"]; click host1 "javascript:alert(1)" %% `md`', "qemu:///system");
    state.guest("a\nend", {});
    const text = chart(state);
    assert.deepEqual(mistakes(text), []);
    assert.match(
      text,
      /subgraph host1\["x#34;#93;#59; click host1 #34;javascript:alert\(1\)#34; #37;#37; #96;md#96;"\]/,
    );
    assert.match(text, /\("a end<br>VM"\)/);
  });

  it("marks what a preview would do", () => {
    const text = chart(dev(), (resources) =>
      resources.map((resource) =>
        resource.name === "dev-web" && resource.custom ? { ...resource, mark: "new" } : resource,
      ),
    );
    assert.match(text, /guest\d+\("dev-web<br>VM<br>192\.168\.190\.21<br>8080 → 80\/tcp"\):::new\n/);
    assert.match(text, /\n {2}classDef new stroke:#1a7f37,stroke-width:3px\n$/);
    assert.doesNotMatch(text, /classDef (changed|removed)/);
  });
});
