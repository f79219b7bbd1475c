import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "../../../providers/libvirt/xml/document";
import { drawTopology } from "../../../scripts/topology/page";
import { readTopology } from "../../../scripts/topology/read-topology";
import { flat } from "../../../scripts/topology/scene";
import { readState } from "../../../scripts/topology/state";
import { svg } from "../../../scripts/topology/svg";
import { fonts } from "../../../scripts/topology/text-metrics";
import { assertGolden } from "./golden";
import { blemishes } from "./overlaps";
import { stacks } from "./random-stacks";
import { datacenter, dev, fifty, sixHosts, State, twoHosts } from "./states";

function draw(state: State, width?: number) {
  const topology = readTopology("lab", readState(state.text(), "test"));
  assert.ok(topology);
  return drawTopology(topology, width);
}

const fixtures = { dev, datacenter, "two-hosts": twoHosts, fifty };

describe("drawTopology", () => {
  for (const [name, make] of Object.entries(fixtures)) {
    it(`draws ${name} without blemishes, on a page`, () => {
      const scene = draw(make());
      assert.deepEqual(blemishes(scene), []);
      assert.ok(scene.width <= 1600, `${scene.width} pixels wide`);
    });

    it(`draws ${name} as it was looked at`, () => assertGolden(svg(draw(make())), `${name}.svg`));
  }

  it("leads a LAN to a second row of hosts", () => {
    const scene = draw(sixHosts());
    assert.deepEqual(blemishes(scene), []);
    const lans = flat(scene.shapes).filter((shape) => shape.kind === "text" && shape.text === "LAN");
    assert.equal(lans.length, 2);
    assert.equal(flat(scene.shapes).filter((shape) => shape.kind === "line" && shape.class === "wire").length, 1);
  });

  it("keeps everything apart in any stack and width", () => {
    fc.assert(
      fc.property(stacks, fc.integer({ min: 680, max: 2000 }), (state, width) => {
        const scene = draw(state, width);
        assert.deepEqual(blemishes(scene), []);
        parse(svg(scene));
      }),
      { numRuns: 20 },
    );
  }).timeout(30_000);

  it("has no letters that are too small to read", () => {
    for (const { size } of Object.values(fonts)) assert.ok(size >= 11);
  });

  it("draws the same picture whatever the order of resources", () => {
    for (const make of [datacenter, twoHosts]) {
      const state = make();
      const first = svg(draw(state));
      state.resources.reverse();
      assert.equal(svg(draw(state)), first);
    }
  });

  it("shows every guest with its addresses, and what there is no room for in its tooltip", () => {
    const state = dev();
    const addresses = [{ nic: 0, ipv4: ["192.168.190.31", "192.168.190.32"], ipv6: [] }];
    const name = "a-guest-with-a-name-that-no-card-has-room-for";
    state.guest(name, { nics: [{ network: "dev", mac: "52:54:00:00:00:01" }], addresses, title: "The web server" });
    const document = svg(draw(state));
    assert.match(document, />a-guest-with-a-nam[a-z-]*…</);
    assert.match(document, />192\.168\.190\.31 \+1</);
    const tooltip = [
      `${name}: VM, running, 1 vCPU, 512MiB`,
      "The web server",
      "NIC 1 on dev: 52:54:00:00:00:01, 192.168.190.31, 192.168.190.32",
    ].join("\n");
    assert.ok(document.includes(`<title>${tooltip}</title>`), document);
  });

  it("tells kinds and power states in words and marks, and explains in the legend only what is there", () => {
    const texts = flat(draw(datacenter()).shapes).flatMap((shape) => (shape.kind === "text" ? [shape.text] : []));
    for (const text of [
      "VM · paused · 8GiB",
      "container · shut off",
      "virtual machine",
      "container",
      "paused",
      "shut off",
    ])
      assert.ok(texts.includes(text), `${text} is not among ${texts.join(", ")}`);
    const plain = flat(draw(dev()).shapes).flatMap((shape) => (shape.kind === "text" ? [shape.text] : []));
    assert.ok(!plain.includes("container") && !plain.includes("paused") && plain.includes("virtual machine"));
  });

  it("escapes what is in a state, and never draws its secrets", () => {
    const state = new State();
    const host = state.host("<script>alert(1)</script>", "qemu:///system");
    state.object("Network", "lab", { connection: "qemu:///system", name: `"&'<lab>]]>` }, host);
    state.guest("web\u0000\ud800", { nics: [{ network: `"&'<lab>]]>` }], state: "running" });
    const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", plaintext: '"hunter2"' };
    state.guest("db", { title: secret, memory: secret, nics: [{ network: "lab", mac: secret }], addresses: secret });
    state.resources.at(-1)!.outputs!["title"] = "hunter2";
    const document = svg(draw(state));
    assert.doesNotMatch(document, /hunter2|<script|\u0000/);
    const shown = parse(document).textContent ?? "";
    assert.ok(shown.includes("<script>alert(1)</script>") && shown.includes(`"&'<lab>]]>`), shown);
    assert.ok(shown.includes("web\ufffd\ufffd"));
  });

  it("follows the reader's choice of light or dark", () => {
    const document = svg(draw(dev()));
    assert.match(
      document,
      /\.page \{ fill: #ffffff; \}[^]*@media \(prefers-color-scheme: dark\) \{\n {2}\.page \{ fill: #0d1117; \}/,
    );
  });
});
