import assert from "node:assert/strict";
import fc from "fast-check";
import { Trailer } from "../../../providers/machine/trailer";

const token = "0123456789abcdef0123456789abcdef";

function feed(chunks: Buffer[]) {
  const trailer = new Trailer(token);
  const passed = chunks.map((chunk) => trailer.filter(chunk));
  return { output: Buffer.concat([...passed, trailer.rest()]).toString("latin1"), ending: trailer.ending };
}

describe("Trailer", () => {
  it("takes the last line out of a stream, wherever that is cut", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "\n", "\x1e", "0", " "), maxLength: 30 }),
        fc.string({ unit: fc.constantFrom("b", "\n", "\x1e"), maxLength: 5 }),
        fc.integer({ min: 0, max: 255 }),
        fc.array(fc.nat(120), { maxLength: 6 }),
        (before, after, code, cuts) => {
          const whole = Buffer.from(`${before}\x1e${token} ${code}\n${after}`);
          const at = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length];
          const { output, ending } = feed(at.slice(1).map((end, i) => whole.subarray(at[i], end)));
          assert.deepEqual(ending, { exitCode: code });
          assert.equal(output, before + after);
        },
      ),
    );
  });

  it("tells what is left on the machine", () => {
    assert.deepEqual(feed([Buffer.from(`\x1e${token} 3 5000000 12\n`)]).ending, {
      exitCode: 3,
      spooled: { stdout: 5000000, stderr: 12 },
    });
  });

  it("lets pass what only looks like it", () => {
    const text = `\x1e${token.replace("0", "1")} 0\n\x1e${token.slice(0, 10)}`;
    assert.deepEqual(feed([Buffer.from(text)]), { output: text, ending: undefined });
  });

  it("holds no more than a line back", () => {
    const endless = `\x1e${token} ${"9".repeat(500)}`;
    assert.equal(new Trailer(token).filter(Buffer.from(endless)).length, endless.length);
  });
});
