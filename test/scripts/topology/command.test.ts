import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { topologyCommand } from "../../../scripts/topology/command";
import { dev, State, twoHosts } from "./states";

describe("npm run topology", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), "topology-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs the command where the stacks have these states. */
  function run(args: string[], stacks: { [stack: string]: State } = {}) {
    const said: string[] = [];
    let printed = "";
    const status = topologyCommand(args, {
      exportedState(stack) {
        if (!stacks[stack]) throw new Error(`there is no ${stack}`);
        return stacks[stack].text();
      },
      say: (text) => said.push(text),
      print: (text) => (printed += text),
    });
    return { status, said, printed };
  }

  it("prints the stack's SVG, or its chart", () => {
    const { status, said, printed } = run(["--stack", "prod"], { prod: dev() });
    assert.deepEqual([status, said], [0, []]);
    assert.match(
      printed,
      /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" .*>\n<title id="title">Topology of stack lab</,
    );
    assert.match(run(["--stack", "prod", "--mermaid"], { prod: dev() }).printed, /^flowchart TB\n/);
  });

  it("draws an exported state without the stack, and writes what the file's name says", () => {
    const state = path.join(folder, "state.json");
    writeFileSync(state, dev().text());
    for (const [name, start] of [
      ["a.svg", "<svg "],
      ["a.mmd", "flowchart TB"],
    ] as const) {
      const output = path.join(folder, name);
      assert.deepEqual(run(["--state", state, "--output", output]), { status: 0, said: [], printed: "" });
      assert.ok(readFileSync(output, "utf8").startsWith(start));
    }
  });

  it("takes names of wires and a width", () => {
    const stacks = { dev: twoHosts() };
    const args = [
      "--stack",
      "dev",
      "--segment",
      "Office=192.168.155.0/24",
      "--segment",
      "WAN=kvm1/br1,kvm2/br1",
      "--width",
      "900",
    ];
    const { printed } = run(args, stacks);
    assert.match(printed, />Office<[^]*>WAN</);
    assert.ok(Number(/ width="(\d+)"/.exec(printed)![1]) <= 900);
    assert.doesNotMatch(printed, />LAN<|>behind/);
  });

  it("says so when there is nothing to draw, and writes no file", () => {
    const output = path.join(folder, "a.svg");
    assert.deepEqual(run(["--stack", "prod", "--output", output], { prod: new State() }), {
      status: 1,
      said: [
        "topology: stack prod has no host, network or guest to draw. Fix: `npm run up -- --stack prod` first, or name another stack",
      ],
      printed: "",
    });
    assert.throws(() => readFileSync(output), /ENOENT/);
  });

  it("says what failed: the stack, the state's file, the output", () => {
    assert.deepEqual(run(["--stack", "none"]).said, ["topology: there is no none"]);
    const missing = path.join(folder, "missing", "x");
    assert.match(run(["--state", missing]).said[0]!, /^topology: ENOENT: .*missing/);
    assert.match(run(["--stack", "dev", "--output", missing], { dev: dev() }).said[0]!, /^topology: ENOENT: .*missing/);
  });

  it("refuses wrong arguments", () => {
    for (const [args, message] of [
      [["--size", "5"], /^topology: Unknown option '--size'/],
      [["--width", "80"], /^topology: --width: got "80"\. Allowed: pixels, a whole number from 680 to 10000$/],
      [
        ["--segment", "WAN"],
        /^topology: --segment: got "WAN"\. Allowed: NAME=SUBNET or NAME=HOST\/BRIDGE,HOST\/BRIDGE, e\.g\. WAN=kvm1\/br1$/,
      ],
    ] as const) {
      const { status, said } = run([...args]);
      assert.equal(status, 2);
      assert.match(said[0]!, message);
    }
  });
});
